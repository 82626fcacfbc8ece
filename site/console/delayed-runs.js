// @ts-check
import { answerTopics, updatedShadow } from './shadow-topics.js'

/**
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 * @typedef {import('../../jsglue/src/types').DelayedOptions} DelayedOptions
 * @typedef {import('../../jsglue/src/types').DelayedRun} DelayedRun
 * @typedef {import('../../jsglue/src/types').DelayedStep} DelayedStep
 * @typedef {import('./message-history.js').Entry} Entry
 *
 * @typedef {{ topic: string, payload: string, delay: number, qos: QoS }} PlannedStep
 */

const KEPT_RUNS = 10
const encoder = new TextEncoder()

/** Starts delayed runs, and puts what they send into the message history. */
export class DelayedRuns {
  #store
  #connection
  #subscriptions
  #history

  /**
   * @param {import('./store.js').Store} store
   * @param {import('./connection.js').Connection} connection
   * @param {import('./subscriptions.js').Subscriptions} subscriptions
   * @param {import('./message-history.js').MessageHistory} history
   */
  constructor(store, connection, subscriptions, history) {
    this.#store = store
    this.#connection = connection
    this.#subscriptions = subscriptions
    this.#history = history
  }

  /**
   * Subscribes to the answers of each shadow that a step updates, then starts.
   *
   * @param {readonly PlannedStep[]} planned
   * @param {DelayedOptions} options
   */
  async start(planned, options) {
    const updates = planned.filter((step) => updatedShadow(step.topic)).map((step) => step.topic)
    await this.#subscriptions.add([...new Set(updates.flatMap(answerTopics))], 1)

    const startedAt = Date.now()
    const run = this.#connection.client.publishDelayed(planned, options)
    /** @type {Map<number, Entry>} */
    const entries = new Map()
    run.on('progress', (step) => this.#record(step, planned[step.index], entries))
    const runs = [{ run, startedAt, finished: false }, ...this.#store.state.runs]
    this.#store.update({ runs: runs.filter((each, index) => index < KEPT_RUNS || !each.finished) })
    run.done.then(() => this.#store.update({
      runs: this.#store.state.runs.map((each) => each.run === run ? { ...each, finished: true } : each),
    }))
  }

  /**
   * Puts a sent step into the message history.
   *
   * @param {DelayedStep} step
   * @param {PlannedStep} planned
   * @param {Map<number, Entry>} entries
   */
  #record(step, { topic, payload, qos }, entries) {
    if (step.sentAt === undefined) return
    const known = entries.get(step.index)
    const entry = known ?? this.#history.append({
      direction: 'sent', time: step.sentAt, topic, payload: encoder.encode(payload), qos, retain: false,
    })
    entries.set(step.index, entry)
    const failed = step.state === 'failed' || step.state === 'rejected'
    this.#history.change(entry, { outcome: failed ? `${step.state}: ${step.error?.reasonCode ?? step.error?.code ?? 'unknown'}` : step.state, failed })
  }
}
