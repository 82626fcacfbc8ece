// @ts-check

/**
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 * @typedef {import('../../jsglue/src/types').Subscription} Subscription
 * @typedef {import('./store.js').SubscriptionState} SubscriptionState
 */

const TONES = 8

/** Subscribes and unsubscribes, one subscription per topic filter so that each can end alone. */
export class Subscriptions {
  /** @type {Map<number, Subscription>} */
  #open = new Map()
  /** @type {Map<string, Promise<void>>} by filter */
  #pending = new Map()
  #lastId = 0
  #store
  #connection

  /**
   * @param {import('./store.js').Store} store
   * @param {import('./connection.js').Connection} connection
   */
  constructor(store, connection) {
    this.#store = store
    this.#connection = connection
  }

  /**
   * Resolves when all are granted. What is subscribed already stays as it is.
   *
   * @param {readonly string[]} filters
   * @param {QoS} qos
   */
  async add(filters, qos) {
    const outcomes = await Promise.allSettled([...new Set(filters)].map((filter) => this.#pending.get(filter) ?? this.#addOne(filter, qos)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** @param {number} id */
  async end(id) {
    const open = this.#open.get(id)
    this.forget(id)
    await open?.unsubscribe()
  }

  /** Takes it off the list. @param {number} id */
  forget(id) {
    this.#open.delete(id)
    const { subscriptions, logSubscription } = this.#store.state
    this.#store.update({
      subscriptions: subscriptions.filter((each) => each.id !== id),
      logSubscription: logSubscription === id ? undefined : logSubscription,
    })
  }

  /**
   * @param {string} filter
   * @param {QoS} qos
   */
  #addOne(filter, qos) {
    const known = this.#store.state.subscriptions.find((each) => each.filter === filter)
    if (known?.phase === 'granted') return Promise.resolve()
    const work = this.#subscribe(filter, qos, known).finally(() => this.#pending.delete(filter))
    this.#pending.set(filter, work)
    return work
  }

  /**
   * @param {string} filter
   * @param {QoS} qos
   * @param {SubscriptionState} [known] one that has ended
   */
  async #subscribe(filter, qos, known) {
    const client = this.#connection.client
    const id = known?.id ?? ++this.#lastId
    if (known) this.#change(id, { phase: 'pending', qos, grantedQos: undefined })
    else this.#insert({ id, filter, qos, count: 0, tone: (id - 1) % TONES, phase: 'pending' })
    try {
      const open = await client.subscribe(filter, { qos }, () => this.#counted(id))
      this.#open.set(id, open)
      this.#change(id, { phase: 'granted', grantedQos: open.granted[0]?.qos })
    } catch (error) {
      if (known) this.#change(id, { phase: 'ended' })
      else this.forget(id)
      throw error
    }
  }

  /** @param {number} id */
  #counted(id) {
    const known = this.#store.state.subscriptions.find((each) => each.id === id)
    if (known) this.#change(id, { count: known.count + 1 })
  }

  /** @param {SubscriptionState} subscription */
  #insert(subscription) {
    this.#store.update({ subscriptions: [...this.#store.state.subscriptions, subscription] })
  }

  /**
   * @param {number} id
   * @param {Partial<SubscriptionState>} change
   */
  #change(id, change) {
    this.#store.update({ subscriptions: this.#store.state.subscriptions.map((each) => each.id === id ? { ...each, ...change } : each) })
  }
}
