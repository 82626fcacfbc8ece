/** A second subscriber: mqtt.js in Node, which hears what reached the server, whatever a client says of itself. */
import { expect, type JSHandle } from '@playwright/test'
import { AwsV4Signer } from 'aws4fetch'
import mqtt, { type IPublishPacket } from 'mqtt'
import type { Client } from '../src/types'
import type { PlainOptions } from './fixtures'

export interface Heard {
  topic: string
  text: string
  qos: number
  retain: boolean
  properties: NonNullable<IPublishPacket['properties']>
  /** ms since the epoch. */
  at: number
}

export interface Observer {
  /** In the order of arrival. */
  readonly heard: readonly Heard[]
  texts(): string[]
  /** Waits until so many messages came. */
  count(count: number): Promise<void>
  /** All that the client had published by now, and what the server published because of it. The observer must hear the topic. */
  all(client: JSHandle<Client>, topic: string): Promise<Heard[]>
  /** Does nothing after the end of the test. */
  publish(topic: string, payload: string): Promise<void>
  /** Calls back for each message, after it was noted. */
  on(handler: (message: Heard) => void): void
  stop(): Promise<void>
}

/** Where a stock client connects. */
export async function signed({ endpoint, url, region, credentials }: PlainOptions): Promise<string> {
  if (typeof url === 'string') return url
  const signer = new AwsV4Signer({ ...credentials!, url: `${endpoint}/mqtt`, service: 'iotdevicegateway', region: region!, signQuery: true })
  return (await signer.sign()).url.href
}

/** Subscribes with QoS 1 on a connection of its own. */
export async function observe(options: PlainOptions, ...filters: string[]): Promise<Observer> {
  const url = await signed(options)
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, transformWsUrl: () => url })
  const heard: Heard[] = []
  const handlers: ((message: Heard) => void)[] = []
  client.on('message', (topic, payload, packet) => {
    const message = { topic, text: payload.toString(), qos: packet.qos, retain: packet.retain, properties: packet.properties ?? {}, at: Date.now() }
    heard.push(message)
    for (const handler of handlers) handler(message)
  })
  await client.subscribeAsync(filters, { qos: 1 })
  let words = 0
  return {
    heard,
    texts: () => heard.map(h => h.text),
    count: count => expect.poll(() => heard.length, { timeout: 20_000, intervals: [20] }).toBeGreaterThanOrEqual(count),
    all: async (page, topic) => {
      const word = `last word ${++words}`
      await page.evaluate((c, [topic, word]) => c.publish(topic, word, { qos: 1 }), [topic, word] as const)
      await expect.poll(() => heard.some(h => h.text === word), { timeout: 20_000, intervals: [20] }).toBe(true)
      return heard.filter(h => !h.text.startsWith('last word'))
    },
    publish: async (topic, payload) => { if (client.connected) await client.publishAsync(topic, payload, { qos: 1 }).catch(() => undefined) }, // its test may have ended
    on: handler => { handlers.push(handler) },
    stop: () => client.endAsync(true),
  }
}

/** ms between each message and the next. */
export const gaps = (heard: readonly Heard[]): number[] => heard.slice(1).map((h, i) => h.at - heard[i].at)
