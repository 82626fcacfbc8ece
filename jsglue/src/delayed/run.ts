/** A series of delayed publishes, as the page sees it. */
import * as check from './arguments'
import { Emitter } from './emitter'
import { toIotError, type Receiver } from './engine'
import { invalid, type IotError } from './errors'
import { Sequence } from './sequence'
import type { DelayedOptions, DelayedReport, DelayedRun as DelayedRunType, DelayedState, DelayedStep, DelayedStepOptions } from './types'
import { allSteps, type Outgoing, type Reader } from './wire'

/** setTimeout's like, some eight thousand years: the last instant that a Date holds. */
const lastInstant = 8.64e15

const states: readonly DelayedState[] = ['waiting', 'sent', 'acknowledged', 'failed', 'cancelled']

export interface PlannedStep {
  plannedAt: number
  message: Outgoing
}

const stepKeys = ['topic', 'payload', 'delay', 'at', 'qos', 'retain', 'properties'] as const

/** Checks the arguments of publishDelayed and plans the steps from now. */
export function readSteps(first: unknown, rest: readonly unknown[]): { steps: PlannedStep[], signal: AbortSignal | undefined } {
  const start = Date.now()
  if (typeof first === 'string') {
    const [payload, options] = rest
    check.object<DelayedStepOptions & DelayedOptions>(options, 'options', ['delay', 'at', 'qos', 'retain', 'properties', 'signal'])
    if (options.delay === undefined && options.at === undefined) throw invalid('delay', 'be given, or at')
    return { steps: [plan({ ...options, topic: first, payload: payload as string }, '', start)], signal: check.signal(options.signal, 'signal') }
  }
  if (!Array.isArray(first) || first.length === 0) throw invalid('steps', 'be an array of one step or more')
  const options: unknown = rest[0] ?? {}
  check.object<DelayedOptions>(options, 'options', ['signal'])
  const steps = first.map((step: unknown, i) => {
    check.object<DelayedStepOptions>(step, `steps[${i}]`, stepKeys)
    return plan(step, `steps[${i}].`, start)
  })
  return { steps, signal: check.signal(options.signal, 'signal') }
}

function plan(step: DelayedStepOptions, at: string, start: number): PlannedStep {
  if (step.delay !== undefined && step.at !== undefined) throw invalid(`${at}at`, 'not be given together with delay')
  const plannedAt = step.at !== undefined
    ? check.date(step.at, `${at}at`).getTime()
    : start + (check.optional(step.delay, `${at}delay`, check.milliseconds) ?? 0)
  if (plannedAt > lastInstant) throw invalid(`${at}delay`, 'end before the last date that JavaScript knows')
  return { plannedAt, message: check.message(step.topic, step.payload, step, at) }
}

export class DelayedRun implements DelayedRunType, Receiver {
  readonly id: number
  readonly done: Promise<DelayedReport>
  readonly #steps: DelayedStep[]
  readonly #qos: number[]
  readonly #cancel: (step: number) => void
  readonly #events = new Emitter<{ progress: (step: DelayedStep) => void }>()
  readonly #finished = new Sequence<DelayedStep>()
  #order: DelayedStep[] = []
  #finish!: (report: DelayedReport) => void

  constructor(id: number, steps: readonly PlannedStep[], cancel: (step: number) => void) {
    this.id = id
    this.#cancel = cancel
    this.#qos = steps.map(s => s.message.qos)
    this.#steps = steps.map((s, index) => ({ index, topic: s.message.topic, state: 'waiting', plannedAt: s.plannedAt }))
    this.done = new Promise(resolve => { this.#finish = resolve })
  }

  get steps(): readonly DelayedStep[] { return this.#steps }

  cancel(step?: number): void {
    if (step !== undefined) check.integer(0, this.#steps.length - 1)(step, 'step')
    this.#cancel(step ?? allSteps)
  }

  on(event: 'progress', handler: (step: DelayedStep) => void): () => void {
    if (event !== 'progress') throw invalid('event', 'be progress')
    if (typeof handler !== 'function') throw invalid('handler', 'be a function')
    return this.#events.on(event, handler)
  }

  /** Yields the steps that have finished, and then each as it does. */
  [Symbol.asyncIterator](): AsyncIterator<DelayedStep> { return this.#finished.from(this.#order) }

  receive(_kind: number, r: Reader): void {
    const index = r.u32(), state = states[r.u8()]!, sentAt = r.f64(), acknowledgedAt = r.f64()
    this.#change(index, state, sentAt, acknowledgedAt, r.bool() ? toIotError(r.error()) : undefined)
  }

  crashed(error: IotError): void {
    this.#steps.forEach((step, i) => { if (!this.#isFinal(step)) this.#change(i, 'failed', step.sentAt ?? 0, 0, error) })
  }

  #isFinal(step: DelayedStep): boolean {
    return step.state === 'sent' ? this.#qos[step.index] === 0 : step.state !== 'waiting'
  }

  #change(index: number, state: DelayedState, sentAt: number, acknowledgedAt: number, error: IotError | undefined): void {
    const old = this.#steps[index]
    if (!old || this.#isFinal(old)) return
    const step: DelayedStep = {
      ...old, state,
      ...(sentAt > 0 && { sentAt, deviation: sentAt - old.plannedAt }),
      ...(acknowledgedAt > 0 && { acknowledgedAt }),
      ...(error && { error }),
    }
    this.#steps[index] = step
    this.#events.emit('progress', step)
    if (!this.#isFinal(step)) return
    this.#order.push(step)
    this.#finished.push(step)
    if (this.#order.length === this.#steps.length) {
      this.#finished.end()
      this.#finish({ id: this.id, steps: this.#steps })
    }
  }
}
