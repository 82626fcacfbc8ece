/** What the steps of a run say together. */
import type { DelayedState, DelayedStep } from '../types'
import type { DelayedRunCounts } from './types'

export interface Summary {
  counts: DelayedRunCounts
  /** Earliest planned time, in ms since the epoch. */
  first: number
  /** Latest time of any kind, in ms since the epoch. */
  last: number
  /** Position of the first step that is still to go out, or of the last step. */
  current: number
}

/** A step that `cancel` still stops. */
export function isPending(step: DelayedStep): boolean { return step.state === 'waiting' || step.state === 'due' }

export function summarize(steps: readonly DelayedStep[]): Summary {
  const states: Record<DelayedState, number> = {
    waiting: 0, due: 0, sent: 0, acknowledged: 0, accepted: 0, rejected: 0, failed: 0, skipped: 0, cancelled: 0,
  }
  let first = Infinity, last = -Infinity, sent = 0, current = -1
  for (const [position, step] of steps.entries()) {
    states[step.state]++
    if (step.sentAt !== undefined) sent++
    if (current < 0 && isPending(step)) current = position
    first = Math.min(first, step.plannedAt)
    last = Math.max(last, step.plannedAt, step.sentAt ?? 0, step.acknowledgedAt ?? 0)
  }
  return { counts: { total: steps.length, sent, states }, first, last, current: current < 0 ? steps.length - 1 : current }
}
