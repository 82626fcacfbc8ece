/** The series of delayed steps that is being written. It is plain data, which can be kept. */
import type { DelayedOptions, QoS } from 'iotwasm'
import type { PlannedStep } from './delayed-runs'
import { Observable } from './observable'

export type Gate = 'none' | 'sent' | 'ack' | 'shadow'

/** When a step goes out: ms from the start, or ms after the step before. */
export type Timing = 'delay' | 'spacing'

export interface Step {
  topic: string
  payload: string
  timing: Timing
  /** ms; NaN where nothing is written. */
  ms: number
  qos: QoS
  retain: boolean
  /** Undefined is the series's. */
  gate?: Gate
  /** How often it goes out; with more than one, `every` so many ms. */
  times: number
  every: number
}

export interface SeriesData {
  steps: Step[]
  gate: Gate
  offline: 'wait' | 'skip' | 'fail'
  onFailure: 'continue' | 'stop' | 'retry'
  /** ms, at random. */
  jitter: number
}

const empty: Step = { topic: '', payload: '', timing: 'delay', ms: 0, qos: 1, retain: false, times: 1, every: 1000 }

export class Series extends Observable {
  data: SeriesData = twoNamedShadows('iotwasm-demo')

  set(data: SeriesData): void {
    this.data = data
    this.changed()
  }

  change(change: Partial<Omit<SeriesData, 'steps'>>): void { this.set({ ...this.data, ...change }) }

  changeStep(index: number, change: Partial<Step>): void {
    this.set({ ...this.data, steps: this.data.steps.map((step, at) => at === index ? { ...step, ...change } : step) })
  }

  /** Adds a step like the last one, a second later. */
  add(): void {
    const last = this.data.steps.at(-1)
    const next = last ? { ...last, ms: last.timing === 'delay' ? (last.ms || 0) + 1000 : last.ms } : empty
    this.set({ ...this.data, steps: [...this.data.steps, next] })
  }

  remove(index: number): void { this.set({ ...this.data, steps: this.data.steps.filter((_, at) => at !== index) }) }

  /** Moves a step up or down. */
  move(index: number, by: -1 | 1): void {
    const steps = [...this.data.steps]
    const [step] = steps.splice(index, 1)
    if (step) steps.splice(index + by, 0, step)
    this.set({ ...this.data, steps })
  }
}

/** Two named shadows of a thing, the second once the first is accepted. */
export function twoNamedShadows(thing: string): SeriesData {
  return namedShadows(thing, ['test1', 'test2'])
}

/** Creates named shadows one after another, a second apart. */
export function namedShadows(thing: string, shadows: readonly string[]): SeriesData {
  const steps = shadows.map((shadow, index): Step => ({
    ...empty, topic: `$aws/things/${thing}/shadow/name/${shadow}/update`, payload: '{"state":{"reported":{}}}', ms: 1000 * (index + 1),
  }))
  return { steps, gate: 'shadow', offline: 'wait', onFailure: 'continue', jitter: 0 }
}

/** What `publishDelayed` takes. */
export function planned({ steps, gate, offline, onFailure, jitter }: SeriesData): { steps: PlannedStep[], options: DelayedOptions } {
  return {
    steps: steps.map(({ topic, payload, timing, ms, qos, retain, gate: own, times, every }) => ({
      topic: topic.trim(), payload, [timing]: ms, qos, retain, ...own && { gate: own }, ...times !== 1 && { times, every },
    })),
    options: { gate, offline, onFailure, ...jitter > 0 && { jitter } },
  }
}

/** Whether a value of the browser's storage is a series, as far as it must be to be shown. */
export function isSeries(value: unknown): value is SeriesData {
  const { steps, gate, offline, onFailure } = (value ?? {}) as Partial<SeriesData>
  return [gate, offline, onFailure].every(each => typeof each === 'string') && Array.isArray(steps)
    && steps.every(({ topic, payload, timing, ms, qos, times, every }: Partial<Step>) =>
      typeof topic === 'string' && typeof payload === 'string' && (timing === 'delay' || timing === 'spacing')
      && [ms, qos, times, every].every(number => typeof number === 'number'))
}
