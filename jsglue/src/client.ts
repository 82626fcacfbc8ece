/** A client: one MQTT 5 session of the page. */
import { unlessAborted } from './abort'
import * as check from './arguments'
import { askAhead, connectOptions, type Checked } from './connect-options'
import type { DelayedRuns } from './delayed/runs'
import { asyncDispose } from './dispose'
import type { Emitter } from './emitter'
import { engineFor, type Engine } from './engine'
import { aborted, closed, invalid, type IotError } from './errors'
import { TraceDetail } from './kinds'
import { checkFilters, checkMessage } from './limits'
import type { Log } from './log'
import type { Message } from './message'
import { negotiated } from './negotiated'
import { tracedHeader, type TracedPacket } from './packet'
import * as parts from './parts'
import { Session } from './session'
import type { Totals } from './stats'
import type { Subscription } from './subscription'
import type * as types from './types'
import type { Outgoing } from './wire'

const events: readonly (keyof types.ClientEvents)[] = ['state', 'connect', 'reconnect', 'offline', 'message', 'packet', 'disconnect', 'close', 'error']

/** See types.ts. */
export async function connect(options: types.ConnectOptions): Promise<types.Client> {
  const checked = connectOptions(options)
  if (checked.signal?.aborted) throw aborted(checked.signal)
  const ready = unlessAborted(loaded(checked), checked.signal)
  askAhead(checked)
  return Client.open(...await ready, checked)
}

type Features = Awaited<ReturnType<typeof parts.features>>

/** What a client needs, all at once: the part is far smaller than the module. */
export function loaded(options: types.LoadOptions): Promise<[Engine, Features]> {
  return Promise.all([engineFor(options), parts.features()])
}

export class Client implements types.Client {
  readonly #engine: Engine
  readonly #features: Features
  readonly #options: Checked
  readonly #session: Session
  readonly #log: Log
  readonly #events: Emitter<types.ClientEvents>
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #delayed: DelayedRuns
  #state: types.ClientState = 'connecting'
  #clientId: string
  #connack: types.Connack = { sessionPresent: false, reasonCode: 0, properties: {} }
  #tracing = false
  #totals: Totals | undefined

  private constructor(engine: Engine, features: Features, options: Checked) {
    this.#engine = engine
    this.#features = features
    this.#options = options
    this.#clientId = options.clientId
    this.#log = new features.Log(options)
    this.#events = new features.Emitter()
    this.#session = new Session(engine, options, {
      message: (message, subscriptions) => this.#message(message, subscriptions),
      linked: (clientId, connack) => this.#connected(clientId, connack),
      changed: (state, error) => this.#changed(state, error),
      retry: (attempt, delay, error) => this.#retrying(attempt, delay, error),
      packet: packet => this.#packet(packet),
      serverDisconnect: packet => this.#events.emit('disconnect', packet),
      fault: error => this.#failed(error),
    })
    this.#delayed = new features.DelayedRuns(engine, this, this.#session.id, options.bounds, error => this.#failed(error))
  }

  static async open(engine: Engine, features: Features, options: Checked): Promise<Client> {
    const client = new Client(engine, features, options)
    try {
      const connected = client.#session.connect(options.signal)
      client.#trace()
      await connected
      return client
    } catch (e) {
      client.#release()
      throw e
    }
  }

  get state(): types.ClientState { return this.#state }
  get clientId(): string { return this.#clientId }
  get connack(): types.Connack { return this.#connack }
  get negotiated(): types.Negotiated { return negotiated(this.#connack, this.#options) }

  on<E extends keyof types.ClientEvents>(event: E, handler: types.ClientEvents[E]): () => void {
    if (!events.includes(event)) throw invalid('event', `be one of ${events.join(', ')}`)
    if (typeof handler !== 'function') throw invalid('handler', 'be a function')
    const off = this.#events.on(event, handler)
    if (event === 'packet') this.#trace()
    return () => {
      off()
      if (event === 'packet') this.#trace()
    }
  }

  /** Has the program tell of packets while somebody listens. */
  #trace(): void {
    const on = this.#events.has('packet') || this.#log.hears('debug')
    if (on === this.#tracing || this.#state === 'closed') return
    this.#tracing = on
    this.#session.trace(on ? TraceDetail.headers : TraceDetail.off)
  }

  async subscribe(filter: string | readonly string[], ...rest: unknown[]): Promise<types.Subscription> {
    const [given, handler] = typeof rest[0] === 'function' ? [undefined, rest[0]] : rest
    const filters = readFilters(filter)
    const { signal, ...options } = check.subscribeOptions(given)
    if (handler !== undefined && typeof handler !== 'function') throw invalid('handler', 'be a function')
    this.#mustBeOpen()
    checkFilters(filters, options.properties, () => this.#filters(), this.#options.bounds, this.negotiated)
    const id = this.#engine.newId()
    const subscription = new this.#features.Subscription(filters, handler as types.MessageHandler | undefined, options, leaving => this.#unsubscribe(id, leaving))
    this.#subscriptions.set(id, subscription)
    try {
      const qos = Math.min(options.qos, this.negotiated.maximumQoS) // AWS IoT Core ends the connection at more
      const { noLocal, retainAsPublished, retainHandling, timeout, properties } = options
      const asked = filters.map(filter => ({ filter, qos, noLocal, retainAsPublished, retainHandling }))
      await this.#session.subscribe(id, asked, options.manualAck, { timeout, properties, signal }, (codes, answered) => {
        for (const refused of subscription.answer(codes, answered)) this.#failed(refused)
      })
      return subscription
    } catch (e) {
      this.#subscriptions.delete(id)
      subscription.end()
      throw e
    }
  }

  /** Every topic filter that is held. */
  #filters(): Set<string> { return new Set([...this.#subscriptions.values()].flatMap(s => s.filters)) }

  async #unsubscribe(id: number, options: types.UnsubscribeOptions): Promise<void> {
    const request = check.unsubscribeOptions(options)
    if (!this.#subscriptions.delete(id) || this.#state === 'closed') return
    await this.#session.unsubscribe(id, request, () => undefined)
  }

  async publish(topic: string, payload: types.Payload, options: types.PublishOptions = {}): Promise<types.PublishResult> {
    check.object(options, 'options', ['qos', 'retain', 'properties', 'timeout', 'signal'])
    const message: Outgoing = check.message(topic, payload, options)
    const timeout = check.optional(options.timeout, 'timeout', check.u32) ?? 0
    const signal = check.signal(options.signal, 'signal')
    checkMessage(message, this.#options.bounds)
    this.#mustBeOpen()
    return this.#session.publish(message, timeout, signal)
  }

  publishDelayed(first: string | readonly types.DelayedStepOptions[], ...rest: unknown[]): types.DelayedRun { return this.#delayed.publish(first, rest) }

  delayed(): readonly types.DelayedRun[] { return this.#delayed.list }

  resumeDelayed(persist: string, options?: Pick<types.DelayedOptions, 'missed' | 'signal'>): Promise<types.DelayedRun | undefined> {
    return this.#delayed.resume(persist, options)
  }

  request(topic: string, payload: types.Payload, options: types.RequestOptions = {}): Promise<types.Message> {
    return this.#features.request(this, topic, payload, options)
  }

  shadow(thingName: string, shadowName?: string): types.Shadow { return this.#features.openShadow(this, thingName, shadowName) }

  async renew(options: types.RenewOptions = {}): Promise<void> {
    const { signal } = check.fields<types.RenewOptions>(options, 'options', { signal: check.signal })
    this.#mustBeOpen()
    await this.#session.renew(signal)
  }

  async stats(): Promise<types.Stats> {
    this.#mustBeOpen()
    return this.#session.stats(r => {
      const { stats, totals } = this.#features.readStats(r, this.#filters().size, this.#totals)
      this.#totals = totals
      return stats
    })
  }

  async close(options: types.CloseOptions = {}): Promise<void> {
    const { reasonCode, properties } = check.closeOptions(options)
    if (this.#state === 'closed') return
    if (this.#options.ownSession) properties.sessionExpiryInterval ??= 0 // nobody comes back for it
    if (this.#options.sessionExpiryInterval === 0) delete properties.sessionExpiryInterval // [MQTT-3.1.2-23]
    await this.#session.close(reasonCode, properties)
  }

  [asyncDispose](): Promise<void> { return this.close() }

  #connected(clientId: string, connack: types.Connack): void {
    this.#clientId = clientId
    this.#connack = connack
    this.#log.connected(clientId)
    this.#events.emit('connect', connack)
  }

  #packet(traced: TracedPacket): void {
    const packet = tracedHeader(traced)
    this.#log.packet(packet)
    this.#events.emit('packet', packet)
  }

  #message(message: Message, subscriptions: readonly number[]): void {
    for (const id of subscriptions) this.#subscriptions.get(id)?.deliver(message)
    this.#events.emit('message', message)
  }

  #changed(state: types.ClientState, error: IotError | undefined): void {
    if (this.#state === 'closed') return
    const opened = this.#state !== 'connecting' || state === 'connected'
    this.#state = state
    if (!opened) { // connect() tells of it
      this.#release()
      return
    }
    this.#log.state(state, error)
    this.#events.emit('state', state, error)
    if (state === 'reconnecting') this.#events.emit('offline', error)
    if (state !== 'closed') return
    this.#release()
    for (const s of this.#subscriptions.values()) s.end()
    this.#subscriptions.clear()
    this.#events.emit('close', error)
  }

  /** Tells of an attempt to come, once its reason is explained. */
  #retrying(attempt: number, delay: number, error: IotError | undefined): void {
    if (attempt > 1 && error) {
      void this.#session.explained(error).then(explained => this.#failed(explained))
    }
    this.#log.retry(attempt, delay)
    this.#events.emit('reconnect', { attempt, delay, ...(error && { error }) })
  }

  #failed(error: IotError): void {
    this.#log.failed(error)
    this.#events.emit('error', error)
  }

  /** Lets go of the program's side of this client. */
  #release(): void {
    this.#state = 'closed'
    this.#session.release()
  }

  #mustBeOpen(): void {
    if (this.#state === 'closed') throw closed()
  }
}

function readFilters(filter: unknown): string[] {
  if (!Array.isArray(filter)) return [check.topicFilter(filter, 'filter')]
  if (filter.length === 0 || filter.length > 0xffff) throw invalid('filter', 'be a topic filter, or an array of 1 to 65535 of them')
  return filter.map((f, i) => check.topicFilter(f, `filter[${i}]`))
}
