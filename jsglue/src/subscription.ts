/** One subscription of a client. */
import { asyncDispose } from './dispose'
import { IotError, reportUncaught } from './errors'
import { Sequence } from './sequence'
import { matchFilter } from './topic-filter'
import type { Granted, Match, Message, MessageHandler, QoS, SubscribeOptions, Subscription as SubscriptionType, UnsubscribeOptions } from './types'
import type { Properties } from './wire'

export class Subscription implements SubscriptionType {
  readonly filters: readonly string[]
  granted: readonly Granted[] = []
  properties: SubscriptionType['properties'] = {}
  readonly #handler: MessageHandler | undefined
  readonly #leave: (options: UnsubscribeOptions) => Promise<void>
  readonly #messages: Sequence<Message>

  constructor(filters: readonly string[], handler: MessageHandler | undefined, bounds: Required<Pick<SubscribeOptions, 'buffer' | 'overflow'>>, leave: (options: UnsubscribeOptions) => Promise<void>) {
    this.filters = filters
    this.#handler = handler
    this.#leave = leave
    this.#messages = new Sequence(bounds.overflow === 'latest' ? 1 : bounds.buffer, bounds.overflow === 'drop-newest')
  }

  get dropped(): number { return this.#messages.dropped }

  /** Takes the SUBACK. Returns the filters that the server refused; throws the first where it refused all. */
  answer(reasonCodes: Uint8Array, { reasonString, userProperties }: Properties): IotError[] {
    this.properties = { ...(reasonString !== undefined && { reasonString }), ...(userProperties && { userProperties }) }
    const refused: IotError[] = []
    this.granted = this.filters.map((filter, i) => {
      const reasonCode = reasonCodes[i] ?? 0x80
      if (reasonCode < 0x80) return { filter, reasonCode, qos: reasonCode as QoS }
      refused.push(refusal(filter, reasonCode))
      return { filter, reasonCode }
    })
    if (refused.length === this.filters.length) throw refused[0]!
    return refused
  }

  deliver(message: Message): void {
    this.#messages.push(message)
    if (!this.#handler) return
    try {
      this.#handler(message, this.#match(message.topic))
    } catch (e) {
      reportUncaught(e)
    }
  }

  #match(topic: string): Match {
    for (const filter of this.filters) {
      if (filter === topic) return { filter, wildcards: [] }
      const wildcards = matchFilter(filter, topic)
      if (wildcards) return { filter, wildcards }
    }
    return { filter: this.filters[0]!, wildcards: [] }
  }

  end(): void { this.#messages.end() }

  unsubscribe(options: UnsubscribeOptions = {}): Promise<void> {
    this.end()
    return this.#leave(options)
  }

  [asyncDispose](): Promise<void> { return this.unsubscribe() }

  [Symbol.asyncIterator](): AsyncIterator<Message> { return this.#messages.from() }
}

function refusal(filter: string, reasonCode: number): IotError {
  return new IotError('subscribe-refused', `the server refused to subscribe to ${filter}: reason code 0x${reasonCode.toString(16).toUpperCase()}`, {
    field: 'filter',
    reasonCode,
    retryable: reasonCode === 0x80 || reasonCode === 0x83 || reasonCode === 0x97,
    hint: reasonCode === 0x87 ? "Check that the credentials' policy allows iot:Subscribe on this topic filter." : undefined,
  })
}
