/**
 * The plan of a delayed run: what the page asked for, checked, with a time for
 * each step.
 */
import * as check from '../arguments'
import { invalid } from '../errors'
import { Gate } from '../kinds'
import { checkMessage } from '../limits'
import type { DelayedGate, DelayedOptions, DelayedStep, DelayedStepOptions, IotError, Limits, Message, Payload } from '../types'
import type { Outgoing, Writer } from '../wire'
import { withClientToken } from './shadow-step'

/** Some 275,000 years: the last instant that a Date holds. */
export const lastInstant = 8.64e15
const mostSteps = 100_000

export type PayloadFunction = (step: DelayedStep) => Payload | Promise<Payload>

/** The gate of a step. */
export interface PlannedGate {
  kind: Gate
  /** ms; 0: none. */
  timeout: number
  /** The Device Shadow service's answer opens it. */
  shadow: boolean
  until?: (message: Message, step: DelayedStep) => boolean
}

/** A step as the program takes it. But for the functions it can be stored. */
export interface PlannedStep {
  /** ms since the epoch. */
  plannedAt: number
  /** Counts from the step before; -1: `plannedAt` holds. */
  spacing: number
  /** Its time is a date. */
  fixed: boolean
  /** ms between repetitions without end; 0: none. */
  every: number
  jitter: number
  gate: PlannedGate
  message: Outgoing
  payload?: PayloadFunction
  /** Name of the step in errors. */
  field: string
}

export interface Plan {
  steps: PlannedStep[]
  offline: number
  onFailure: number
  retries: number
  /** Of a step that the Device Shadow service had no room for (429), where that is more. */
  throttled: number
  retryDelay: number
  /** ms since the epoch; 0: none. */
  deadline: number
  missed: 'send' | 'skip'
  /** Its times count from a start that the page named, in ms since the epoch; 0: from when it really starts. */
  start: number
  persist: string | undefined
  signal: AbortSignal | undefined
}

const stepKeys = ['topic', 'payload', 'delay', 'at', 'spacing', 'every', 'times', 'jitter', 'gate', 'qos', 'retain', 'properties'] as const
const runKeys = ['start', 'spacing', 'jitter', 'gate', 'offline', 'onFailure', 'retries', 'retryDelay', 'deadline', 'persist', 'missed', 'signal'] as const
const offlinePolicies = ['wait', 'skip', 'fail'] as const
const failurePolicies = ['continue', 'stop', 'retry'] as const
const missedPolicies = ['send', 'skip'] as const

/** Checks the arguments of publishDelayed. */
export function readPlan(first: unknown, rest: readonly unknown[], limits: Required<Limits>): Plan {
  if (typeof first === 'string') {
    const [payload, options] = rest
    check.object<DelayedStepOptions & DelayedOptions>(options, 'options', [...stepKeys.slice(2), ...runKeys])
    const { delay, at, spacing, every, times, jitter, gate, qos, retain, properties, ...run } = options
    if (delay === undefined && at === undefined && every === undefined && spacing === undefined) throw invalid('delay', 'be given, or at, or every')
    const step: Record<string, unknown> = { topic: first, payload, delay, at, spacing, every, times, jitter, gate, qos, retain, properties }
    return plan([step as unknown as DelayedStepOptions], run, () => '', limits)
  }
  if (!Array.isArray(first) || first.length === 0) throw invalid('steps', 'be an array of one step or more')
  const options: unknown = rest[0] ?? {}
  check.object<DelayedOptions>(options, 'options', runKeys)
  return plan(first as DelayedStepOptions[], options, i => `steps[${i}].`, limits)
}

/** Checks the options of a kept run. */
export function readMissed(options: unknown): { missed: 'send' | 'skip' | undefined, signal: AbortSignal | undefined } {
  check.object<DelayedOptions>(options, 'options', ['missed', 'signal'])
  return { missed: check.optional(options.missed, 'missed', oneOf(missedPolicies)), signal: check.signal(options.signal, 'signal') }
}

export function persistName(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid('persist', 'be a non-empty string')
  return value
}

function plan(given: readonly DelayedStepOptions[], options: DelayedOptions, field: (i: number) => string, limits: Required<Limits>): Plan {
  const start = check.optional(options.start, 'start', check.date)?.getTime() ?? Date.now()
  const named = options.start !== undefined
  const persist = check.optional(options.persist, 'persist', persistName)
  const base: Base = {
    start, at: start, first: true, persist: persist !== undefined, limits,
    spacing: check.optional(options.spacing, 'spacing', check.milliseconds),
    jitter: check.optional(options.jitter, 'jitter', check.milliseconds) ?? 0,
    gate: readGate(options.gate, 'gate'),
  }
  const steps: PlannedStep[] = []
  given.forEach((step: unknown, i) => {
    const at = field(i)
    check.object<DelayedStepOptions>(step, at === '' ? 'options' : at.slice(0, -1), stepKeys)
    planStep(step, at, base, steps)
    if (steps.length > mostSteps) throw invalid('steps', `be ${mostSteps} at most, repetitions included`)
  })
  const gated = steps.some(s => s.gate.kind !== Gate.none)
  const endless = steps.findIndex(s => s.every > 0)
  if (gated && endless >= 0 && endless < steps.length - 1) {
    throw invalid(`${steps[endless]!.field}times`, 'be given: with a gate, the steps after it would never have their turn')
  }
  const retries = check.optional(options.retries, 'retries', check.integer(0, 1_000_000))
  const onFailure = check.optional(options.onFailure, 'onFailure', oneOf(failurePolicies)) ?? (retries === undefined ? 'continue' : 'retry')
  return {
    steps,
    offline: offlinePolicies.indexOf(check.optional(options.offline, 'offline', oneOf(offlinePolicies)) ?? 'wait'),
    onFailure: failurePolicies.indexOf(onFailure),
    retries: retries ?? (onFailure === 'retry' ? 3 : 0),
    throttled: retries ?? 5,
    retryDelay: check.optional(options.retryDelay, 'retryDelay', check.u32) ?? 1000,
    deadline: readDeadline(options.deadline, start),
    missed: check.optional(options.missed, 'missed', oneOf(missedPolicies)) ?? 'send',
    start: named ? start : 0,
    persist,
    signal: check.signal(options.signal, 'signal'),
  }
}

/** What steps take from the run, and from the step before. */
interface Base {
  start: number
  at: number
  first: boolean
  spacing: number | undefined
  jitter: number
  gate: PlannedGate
  persist: boolean
  limits: Required<Limits>
}

function planStep(step: DelayedStepOptions, at: string, base: Base, into: PlannedStep[]): void {
  if (step.delay !== undefined && step.at !== undefined) throw invalid(`${at}at`, 'not be given together with delay')
  const own = check.optional(step.spacing, `${at}spacing`, check.milliseconds)
  if (own !== undefined && (step.delay ?? step.at) !== undefined) throw invalid(`${at}spacing`, 'not be given together with delay or at')
  const spacing = own ?? (step.delay === undefined && step.at === undefined && !base.first ? base.spacing : undefined)
  const plannedAt = step.at !== undefined
    ? check.date(step.at, `${at}at`).getTime()
    : spacing !== undefined ? base.at + spacing : base.start + (check.optional(step.delay, `${at}delay`, check.milliseconds) ?? 0)
  const every = check.optional(step.every, `${at}every`, interval) ?? 0
  const times = check.optional(step.times, `${at}times`, check.integer(1, mostSteps))
  if (times !== undefined && every === 0) throw invalid(`${at}every`, 'be given together with times')
  const jitter = check.optional(step.jitter, `${at}jitter`, check.milliseconds) ?? base.jitter
  const gate = step.gate === undefined ? base.gate : readGate(step.gate, `${at}gate`)
  const latest = plannedAt + every * ((times ?? 1) - 1) + jitter
  if (latest > lastInstant) throw invalid(`${at}${spacing === undefined ? 'delay' : 'spacing'}`, 'end before the last date that JavaScript knows')

  if (base.persist && typeof step.payload === 'function') throw invalid(`${at}payload`, 'not be a function: that cannot be kept')
  if (base.persist && gate.until) throw invalid(step.gate === undefined ? 'gate' : `${at}gate`, 'not be a function: that cannot be kept')
  const { message, payload } = readMessage(step, at, gate, base.limits)
  for (let i = 0; i < (times ?? 1); i++) {
    const put = times === undefined && every > 0 ? 0 : Math.random() * jitter // the program adds that of repetitions without end
    into.push({
      plannedAt: plannedAt + i * every + put,
      spacing: spacing !== undefined && i === 0 ? spacing + put : -1,
      fixed: step.at !== undefined,
      every: times === undefined ? every : 0,
      jitter: times === undefined ? jitter : 0,
      gate, message, field: at,
      ...(payload && { payload }),
    })
  }
  base.at = plannedAt + every * ((times ?? 1) - 1)
  base.first = false
}

function readMessage(step: DelayedStepOptions, at: string, gate: PlannedGate, limits: Required<Limits>): Pick<PlannedStep, 'message' | 'payload'> {
  const payload = typeof step.payload === 'function' ? step.payload as PayloadFunction : undefined
  const strict = gate.kind === Gate.ack || gate.shadow
  const message: Outgoing = check.message(step.topic, payload ? '' : step.payload, { ...step, qos: step.qos ?? (strict ? 1 : 0) }, at)
  if (gate.kind === Gate.ack && message.qos === 0) throw invalid(`${at}qos`, 'be 1 or 2 with the gate ack: QoS 0 is not acknowledged')
  if (gate.shadow && !/^\$aws\/things\/[^/]+\/shadow(\/name\/[^/]+)?\/(get|update|delete)$/.test(message.topic)) {
    throw invalid(`${at}topic`, 'be the get, update or delete topic of a shadow, with the gate shadow', 'For example $aws/things/THING/shadow/name/SHADOW/update. Give other steps a gate of their own.')
  }
  checkMessage(!payload && gate.shadow ? { ...message, payload: withClientToken(message.payload, `${at}payload`) } : message, limits, at)
  return { message, ...(payload && { payload }) }
}

function readGate(value: unknown, field: string): PlannedGate {
  if (value === undefined || value === 'none' || value === 'sent') return { kind: value === 'sent' ? Gate.sent : Gate.none, timeout: 0, shadow: false }
  if (value === 'ack') return { kind: Gate.ack, timeout: 0, shadow: false }
  if (value === 'shadow') return { kind: Gate.answer, timeout: 10_000, shadow: true }
  if (typeof value !== 'object' || value === null) throw invalid(field, 'be none, sent, ack, shadow, or an object with on or until')
  check.object<{ on: unknown, until: unknown, timeout: unknown }>(value, field, ['on', 'until', 'timeout'])
  const timeout = check.optional(value.timeout, `${field}.timeout`, check.integer(1, 0x7fffffff))
  if (value.until !== undefined) {
    if (typeof value.until !== 'function') throw invalid(`${field}.until`, 'be a function')
    if (value.on !== undefined) throw invalid(`${field}.on`, 'not be given together with until')
    return { kind: Gate.answer, timeout: timeout ?? 10_000, shadow: false, until: value.until as NonNullable<PlannedGate['until']> }
  }
  if (value.on !== 'ack' && value.on !== 'shadow') throw invalid(`${field}.on`, 'be ack or shadow')
  const gate = readGate(value.on satisfies DelayedGate, field)
  return timeout === undefined ? gate : { ...gate, timeout }
}

function readDeadline(value: unknown, start: number): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return start + check.milliseconds(value, 'deadline')
  if (!(value instanceof Date)) throw invalid('deadline', 'be a Date, or a number of milliseconds from the start')
  return check.date(value, 'deadline').getTime()
}

function interval(value: unknown, field: string): number {
  if (check.milliseconds(value, field) < 1) throw invalid(field, 'be 1 ms or more')
  return value as number
}

function oneOf<T extends string>(names: readonly T[]) {
  return (value: unknown, field: string): T => {
    if (!(names as readonly unknown[]).includes(value)) throw invalid(field, `be one of ${names.join(', ')}`)
    return value as T
  }
}

/** Writes the body of a `delay` record. */
export function writePlan(w: Writer, client: number, run: number, plan: Plan, steps: readonly { step: DelayedStep, plan: PlannedStep }[], limits: Required<Limits>): void {
  w.u32(client).u32(run).u8(plan.offline).u8(plan.onFailure).u32(plan.retries).u32(plan.throttled).u32(plan.retryDelay).f64(plan.deadline)
    .u32(limits.shadowRequestsPerSecond).u32(limits.shadowInFlight).u32(steps.length)
  const kept = plan.persist !== undefined
  let next = 0
  for (const { step: { index }, plan: s } of steps) {
    w.u32(index - next).f64(s.plannedAt).f64(s.spacing).bool(s.fixed).f64(s.every).f64(s.jitter)
      .bool(asks(s) || kept).bool(kept).u8(s.gate.kind).u32(s.gate.timeout).outgoing(s.message)
    next = index + 1
  }
}

/** Writes the body of a `stepAnswer` record. */
export function writeAnswer(w: Writer, run: number, step: number, at: number, error: IotError | undefined): void {
  w.u32(run).u32(step).f64(at).bool(error !== undefined)
  // The page keeps the error itself: the program goes by its code alone.
  if (error) w.error({ code: error.code, message: error.message, field: error.field ?? '', hint: error.hint ?? '', retryable: error.retryable, reasonCode: undefined })
}

/** The program asks the page before it sends the step. */
function asks(step: PlannedStep): boolean { return step.payload !== undefined || step.gate.shadow }
