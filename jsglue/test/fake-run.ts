/** A DelayedRun that a test moves by hand, for pages that show one. */
import type { DelayedRun, DelayedState, DelayedStep } from '../src/types'

export type StepChange = { -readonly [K in keyof DelayedStep]?: K extends 'error' ? { message: string, hint?: string } : DelayedStep[K] }

/** What the fake has beside the public face. */
export interface FakeRun extends DelayedRun {
  state: DelayedRun['state']
  /** Calls that the page made, for example `cancel 2`. */
  readonly calls: string[]
  /** Handlers that listen. */
  readonly listeners: number
  /** Changes the step with this index, or adds it, and reports it. */
  change(index: number, change: StepChange): void
  /** Reports a step as it stands. */
  report(step: DelayedStep): void
  /** Takes the oldest steps out of the list. */
  drop(count: number): void
}

declare global {
  interface Window {
    /** Makes a run of so many steps, `spacing` ms apart from now on; `start` is ms from now. */
    fakeRun: (count: number, options?: { id?: number, spacing?: number, start?: number, state?: DelayedState, topic?: string }) => FakeRun
  }
}

/** Puts `window.fakeRun` on a page. */
export function defineFakeRun(): void {
  window.fakeRun = (count, { id = 1, spacing = 1000, start = spacing, state = 'waiting', topic } = {}) => {
    const from = Date.now() + start
    let steps: DelayedStep[] = Array.from({ length: count }, (_, index) => ({
      index, state, attempts: 0, plannedAt: from + index * spacing, topic: topic ?? `$aws/things/lamp/shadow/name/test${index + 1}/update`,
    }))
    const handlers = new Set<(step: DelayedStep) => void>()
    const calls: string[] = []
    const call = (...what: unknown[]): void => { calls.push(what.filter(w => w !== undefined).join(' ')) }
    return {
      id, calls,
      state: 'running',
      done: new Promise(() => {}),
      get steps() { return steps },
      get listeners() { return handlers.size },
      cancel: step => call('cancel', step),
      pause() { call('pause'); this.state = 'paused' },
      resume() { call('resume'); this.state = 'running' },
      reschedule: (step, when) => call('reschedule', step, when),
      on(event: string, handler: ((step: DelayedStep) => void) | ((state: DelayedRun['state']) => void)) {
        if (event === 'progress') handlers.add(handler as (step: DelayedStep) => void)
        return () => { handlers.delete(handler as (step: DelayedStep) => void) }
      },
      change(index, change) {
        const at = steps.findIndex(s => s.index === index)
        const old = steps[at] ?? { index, state: 'waiting', attempts: 0, plannedAt: Date.now() + spacing, topic: topic ?? 'lamp/set' }
        const step = { ...old, ...change } as DelayedStep
        if (step.sentAt !== undefined) Object.assign(step, { deviation: step.sentAt - step.plannedAt })
        if (at < 0) steps = [...steps, step]
        else steps[at] = step
        this.report(step)
      },
      report(step) { for (const handler of handlers) handler(step) },
      drop(number) { steps = steps.slice(number) },
      async [Symbol.asyncDispose]() { call('dispose') },
      async *[Symbol.asyncIterator]() {},
    }
  }
}
