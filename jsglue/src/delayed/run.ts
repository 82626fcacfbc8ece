/** A delayed run, as the page sees it: the program tells of its steps, and asks for what only the page has. */
import * as check from '../arguments'
import { asyncDispose } from '../dispose'
import { Emitter } from '../emitter'
import { toIotError, type Receiver } from '../engine'
import { invalid, IotError } from '../errors'
import { allSteps, Event, Gate, Verb } from '../kinds'
import { checkMessage } from '../limits'
import { Sequence } from '../sequence'
import { rejection, type Operation } from '../shadow-document'
import type { Client, DelayedReport, DelayedRun as DelayedRunType, DelayedState, DelayedStep, Limits, Message } from '../types'
import type { Outgoing, Reader } from '../wire'
import { lastInstant, type PlannedStep } from './plan'
import { clientTokenOf, ShadowAnswers, withClientToken } from './shadow-step'

/** By the numbers of the wire; the third asks for the payload. */
const states: readonly DelayedState[] = ['waiting', 'due', 'due', 'sent', 'acknowledged', 'accepted', 'rejected', 'failed', 'skipped', 'cancelled']
const asked = 2

/** Finished steps that a run without end keeps. */
const keptSteps = 1000

/** What a run asks of the program. */
export interface Control {
  control(verb: number, step: number, at: number): void
  payload(step: number, payload: string | Uint8Array): void
  answer(step: number, at: number, error?: IotError): void
}

/** What keeps a run. */
export interface Keeper {
  /** Resolves when it is written down that a step is about to be sent. */
  claim(step: DelayedStep, plan: PlannedStep): Promise<void>
  /** A step changed, or is new. */
  keep(step: DelayedStep, plan: PlannedStep, final: boolean): void
  /** The run has finished. */
  finished(): void
}

interface RunEvents {
  progress: (step: DelayedStep) => void
  state: (state: DelayedRunType['state']) => void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export class DelayedRun implements DelayedRunType, Receiver {
  readonly id: number
  declare readonly persist?: string
  readonly done: Promise<DelayedReport>
  keeper: Keeper | undefined
  readonly #client: Client
  readonly #limits: Required<Limits>
  readonly #events = new Emitter<RunEvents>()
  readonly #finished = new Sequence<DelayedStep>()
  #steps: DelayedStep[] = []
  #plans = new Map<number, PlannedStep>() // of unfinished steps
  #order: DelayedStep[] = [] // as they finished
  #control: Control | undefined // none before the start
  #before: [verb: number, step: number, at: number][] = []
  #paused = false
  #standby = false
  #ended = false
  #endless = false
  #finish!: (report: DelayedReport) => void
  #answers: ShadowAnswers | undefined
  readonly #tokens = new Map<string, number>() // of requests to the shadow service
  readonly #prepared = new Map<number, string>() // payloads given ahead of time
  readonly #errors = new Map<number, IotError>() // that the page told of, with their causes
  #reason: IotError | undefined // the last of them: steps may be skipped for it
  #off: (() => void) | undefined

  constructor(id: number, client: Client, steps: readonly PlannedStep[], limits: Required<Limits>, persist: string | undefined) {
    this.id = id
    this.#client = client
    this.#limits = limits
    if (persist !== undefined) this.persist = persist
    this.done = new Promise(resolve => { this.#finish = resolve })
    steps.forEach((s, i) => this.#add(i, s))
  }

  get steps(): readonly DelayedStep[] { return this.#steps }

  get state(): DelayedRunType['state'] {
    return this.#ended ? 'finished' : this.#standby ? 'standby' : this.#paused ? 'paused' : 'running'
  }

  cancel(step?: number): void {
    if (step !== undefined) this.#checkIndex(step)
    if (this.#standby) this.#each(step, s => this.#change(s, { state: 'cancelled' }))
    else this.#do(Verb.cancel, step ?? allSteps, 0)
  }

  pause(): void { this.#pause(true) }
  resume(): void { this.#pause(false) }

  reschedule(step: number, when: Date | number): void {
    this.#checkIndex(step)
    const at = typeof when === 'number' ? Date.now() + check.milliseconds(when, 'when') : check.date(when, 'when').getTime()
    if (!(at <= lastInstant)) throw invalid('when', 'be before the last date that JavaScript knows')
    this.#do(Verb.reschedule, step, at)
  }

  on<E extends keyof RunEvents>(event: E, handler: RunEvents[E]): () => void {
    if (event !== 'progress' && event !== 'state') throw invalid('event', 'be progress or state')
    if (typeof handler !== 'function') throw invalid('handler', 'be a function')
    return this.#events.on(event, handler)
  }

  /** Yields the steps that have finished, and then each as it does. */
  async [asyncDispose](): Promise<void> {
    this.cancel()
    await this.done
  }

  [Symbol.asyncIterator](): AsyncIterator<DelayedStep> { return this.#finished.from(this.#order) }

  /** The program has the run now. */
  start(control: Control): void {
    this.#control = control
    this.#watch()
    this.#stand(false)
    for (const each of this.#before.splice(0)) control.control(...each)
  }

  /** Another tab has the run. */
  standBy(): void {
    this.#stand(true)
    const before = this.#before
    this.#before = before.filter(([verb]) => verb !== Verb.cancel)
    for (const [verb, step] of before) if (verb === Verb.cancel) this.cancel(step === allSteps ? undefined : step)
  }

  /** Nothing of the run is sent: another tab has done it. */
  skip(error: IotError): void {
    this.#stand(false)
    this.#each(undefined, s => this.#change(s, { state: 'skipped', error }))
  }

  /** Takes up the steps of a kept run in the place of its own. */
  adopt(steps: readonly { step: DelayedStep, plan: PlannedStep }[]): void {
    this.#steps = []
    this.#plans.clear()
    for (const { step, plan } of steps) {
      const at = this.#add(step.index, plan)
      this.#steps[at] = step
      if (this.#isFinal(step, plan)) this.#retire(step)
    }
    for (const step of [...this.#steps]) this.#events.emit('progress', step)
    this.#end()
  }

  /** The steps that have not finished, and their plans. */
  get unfinished(): { step: DelayedStep, plan: PlannedStep }[] {
    return [...this.#plans].map(([index, plan]) => ({ step: this.#steps[this.#find(index)]!, plan }))
  }

  receive(kind: number, r: Reader): void {
    switch (kind) {
      case Event.shift: return this.#shift(r.u32(), r.u32(), r.f64())
      case Event.repeat: return this.#repeat(r.u32(), r.u32(), r.f64())
    }
    const first = r.u32(), count = r.u32(), code = r.u8()
    const plannedAt = r.f64(), sentAt = r.f64(), acknowledgedAt = r.f64(), interrupted = r.bool()
    const told = r.bool() ? toIotError(r.error()) : undefined, state = states[code]!
    for (let index = first; index < first + count; index++) {
      const old = this.#steps[this.#find(index)]
      if (!old || !this.#plans.has(index)) continue
      const own = this.#errors.get(index) ?? this.#reason
      this.#errors.delete(index)
      const step: Mutable<DelayedStep> = { ...old, state }
      const error = own && own.message === told?.message ? own : told
      if (error) step.error = error
      else if (old.error) delete step.error
      if (state === 'waiting' && error) delete step.interrupted // another attempt
      if (plannedAt > 0) step.plannedAt = plannedAt
      if (sentAt > 0) {
        step.sentAt = sentAt
        step.deviation = sentAt - old.plannedAt
        if (state === 'sent') step.attempts++
      }
      if (acknowledgedAt > 0) step.acknowledgedAt = acknowledgedAt
      if (interrupted) step.interrupted = true
      this.#replace(step)
      if (state === 'sent') this.#prepared.delete(index)
      if (code === asked) void this.#give(index)
    }
  }

  crashed(error: IotError): void {
    this.#each(undefined, s => this.#change(s, { state: 'failed', error }))
  }

  #pause(paused: boolean): void {
    if (paused === this.#paused || this.#ended) return
    this.#paused = paused
    this.#do(paused ? Verb.pause : Verb.unpause, allSteps, 0)
    this.#events.emit('state', this.state)
  }

  #stand(by: boolean): void {
    if (by === this.#standby) return
    this.#standby = by
    this.#events.emit('state', this.state)
  }

  #checkIndex(step: unknown): void {
    check.integer(0, this.#steps.at(-1)!.index)(step, 'step')
  }

  /** Asks the program, now or once it has the run. */
  #do(verb: number, step: number, at: number): void {
    if (this.#control) this.#control.control(verb, step, at)
    else this.#before.push([verb, step, at])
  }

  /** Calls with each step that has not finished, or the one of an index. */
  #each(index: number | undefined, call: (step: DelayedStep) => void): void {
    for (const each of index === undefined ? [...this.#plans.keys()] : [index]) {
      if (this.#plans.has(each)) call(this.#steps[this.#find(each)]!)
    }
  }

  /** Place of a step in #steps, which is in order; a run without end drops old ones. */
  #find(index: number): number {
    if (this.#steps[index]?.index === index) return index
    let low = 0, high = this.#steps.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#steps[middle]!.index < index) low = middle + 1
      else high = middle
    }
    return this.#steps[low]?.index === index ? low : -1
  }

  #add(index: number, plan: PlannedStep): number {
    this.#plans.set(index, plan)
    this.#endless ||= plan.every > 0
    return this.#steps.push({ index, topic: plan.message.topic, state: 'waiting', plannedAt: plan.plannedAt, attempts: 0 }) - 1
  }

  #isFinal({ state }: DelayedStep, { gate, message }: PlannedStep): boolean {
    switch (state) {
      case 'waiting': case 'due': return false
      case 'sent': return message.qos === 0 && gate.kind !== Gate.answer
      case 'acknowledged': return gate.kind !== Gate.answer
      default: return true
    }
  }

  #change(old: DelayedStep, change: Partial<DelayedStep>): void { this.#replace({ ...old, ...change }) }

  #replace(step: DelayedStep): void {
    const plan = this.#plans.get(step.index)!
    this.#steps[this.#find(step.index)] = step
    const final = this.#isFinal(step, plan)
    if (final) this.#retire(step)
    this.keeper?.keep(step, plan, final)
    this.#events.emit('progress', step)
    if (final) this.#end()
  }

  /** Takes note that a step has finished. */
  #retire(step: DelayedStep): void {
    const plan = this.#plans.get(step.index)!
    this.#plans.delete(step.index)
    if (plan.gate.shadow) {
      this.#answers?.finished(plan.message.topic)
      this.#forgetTokens(step.index)
      this.#prepared.delete(step.index)
    }
    this.#order.push(step)
    this.#finished.push(step)
    if (this.#endless && this.#order.length > keptSteps) {
      const dropped = this.#find(this.#order.shift()!.index)
      if (dropped >= 0) this.#steps.splice(dropped, 1)
    }
  }

  #end(): void {
    if (this.#plans.size > 0 || this.#ended) return
    this.#ended = true
    this.#off?.()
    this.#finished.end()
    this.keeper?.finished()
    this.#events.emit('state', this.state)
    this.#finish({ id: this.id, steps: this.#steps })
  }

  #shift(first: number, count: number, by: number): void {
    for (let index = first; index < first + count; index++) {
      const old = this.#steps[this.#find(index)]
      if (old && this.#plans.has(index)) this.#change(old, { plannedAt: old.plannedAt + by })
    }
  }

  #repeat(index: number, of: number, plannedAt: number): void {
    const before = this.#plans.get(of)
    if (!before) return
    const plan = { ...before, plannedAt, spacing: -1 }
    if (plan.gate.shadow) this.#answers?.add(plan.message.topic)
    const step = this.#steps[this.#add(index, plan)]!
    this.keeper?.keep(step, plan, false)
    this.#events.emit('progress', step)
  }

  /** Gives the program the payload that it asked for, once the answer to it would be heard. */
  async #give(index: number): Promise<void> {
    const plan = this.#plans.get(index)!
    try {
      if (plan.gate.shadow) await this.#answers!.ready(plan.message.topic)
      const message: Outgoing = { ...plan.message }
      if (plan.payload) message.payload = check.payload(await this.#evaluate(plan, index), `${plan.field}payload`)
      if (plan.gate.shadow) {
        message.payload = this.#prepared.get(index) ?? withClientToken(message.payload, `${plan.field}payload`)
        this.#prepared.delete(index)
        this.#forgetTokens(index)
        this.#tokens.set(clientTokenOf(message.payload), index)
      }
      checkMessage(message, this.#limits, plan.field)
      await this.keeper?.claim(this.#steps[this.#find(index)]!, plan)
      this.#control!.payload(index, message.payload)
    } catch (e) {
      this.#tell(index, Date.now(), e as IotError)
    }
  }

  /** Gives the program ahead of time the payloads that are known, so that no step waits for a busy page. */
  #prepare(topics: readonly string[]): void {
    for (const [index, { gate, payload, message, every }] of this.#plans) {
      if (!gate.shadow || payload || every > 0 || this.persist !== undefined || !topics.includes(message.topic) || this.#steps[this.#find(index)]!.state !== 'waiting') continue
      const prepared = withClientToken(message.payload, '')
      this.#prepared.set(index, prepared) // should it be asked for all the same, it is given once more
      this.#tokens.set(clientTokenOf(prepared), index)
      this.#control!.payload(index, prepared)
    }
  }

  #forgetTokens(index: number): void {
    for (const [token, each] of this.#tokens) if (each === index) this.#tokens.delete(token)
  }

  async #evaluate(plan: PlannedStep, index: number): Promise<unknown> {
    try {
      return await plan.payload!(this.#steps[this.#find(index)]!)
    } catch (e) {
      throw new IotError('invalid-argument', `${plan.field}payload failed: its function threw`, { field: `${plan.field}payload`, cause: e })
    }
  }

  /** Answers for a step; the page's own error reaches the step with its cause. */
  #tell(index: number, at: number, error?: IotError): void {
    if (!this.#plans.has(index)) return
    if (error) this.#errors.set(index, this.#reason = error)
    this.#control!.answer(index, at, error)
  }

  /** Listens for what opens the gates of the steps. */
  #watch(): void {
    const plans = [...this.#plans.values()]
    const requests = plans.filter(plan => plan.gate.shadow).map(plan => plan.message.topic)
    if (requests.length > 0) {
      this.#answers = new ShadowAnswers(this.#client, requests, message => this.#answered(message), topics => this.#prepare(topics))
      this.#answers.ready()
    }
    if (plans.some(plan => plan.gate.until)) this.#off = this.#client.on('message', message => this.#heard(message))
  }

  /** An answer of the Device Shadow service. */
  #answered(message: Message): void {
    const token = clientTokenOf(message.payload)
    const index = this.#tokens.get(token)
    if (index === undefined) return
    const operation = message.topic.split('/').at(-2) as Operation
    this.#tokens.delete(token)
    this.#open(index, message, message.topic.endsWith('/accepted') ? undefined : rejection(operation, message.text()))
  }

  /** A message that may open a gate with a function. */
  #heard(message: Message): void {
    for (const [index, { gate, field }] of [...this.#plans]) {
      const step = this.#steps[this.#find(index)]!
      if (!gate.until || step.state !== 'sent' && step.state !== 'acknowledged') continue
      try {
        if (gate.until(message, step)) this.#open(index, message)
      } catch (e) {
        this.#open(index, message, new IotError('invalid-argument', `${field}gate.until failed: it threw`, { field: `${field}gate.until`, cause: e }))
      }
    }
  }

  #open(index: number, answer: Message, error?: IotError): void {
    const old = this.#steps[this.#find(index)]
    if (!old || !this.#plans.has(index)) return
    this.#steps[this.#find(index)] = { ...old, answer }
    this.#tell(index, answer.receivedAt, error)
  }
}
