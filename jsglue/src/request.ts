/** Request and response over MQTT 5: an answer carries the request's correlation data (section 4.10). */
import * as check from './arguments'
import { randomHex } from './connect-options'
import { IotError } from './errors'
import type { Client, Message, Payload, RequestOptions } from './types'

export async function request(client: Client, topic: string, payload: Payload, options: RequestOptions): Promise<Message> {
  check.object(options, 'options', ['responseTopic', 'qos', 'properties', 'timeout', 'signal'])
  const properties = check.publishProperties(options.properties, 'properties') ?? {}
  const message = check.message(topic, payload, options)
  const timeout = check.optional(options.timeout, 'timeout', check.integer(1, 0x7fffffff)) ?? 30_000
  const signal = check.signal(options.signal, 'signal')
  const responseTopic = check.topicName(options.responseTopic ?? `${topic}/response/${client.clientId}`, 'responseTopic')
  const correlation = randomHex(16)

  const answered = new AbortController()
  const either = signal ? AbortSignal.any([signal, answered.signal]) : answered.signal
  let settle!: (message: Message) => void
  let fail!: (error: unknown) => void
  const answer = new Promise<Message>((resolve, reject) => { [settle, fail] = [resolve, reject] })
  answer.catch(() => undefined) // it may fail while the subscription is under way
  const timer = setTimeout(() => fail(new IotError('timeout', `no answer to the request within ${timeout} ms`, { retryable: true })), timeout)
  const gaveUp = (): void => fail(new IotError('aborted', 'the call was aborted', { cause: signal?.reason }))
  signal?.addEventListener('abort', gaveUp)
  const off = client.on('close', error => fail(error ?? new IotError('closed', 'the client was closed before the answer came')))
  try {
    const subscription = await Promise.race([answer, client.subscribe(responseTopic, { qos: message.qos, signal: either, timeout }, m => {
      if (text(m.properties.correlationData) === correlation) settle(m)
    })])
    if (!('unsubscribe' in subscription)) return subscription
    try {
      await Promise.race([answer, client.publish(topic, message.payload, {
        qos: message.qos, signal: either,
        properties: { ...properties, responseTopic, correlationData: new TextEncoder().encode(correlation) },
      })])
      return await answer
    } finally {
      subscription.unsubscribe().catch(() => undefined)
    }
  } finally {
    answered.abort()
    clearTimeout(timer)
    off()
    signal?.removeEventListener('abort', gaveUp)
  }
}

function text(bytes: Uint8Array | undefined): string { return bytes ? new TextDecoder().decode(bytes) : '' }
