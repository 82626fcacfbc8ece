// @ts-check
import { atOnceThenPerFrame } from './frame.js'

/**
 * @typedef {import('../../jsglue/src/types').Connack} Connack
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 * @typedef {import('../../jsglue/src/types').DelayedRun} DelayedRun
 *
 * @typedef {object} ConnectionState
 * @property {'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed'} phase
 * @property {string} [detail] what it is doing, or why it closed
 * @property {boolean} [failed] closed by an error, not by wish
 * @property {Connack} [connack]
 * @property {string} [clientId]
 * @property {number} [keepAlive] as asked, in seconds
 * @property {boolean | 'blob'} [worker]
 *
 * @typedef {object} SubscriptionState
 * @property {number} id
 * @property {string} filter
 * @property {QoS} qos as asked
 * @property {QoS} [grantedQos]
 * @property {number} count messages received
 * @property {number} tone index of its colour
 * @property {'pending' | 'granted' | 'ended'} phase
 *
 * @typedef {object} RunState
 * @property {DelayedRun} run
 * @property {number} startedAt when the subscriptions were granted
 * @property {boolean} finished
 *
 * @typedef {object} State
 * @property {ConnectionState} connection
 * @property {unknown} connectionError
 * @property {readonly SubscriptionState[]} subscriptions
 * @property {readonly RunState[]} runs newest first
 * @property {number | undefined} logSubscription id of the subscription that the log shows alone
 */

/**
 * The one state of the console. Actions update it, panels watch it: nothing
 * else passes between them. A change shows at once, a flood of changes once per
 * frame.
 */
export class Store {
  /** @param {State} initial */
  constructor(initial) {
    this.state = initial
    /** @type {Set<() => void>} */
    this.watchers = new Set()
    this.flush = atOnceThenPerFrame(() => { for (const watcher of this.watchers) watcher() })
  }

  /** @param {Partial<State>} change */
  update(change) {
    this.state = { ...this.state, ...change }
    this.flush()
  }

  /**
   * Calls `render` now and whenever one of the named parts has changed.
   *
   * @param {readonly (keyof State)[]} parts
   * @param {(state: State) => void} render
   */
  watch(parts, render) {
    let seen = this.state
    render(seen)
    this.watchers.add(() => {
      const next = this.state
      const changed = parts.some((part) => next[part] !== seen[part])
      seen = next
      if (changed) render(next)
    })
  }
}

/** @returns {State} */
export function initialState() {
  return {
    connection: { phase: 'idle' },
    connectionError: undefined,
    subscriptions: [],
    runs: [],
    logSubscription: undefined,
  }
}
