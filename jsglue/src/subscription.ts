/** One subscription of a client. */
import { reportUncaught } from './errors'
import { Sequence } from './sequence'
import type { Granted, Message, MessageHandler, Subscription as SubscriptionType } from './types'

export class Subscription implements SubscriptionType {
  readonly filters: readonly string[]
  granted: readonly Granted[] = []
  readonly #handler: MessageHandler | undefined
  readonly #leave: () => Promise<void>
  readonly #messages = new Sequence<Message>()

  constructor(filters: readonly string[], handler: MessageHandler | undefined, leave: () => Promise<void>) {
    this.filters = filters
    this.#handler = handler
    this.#leave = leave
  }

  deliver(message: Message): void {
    this.#messages.push(message)
    try {
      this.#handler?.(message)
    } catch (e) {
      reportUncaught(e)
    }
  }

  end(): void { this.#messages.end() }

  unsubscribe(): Promise<void> {
    this.end()
    return this.#leave()
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> { return this.#messages.from() }
}
