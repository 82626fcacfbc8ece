/** The delayed runs of one client: starts them, keeps those that are to outlive the page, and lists them. */
import { closed, IotError } from '../errors'
import type { Engine } from '../engine'
import { Command } from '../kinds'
import type { Client, DelayedOptions, DelayedRun as DelayedRunType, Limits } from '../types'
import { keepRun, keptPlan } from './keep'
import { persistName, readMissed, readPlan, writeAnswer, writePlan, type Plan } from './plan'
import { DelayedRun, type Control } from './run'

/** Finished runs that are listed. */
const listedRuns = 20

export class DelayedRuns {
  readonly #engine: Engine
  readonly #client: Client
  readonly #id: number
  readonly #limits: Required<Limits>
  readonly #failed: (error: IotError) => void
  #runs: DelayedRun[] = []

  /** `failed` hears of what no run tells. */
  constructor(engine: Engine, client: Client, id: number, limits: Required<Limits>, failed: (error: IotError) => void) {
    this.#engine = engine
    this.#client = client
    this.#id = id
    this.#limits = limits
    this.#failed = failed
  }

  get list(): readonly DelayedRunType[] { return [...this.#runs] }

  publish(first: unknown, rest: readonly unknown[]): DelayedRun {
    const plan = readPlan(first, rest, this.#limits)
    this.#mustBeOpen()
    return this.#begin(plan)
  }

  async resume(name: unknown, options: Pick<DelayedOptions, 'missed' | 'signal'> = {}): Promise<DelayedRun | undefined> {
    const persist = persistName(name)
    const { missed, signal } = readMissed(options)
    this.#mustBeOpen()
    const here = this.#runs.find(run => run.persist === persist && run.state !== 'finished')
    if (here) return here
    const plan = await keptPlan(persist)
    if (!plan) return undefined
    this.#mustBeOpen()
    return this.#begin({ ...plan, ...(missed && { missed }), signal }, true)
  }

  #begin(plan: Plan, resumed = false): DelayedRun {
    const id = this.#engine.newId()
    const run = new DelayedRun(id, this.#client, plan.steps, this.#limits, plan.persist)
    const { signal } = plan
    const abort = (): void => run.cancel()
    this.#runs.push(run)
    this.#engine.runs.set(id, run)
    void run.done.then(() => {
      this.#engine.runs.delete(id)
      signal?.removeEventListener('abort', abort)
      this.#forgetOld()
    })
    if (plan.persist === undefined) this.#start(run, plan)
    else void keepRun(plan.persist, run, plan, { resumed, start: kept => this.#start(run, kept), failed: this.#failed, client: this.#client })
    if (signal?.aborted) run.cancel()
    else signal?.addEventListener('abort', abort)
    return run
  }

  #start(run: DelayedRun, plan: Plan): void {
    const { id } = run, engine = this.#engine
    if (this.#client.state === 'closed') return run.crashed(closed())
    engine.send(Command.delay, w => writePlan(w, this.#id, id, plan, run.unfinished, this.#limits))
    run.start({
      control: (verb, step, at) => engine.send(Command.control, w => w.u32(id).u32(step).u8(verb).f64(at)),
      payload: (step, payload) => engine.send(Command.stepPayload, w => w.u32(id).u32(step).data(payload)),
      answer: (step, at, error) => engine.send(Command.stepAnswer, w => writeAnswer(w, id, step, at, error)),
    } satisfies Control)
  }

  #mustBeOpen(): void {
    if (this.#client.state === 'closed') throw closed()
  }

  #forgetOld(): void {
    const finished = this.#runs.filter(run => run.state === 'finished')
    const old = new Set(finished.slice(0, Math.max(0, finished.length - listedRuns)))
    if (old.size > 0) this.#runs = this.#runs.filter(run => !old.has(run))
  }
}
