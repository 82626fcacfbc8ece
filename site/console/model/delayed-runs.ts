/** Starts delayed runs, and puts what they send into the message history. */
import type { Client, DelayedOptions, DelayedRun, DelayedStep, DelayedStepOptions } from 'iotwasm'
import type { Connection, Follower } from './connection'
import type { Entry } from './message-history'
import { Observable } from './observable'
import { answerTopics, updatedShadow } from './shadow-topics'

/** A step as the console writes it: its payload is text. */
export type PlannedStep = DelayedStepOptions & { payload: string }

export interface RunState {
  readonly run: DelayedRun
  /** When the subscriptions were granted, in ms since the epoch. */
  readonly startedAt: number
  finished: boolean
}

const keptRuns = 20
const encoder = new TextEncoder()

export class DelayedRuns extends Observable implements Follower {
  readonly #connection: Connection
  #all: RunState[] = []

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  /** Newest first. */
  get all(): readonly RunState[] { return this.#all }

  opened(_client: Client): void {}

  closed(): void {}

  /** Subscribes to the answers of each shadow that a step updates, then starts. */
  async start(planned: readonly PlannedStep[], options: DelayedOptions): Promise<DelayedRun> {
    const { subscriptions, openClient: client } = this.#connection
    const updates = planned.filter(step => updatedShadow(step.topic)).map(step => step.topic)
    await subscriptions.add([...new Set(updates.flatMap(answerTopics))], { qos: 1 })

    const state: RunState = { run: client.publishDelayed(planned, options), startedAt: Date.now(), finished: false }
    const entries = new Map<number, Entry>()
    state.run.on('progress', step => this.#record(step, planned, entries))
    this.#all = [state, ...this.#all].filter((each, index) => index < keptRuns || !each.finished)
    this.changed()
    void state.run.done.then(() => {
      state.finished = true
      this.changed()
    })
    return state.run
  }

  #record(step: DelayedStep, planned: readonly PlannedStep[], entries: Map<number, Entry>): void {
    if (step.sentAt === undefined) return
    const { history } = this.#connection
    const source = planned.find(each => each.topic === step.topic)
    const of = planned.length > step.index ? planned[step.index]! : source
    let entry = entries.get(step.index)
    if (!entry) {
      entry = history.append({
        direction: 'sent', time: step.sentAt, topic: step.topic, payload: encoder.encode(of?.payload ?? ''), qos: of?.qos ?? 0, retain: of?.retain ?? false,
        dup: false, properties: of?.properties ?? {},
      })
      entries.set(step.index, entry)
    }
    const failed = step.state === 'failed' || step.state === 'rejected'
    history.change(entry, { outcome: failed ? `${step.state}: ${step.error?.reasonCode ?? step.error?.code ?? 'unknown'}` : step.state, failed })
  }
}
