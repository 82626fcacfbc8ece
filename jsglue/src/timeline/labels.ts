/** The English texts of the timeline, and the forms of its times. */
import type { DelayedRunLabels } from './types'

/** In the order in which a summary names them. */
const outcomes = ['accepted', 'rejected', 'failed', 'skipped', 'cancelled'] as const

export const english: DelayedRunLabels = {
  runState: { running: 'Running', paused: 'Paused', standby: 'Standby: another tab sends', finished: 'Finished' },
  stepState: {
    waiting: 'waiting', due: 'due', sent: 'sent', acknowledged: 'acknowledged', accepted: 'accepted',
    rejected: 'rejected', failed: 'failed', skipped: 'skipped', cancelled: 'cancelled',
  },
  step: 'Step',
  state: 'State',
  timeline: 'Timeline',
  deviation: 'Deviation',
  actions: 'Cancel',
  pause: 'Pause',
  resume: 'Resume',
  cancelRun: 'Cancel run',
  legend: 'Legend',
  now: 'now',
  planned: 'planned',
  sent: 'sent',
  acknowledged: 'acknowledged at',
  attempts: 'attempts',
  answer: 'answer',
  error: 'error',
  interrupted: 'link lost before the acknowledgement',
  run: id => `Run ${id}`,
  summary({ total, sent, states }) {
    return [`${sent} of ${total} ${this.stepState.sent}`, ...outcomes.filter(o => states[o]).map(o => `${states[o]} ${this.stepState[o]}`)].join(', ')
  },
  shortTopic(topic) {
    const [, name, operation] = /^\$aws\/things\/[^/]+\/shadow\/(?:name\/([^/]+)\/)?(\w+)$/.exec(topic) ?? []
    return operation ? `shadow ${name ? `${name} ` : ''}${operation}` : topic.split('/').slice(-2).join('/')
  },
  time(offset, decimals) {
    const unit = 10 ** (3 - decimals), rounded = Math.round(offset / unit) * unit
    if (!rounded) return '0 s'
    const sign = rounded < 0 ? '−' : '+', seconds = Math.abs(rounded) / 1000
    if (seconds < 60) return `${sign}${seconds.toFixed(decimals)} s`
    const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
    const rest = (seconds % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, '0')
    const minutes = seconds / 60
    return `${sign}${minutes < 60 ? Math.floor(minutes) : `${Math.floor(minutes / 60)}:${two(minutes % 60)}`}:${rest}`
  },
  timeOfDay(time) {
    const date = new Date(time)
    return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
  },
  difference(deviation) {
    const text = duration(deviation)
    return text === '0 ms' ? text : `${deviation < 0 ? '−' : '+'}${text}`
  },
  marks(step, offset) {
    const planned = `planned at ${this.time(offset, 3)}`
    if (step.deviation === undefined) return planned
    const text = duration(step.deviation)
    return `${planned}, sent ${text === '0 ms' ? 'on time' : `${text} ${step.deviation < 0 ? 'early' : 'late'}`}`
  },
  row(step, offset, total) {
    const { index, topic, state, error } = step
    return [
      this.stepNumber(index, total), this.shortTopic(topic), this.stepState[state], this.marks(step, offset), ...error ? [error.message] : [],
    ].join(', ')
  },
  cancelStep: index => `Cancel step ${index + 1}`,
  stepNumber: (index, total) => `Step ${index + 1}${total ? ` of ${total}` : ''}`,
  announceState(id, state, counts) {
    const what = `${this.run(id)} ${this.runState[state].toLowerCase()}`
    return state === 'running' ? `${what}, ${counts.total} ${counts.total === 1 ? 'step' : 'steps'}`
      : state === 'finished' ? `${what}: ${this.summary(counts)}` : what
  },
  announceFailures(first, count) {
    const { index, state, error } = first
    const what = `${this.stepNumber(index)} ${this.stepState[state]}${error ? `: ${error.message}` : ''}`
    return count === 1 ? what : `${count} steps ${this.stepState.failed}. ${what}`
  },
}

function duration(ms: number): string {
  const length = Math.abs(ms)
  return length >= 10_000 ? `${(length / 1000).toFixed(1)} s` : `${length < 9.95 ? Math.round(length * 10) / 10 : Math.round(length)} ms`
}
