/** Steps that ask the Device Shadow service: their client tokens, and the answers, which are subscribed to while they are awaited. */
import { randomHex } from '../connect-options'
import { invalid } from '../errors'
import { parse } from '../shadow-document'
import { answersTo, leave, subscribeToAll } from '../shadow-requests'
import type { Client, Message, Subscription } from '../types'

/** How many steps ahead are subscribed for: with two filters each, one SUBSCRIBE. */
const ahead = 4

const decoder = /* @__PURE__ */ new TextDecoder()

/** The JSON object with a client token, its own where it has one; the rest is not touched. */
export function withClientToken(payload: string | Uint8Array, field: string): string {
  const text = typeof payload === 'string' ? payload : decoder.decode(payload)
  if (text.trim() === '') return `{"clientToken":"${randomHex(16)}"}`
  const document = parse(text)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw invalid(field, 'be a JSON object, with the gate shadow')
  const { clientToken } = document as { clientToken?: unknown }
  if (clientToken === undefined) {
    return text.replace('{', `{"clientToken":"${randomHex(16)}"${Object.keys(document).length > 0 ? ',' : ''}`)
  }
  if (typeof clientToken !== 'string' || clientToken === '' || clientToken.length > 64) throw invalid(`${field}.clientToken`, 'be a string of 1 to 64 characters')
  return text
}

export function clientTokenOf(payload: string | Uint8Array): string {
  return ((parse(typeof payload === 'string' ? payload : decoder.decode(payload)) ?? {}) as { clientToken?: string }).clientToken ?? ''
}

/** Subscribes to the answers to requests on topics, in the order of their first use, each as long as it is needed. */
export class ShadowAnswers {
  readonly #client: Client
  readonly #heard: (message: Message) => void
  readonly #granted: (topics: readonly string[]) => void
  readonly #uses: Map<string, number> // steps left, by topic
  readonly #listening = new Map<string, Promise<void>>()
  readonly #subscriptions = new Map<string, Subscription>()

  /** `heard` gets the answers; `granted` is told of topics whose answers would be heard now. */
  constructor(client: Client, topics: readonly string[], heard: (message: Message) => void, granted: (topics: readonly string[]) => void) {
    this.#client = client
    this.#heard = heard
    this.#granted = granted
    this.#uses = new Map()
    for (const topic of topics) this.add(topic)
  }

  /** A further step will use the topic. */
  add(topic: string): void { this.#uses.set(topic, (this.#uses.get(topic) ?? 0) + 1) }

  /** Resolves when the answers on a topic would be heard; without a topic it only makes ready for the first ones. */
  ready(topic?: string): Promise<void> | undefined {
    const missing = [...this.#uses.keys()].filter(each => !this.#listening.has(each))
    // With the last one that is listened to, the next few: no step waits for them, and not each has a SUBSCRIBE of its own.
    const last = this.#uses.size - missing.length <= 1
    if (topic !== undefined && !this.#listening.has(topic)) this.#listen([...new Set([topic, ...missing])].slice(0, ahead))
    else if (last && missing.length > 0) this.#listen(missing.slice(0, ahead))
    return topic === undefined ? undefined : this.#listening.get(topic)
  }

  /** A step that uses the topic has finished. */
  finished(topic: string): void {
    const left = (this.#uses.get(topic) ?? 1) - 1
    this.#uses.set(topic, left)
    if (left > 0) return
    this.#uses.delete(topic)
    this.#listening.delete(topic)
    const subscription = this.#subscriptions.get(topic)
    this.#subscriptions.delete(topic)
    if (subscription && ![...this.#subscriptions.values()].includes(subscription)) void leave([subscription])
  }

  #listen(topics: readonly string[]): void {
    const subscribed = subscribeToAll(this.#client, topics.flatMap(answersTo), this.#heard).then(subscription => {
      const wanted = topics.filter(topic => this.#uses.has(topic))
      for (const topic of wanted) this.#subscriptions.set(topic, subscription)
      if (wanted.length === 0) void leave([subscription])
      this.#granted(wanted)
    })
    for (const topic of topics) this.#listening.set(topic, subscribed)
    subscribed.catch(() => {
      for (const topic of topics) if (this.#listening.get(topic) === subscribed) this.#listening.delete(topic) // the next attempt asks anew
    })
  }
}
