// @ts-check
import { answerTopics, updatedShadow } from './shadow-topics.js'

/**
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 * @typedef {import('../../jsglue/src/types').Message} Message
 * @typedef {import('../../jsglue/src/types').DelayedRun} DelayedRun
 * @typedef {import('../../jsglue/src/types').DelayedStep} DelayedStep
 * @typedef {import('./message-history.js').Entry} Entry
 * @typedef {import('./store.js').RunState} RunState
 * @typedef {import('./store.js').RunStep} RunStep
 *
 * @typedef {{ topic: string, payload: string, delay: number, qos: QoS }} PlannedStep
 */

const KEPT_RUNS = 10
const encoder = new TextEncoder()

/** Starts delayed runs, follows their steps and the answers of the shadows that they update. */
export class DelayedRuns {
  /** @type {Map<number, { handle: DelayedRun, stop: () => void }>} */
  #kept = new Map()
  #lastId = 0
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
   */
  async start(planned) {
    const updates = planned.filter((step) => updatedShadow(step.topic)).map((step) => step.topic)
    await this.#subscriptions.add([...new Set(updates.flatMap(answerTopics))], 1)

    const startedAt = Date.now()
    const handle = this.#connection.client.publishDelayed(planned)
    const id = ++this.#lastId
    const steps = handle.steps.map((step, index) => ({
      step, delay: planned[index].delay, qos: planned[index].qos, shadow: updatedShadow(planned[index].topic),
    }))
    this.#keep({ id, startedAt, finished: false, steps }, handle, planned)
    handle.done.then((report) => {
      for (const step of report.steps) this.#progressed(id, step)
      this.#change(id, (run) => ({ ...run, finished: true }))
    })
  }

  /**
   * @param {number} id
   * @param {number} [step] only this one
   */
  cancel(id, step) {
    this.#kept.get(id)?.handle.cancel(step)
  }

  /**
   * @param {RunState} run
   * @param {DelayedRun} handle
   * @param {readonly PlannedStep[]} planned
   */
  #keep(run, handle, planned) {
    /** @type {Map<number, Entry>} */
    const entries = new Map()
    const stops = [
      handle.on('progress', (step) => {
        this.#progressed(run.id, step)
        this.#record(step, planned[step.index], entries)
      }),
      this.#connection.onMessage((message) => this.#answered(run.id, message)),
    ]
    this.#kept.set(run.id, { handle, stop: () => { for (const stop of stops) stop() } })

    const runs = [run, ...this.#store.state.runs]
    this.#store.update({ runs: runs.filter((each, index) => index < KEPT_RUNS || !each.finished) })
    for (const [id, kept] of this.#kept) {
      if (this.#store.state.runs.some((each) => each.id === id)) continue
      kept.stop()
      this.#kept.delete(id)
    }
  }

  /**
   * @param {number} id
   * @param {DelayedStep} step
   */
  #progressed(id, step) {
    this.#changeStep(id, step.index, { step })
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
    const failed = step.state === 'failed'
    this.#history.change(entry, { outcome: failed ? `failed: ${step.error?.code ?? 'unknown'}` : step.state, failed })
  }

  /**
   * The Device Shadow service answers updates of one shadow in order, so an
   * answer belongs to the first step of that shadow that has none.
   *
   * @param {number} id
   * @param {Message} message
   */
  #answered(id, message) {
    const run = this.#store.state.runs.find((each) => each.id === id)
    const found = run?.steps.find(({ step, shadow, answer }) =>
      shadow && !answer && answerTopics(step.topic).includes(message.topic) && wasSentBy(step, message.receivedAt))
    if (!found) return
    const accepted = message.topic.endsWith('/accepted')
    const document = readDocument(message)
    this.#changeStep(id, found.step.index, {
      answer: { accepted, receivedAt: message.receivedAt, version: document.version, code: document.code, message: document.message },
    })
  }

  /**
   * @param {number} id
   * @param {number} index
   * @param {Partial<RunStep>} change
   */
  #changeStep(id, index, change) {
    this.#change(id, (run) => ({ ...run, steps: run.steps.map((each, at) => at === index ? { ...each, ...change } : each) }))
  }

  /**
   * @param {number} id
   * @param {(run: RunState) => RunState} change
   */
  #change(id, change) {
    this.#store.update({ runs: this.#store.state.runs.map((run) => run.id === id ? change(run) : run) })
  }
}

/**
 * @param {DelayedStep} step
 * @param {number} time
 */
function wasSentBy(step, time) {
  if (step.state === 'cancelled' || step.state === 'failed') return false
  // The report of the sending may come after the answer itself.
  return (step.sentAt ?? step.plannedAt) <= time
}

/**
 * @param {Message} message
 * @returns {{ version?: number, code?: number, message?: string }}
 */
function readDocument(message) {
  try {
    return message.json() ?? {}
  } catch {
    return {}
  }
}
