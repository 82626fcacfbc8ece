/**
 * Keeps runs over a reload. The tab that holds the Web Lock of a run's name sends
 * it, the others stand by; the steps are in the Store. What a page had sent is never
 * sent again by the next one: that a step goes out is written before it does. One
 * whose end the page did not live to see ends as `failed`, outcome unknown.
 */
import { closed, IotError } from '../errors'
import { Gate } from '../kinds'
import type { Client, DelayedStep, IotErrorCode } from '../types'
import type { Plan } from './plan'
import type { DelayedRun, Keeper } from './run'
import { Store, type KeptRun, type KeptStep } from './store'

/** With these the page let go of a run that the next one is to take up. */
const leaving: readonly IotErrorCode[] = ['closed', 'runtime-crashed']

export interface KeepOptions {
  client: Client
  /** It is the kept run that is wanted, and nothing else. */
  resumed: boolean
  start(plan: Plan): void
  failed(error: IotError): void
}

/** Starts a run when it is this tab's turn, and keeps it until it has finished. */
export async function keepRun(name: string, run: DelayedRun, plan: Plan, options: KeepOptions): Promise<void> {
  const ended = new AbortController(), calledAt = Date.now()
  void run.done.then(() => ended.abort())
  const off = options.client.on('close', error => run.crashed(error ?? closed()))
  let store: Store | undefined
  try {
    store = await openStore()
    const own = (after: boolean) => carryOut(name, store!, run, plan, calledAt, { ...options, resumed: options.resumed || after })
    const mine = await navigator.locks.request(`iotwasm:${name}`, { ifAvailable: true }, async lock => {
      if (lock) await own(false)
      return lock !== null
    })
    if (!mine && run.state !== 'finished') {
      run.standBy()
      await navigator.locks.request(`iotwasm:${name}`, { signal: ended.signal }, () => own(true))
    }
  } catch (e) {
    if (ended.signal.aborted) return
    options.failed(storageFailed(e))
    options.start(plan)
  } finally {
    off()
    store?.close()
  }
}

/** The plan of the run that is kept under a name, if there is one. */
export async function keptPlan(name: string): Promise<Plan | undefined> {
  let store: Store | undefined
  try {
    store = await openStore()
    const kept = await loadUnfinished(store, name)
    return kept && { ...kept.run, steps: kept.steps.map(s => s.plan), persist: name, signal: undefined }
  } catch (e) {
    throw storageFailed(e)
  } finally {
    store?.close()
  }
}

async function carryOut(name: string, store: Store, run: DelayedRun, plan: Plan, calledAt: number, { resumed, start, failed }: KeepOptions): Promise<void> {
  const kept = await loadUnfinished(store, name)
  if (run.state === 'finished') return
  if (!kept && resumed) return run.skip(new IotError('aborted', 'another tab has carried the run out'))
  let chosen = plan
  if (kept) {
    chosen = { ...kept.run, missed: plan.missed, steps: [], persist: name, signal: undefined }
    run.adopt(takeUp(kept.steps, plan.missed, Date.now()))
    await store.create(name, chosenRun(chosen), snapshot(run, kept.steps))
  } else {
    const late = Date.now() - calledAt
    if (plan.start === 0) run.adopt(run.unfinished.map(each => each.plan.fixed ? each : planned(each, each.step.plannedAt + late)))
    await store.create(name, chosenRun(plan), run.unfinished)
  }
  const keeper = new StoreKeeper(name, store, failed)
  run.keeper = keeper
  if (run.unfinished.length === 0) keeper.finished()
  else start(chosen)
  await run.done
  await keeper.idle
}

/** Writes the changes of a run: while one write is under way the next are gathered, so that the store is never far behind. */
class StoreKeeper implements Keeper {
  readonly #name: string
  readonly #store: Store
  readonly #failed: (error: IotError) => void
  #changes = new Map<number, KeptStep | undefined>() // undefined: is not kept any more
  #waiting: (() => void)[] = [] // for these changes to be written
  readonly #claimed = new Set<number>()
  #writing: Promise<void> | undefined
  #left = false
  #finished = false

  constructor(name: string, store: Store, failed: (error: IotError) => void) {
    this.#name = name
    this.#store = store
    this.#failed = failed
  }

  /** Resolves when all is written. */
  get idle(): Promise<void> { return this.#writing ?? Promise.resolve() }

  claim(step: DelayedStep, plan: KeptStep['plan']): Promise<void> {
    this.#claimed.add(step.index)
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.keep(step, plan, false)
    })
  }

  keep(step: DelayedStep, plan: KeptStep['plan'], final: boolean): void {
    if (step.error && leaving.includes(step.error.code)) {
      this.#left = true
      return
    }
    if (step.state !== 'due') this.#claimed.delete(step.index)
    // A run without end would fill the disk.
    this.#changes.set(step.index, final && plan.every > 0 ? undefined : { step: plain(step), plan, claimed: this.#claimed.has(step.index) })
    this.#writing ??= this.#write()
  }

  finished(): void {
    if (this.#left) return
    this.#finished = true
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    const failed = (e: unknown): void => this.#failed(storageFailed(e))
    await undefined // what changes in one turn
    while (!this.#finished && this.#changes.size > 0) {
      const changes = this.#changes, waiting = this.#waiting
      this.#changes = new Map()
      this.#waiting = []
      await this.#store.change(this.#name, changes).catch(failed)
      for (const written of waiting) written()
    }
    if (this.#finished) await this.#store.remove(this.#name).catch(failed)
    this.#writing = undefined
  }
}

async function loadUnfinished(store: Store, name: string): Promise<{ run: KeptRun, steps: KeptStep[] } | undefined> {
  const kept = await store.load(name)
  return kept?.steps.some(each => waits(each) || isOpen(each)) ? kept : undefined
}

/** The steps of a kept run, as they stand for the page that takes it up now. */
export function takeUp(steps: readonly KeptStep[], missed: 'send' | 'skip', now: number): KeptStep[] {
  // Each kind of step keeps its spacing from the first one that was missed.
  const late = (fixed: boolean): number => {
    const first = steps.find(s => waits(s) && s.plan.fixed === fixed)
    return first ? Math.max(0, now - first.step.plannedAt) : 0
  }
  const by = { true: late(true), false: late(false) }
  return steps.map(each => {
    const { step, plan } = each
    const revived = revive(step)
    if (isOpen(each)) return { plan, step: { ...revived, state: 'failed', error: outcomeUnknown() } }
    if (!waits(each)) return { plan, step: revived }
    if (missed === 'skip' && step.plannedAt < now) {
      if (plan.every === 0) return { plan, step: { ...revived, state: 'skipped', error: missedError() } }
      const next = step.plannedAt + Math.ceil((now - step.plannedAt) / plan.every) * plan.every
      return planned(each, next)
    }
    if (missed === 'skip') return planned(each, step.plannedAt)
    return planned(each, plan.fixed && step.plannedAt > now ? step.plannedAt : step.plannedAt + by[`${plan.fixed}`])
  })
}

function planned({ step, plan }: KeptStep, plannedAt: number): KeptStep {
  return { step: { index: step.index, topic: step.topic, state: 'waiting', plannedAt, attempts: step.attempts }, plan: { ...plan, plannedAt } }
}

function waits({ step, claimed }: KeptStep): boolean { return (step.state === 'waiting' || step.state === 'due') && !claimed }

/** It was sent, or about to be, and its outcome is not known. */
function isOpen({ step: { state }, plan, claimed }: KeptStep): boolean {
  if (claimed) return true
  return plan.gate.kind === Gate.answer ? state === 'sent' || state === 'acknowledged' : state === 'sent' && plan.message.qos > 0
}

function snapshot(run: DelayedRun, kept: readonly KeptStep[]): KeptStep[] {
  const plans = new Map(kept.map(({ step, plan }) => [step.index, plan]))
  return run.steps.map(step => ({ step: plain(step), plan: { ...plans.get(step.index)!, plannedAt: step.plannedAt } }))
}

function chosenRun({ offline, onFailure, retries, throttled, retryDelay, deadline, missed, start }: KeptRun): KeptRun {
  return { offline, onFailure, retries, throttled, retryDelay, deadline, missed, start }
}

/** Without what cannot be stored; of an error its fields. */
function plain({ answer: _, error, ...step }: DelayedStep): DelayedStep {
  if (!error) return step
  const { code, message, field, hint, retryable, reasonCode } = error
  return { ...step, error: { code, message, field, hint, retryable, reasonCode } as unknown as NonNullable<DelayedStep['error']> }
}

function revive(step: DelayedStep): DelayedStep {
  return step.error ? { ...step, error: new IotError(step.error.code, step.error.message, step.error) } : step
}

async function openStore(): Promise<Store> {
  if (!('locks' in navigator)) throw new Error('no Web Locks: is the page served from https: or localhost?')
  return Store.open()
}

function storageFailed(cause: unknown): IotError {
  return new IotError('storage-failed', 'the run is not kept: the browser\'s IndexedDB or Web Locks cannot be used', {
    cause, hint: 'Both need a page from https: or localhost, and are off in some private windows.',
  })
}

function outcomeUnknown(): IotError {
  return new IotError('transport-closed', 'the page went away before the server acknowledged the message; whether it arrived is unknown', { retryable: true })
}

function missedError(): IotError { return new IotError('timeout', 'the time of the step passed while no page was open') }
