/** Subscribes and unsubscribes, one subscription per topic filter so that each can end alone. */
import type { Client, IotError, QoS, SubscribeOptions, Subscription } from 'iotwasm'
import type { Connection, Follower } from './connection'
import { Observable } from './observable'

export interface SubscriptionState {
  readonly id: number
  readonly filter: string
  /** A name of the user's. */
  alias: string
  /** Number of its colour. */
  tone: number
  options: SubscribeOptions
  phase: 'pending' | 'granted' | 'refused' | 'ended'
  grantedQos: QoS | undefined
  /** Of a SUBACK that refused it. */
  reasonCode: number | undefined
  /** Messages received. */
  count: number
}

/** Colours in theme.css: `--tone-0` and so on. */
export const tones = 8

export class Subscriptions extends Observable implements Follower {
  readonly #open = new Map<number, Subscription>()
  readonly #pending = new Map<string, Promise<void>>()
  readonly #connection: Connection
  #lastId = 0
  #all: SubscriptionState[] = []

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  get all(): readonly SubscriptionState[] { return this.#all }

  opened(_client: Client): void {}

  closed(): void {
    this.#open.clear()
    for (const each of this.#all) if (each.phase !== 'refused') each.phase = 'ended'
    this.changed()
  }

  /** Resolves when all are granted. What is subscribed already stays as it is. One that fails keeps no other back. */
  add(filters: readonly string[], options: SubscribeOptions = {}): Promise<void> {
    return all([...new Set(filters)].map(filter => this.#pending.get(filter) ?? this.#addOne(filter, options)))
  }

  /** Subscribes again to what has ended or was refused, as before. */
  renew(those: readonly SubscriptionState[]): Promise<void> {
    return all(those.map(({ filter, options }) => this.add([filter], options)))
  }

  async end(id: number): Promise<void> {
    const open = this.#open.get(id)
    this.forget(id)
    await open?.unsubscribe()
  }

  /** Takes it off the list. */
  forget(id: number): void {
    this.#open.delete(id)
    this.#all = this.#all.filter(each => each.id !== id)
    this.changed()
  }

  /** Gives it another name or colour. */
  change(id: number, change: Partial<Pick<SubscriptionState, 'alias' | 'tone'>>): void {
    this.#change(id, change)
  }

  #addOne(filter: string, options: SubscribeOptions): Promise<void> {
    const known = this.#all.find(each => each.filter === filter)
    if (known?.phase === 'granted') return Promise.resolve()
    const work = this.#subscribe(filter, options, known).finally(() => this.#pending.delete(filter))
    this.#pending.set(filter, work)
    return work
  }

  async #subscribe(filter: string, options: SubscribeOptions, known: SubscriptionState | undefined): Promise<void> {
    const client = this.#connection.openClient
    const id = known?.id ?? ++this.#lastId
    if (known) this.#change(id, { phase: 'pending', options, grantedQos: undefined, reasonCode: undefined })
    else {
      this.#all = [...this.#all, { id, filter, alias: '', tone: (id - 1) % tones, options, phase: 'pending', grantedQos: undefined, reasonCode: undefined, count: 0 }]
      this.changed()
    }
    try {
      const open = await client.subscribe(filter, options, () => this.#counted(id))
      // Taken off the list while it waited: nobody could end it any more.
      if (!this.#all.some(each => each.id === id)) return await open.unsubscribe()
      this.#open.set(id, open)
      this.#change(id, { phase: 'granted', grantedQos: open.granted[0]?.qos })
    } catch (error) {
      const { code, reasonCode } = error as IotError
      if (code === 'subscribe-refused') this.#change(id, { phase: 'refused', reasonCode })
      else if (known) this.#change(id, { phase: 'ended' })
      else this.forget(id)
      throw error
    }
  }

  #counted(id: number): void {
    const known = this.#all.find(each => each.id === id)
    if (known) this.#change(id, { count: known.count + 1 })
  }

  #change(id: number, change: Partial<SubscriptionState>): void {
    const known = this.#all.find(each => each.id === id)
    if (!known) return
    Object.assign(known, change)
    this.changed()
  }
}

/** Waits for all of them, whatever becomes of the others; then throws the first failure. */
async function all(work: Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason
}
