/** A client: one MQTT 5 session of the page. */
import * as check from './arguments'
import { connectOptions, target, writeConnect, writePresign, type Checked } from './connect-options'
import { forgetCredentials } from './credentials'
import { DelayedRuns } from './delayed/runs'
import { explain, type Dial } from './diagnose'
import { Emitter } from './emitter'
import { Engine, engineFor, toIotError, type Receiver } from './engine'
import { aborted, closed, invalid, IotError } from './errors'
import { checkFilters, checkMessage } from './limits'
import { Log } from './log'
import { readMessage, type Message } from './message'
import { negotiated } from './negotiated'
import { readPacket } from './packet'
import { watchPage } from './page-life'
import { request } from './request'
import { openShadow } from './shadow'
import { readStats, type Totals } from './stats'
import { Subscription } from './subscription'
import type * as types from './types'
import { Command, Event, Wake, type Outgoing, type Reader, type Writer } from './wire'

const states: readonly types.ClientState[] = ['connecting', 'connected', 'reconnecting', 'closed']
const events: readonly (keyof types.ClientEvents)[] = ['state', 'connect', 'reconnect', 'offline', 'message', 'packet', 'disconnect', 'close', 'error']

/** See types.ts. */
export async function connect(options: types.ConnectOptions): Promise<types.Client> {
  const checked = connectOptions(options)
  if (checked.signal?.aborted) throw aborted(checked.signal)
  const engine = await engineFor(checked)
  return Client.open(engine, checked)
}

export class Client implements types.Client, Receiver {
  readonly #engine: Engine
  readonly #options: Checked
  readonly #id: number
  readonly #log: Log
  readonly #events = new Emitter<types.ClientEvents>()
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #delayed: DelayedRuns
  readonly #unwatchPage: () => void
  #state: types.ClientState = 'connecting'
  #clientId: string
  #connack: types.Connack = { sessionPresent: false, reasonCode: 0, properties: {} }
  #cause: unknown // of what the page's functions threw
  #dial: Dial = { at: 0, clockOffset: 0, linkedBefore: false, temporary: false }
  #tracing = false
  #linked = false // at least once
  #totals: Totals | undefined

  private constructor(engine: Engine, options: Checked) {
    this.#engine = engine
    this.#options = options
    this.#id = engine.newId()
    this.#clientId = options.clientId
    this.#log = new Log(options)
    this.#delayed = new DelayedRuns(engine, this, this.#id, options.bounds, error => this.#failed(error))
    this.#unwatchPage = options.back
      ? watchPage(reason => this.#engine.send(Command.wake, w => w.u32(this.#id).u8(Wake[reason])))
      : () => undefined
  }

  static async open(engine: Engine, options: Checked): Promise<Client> {
    const client = new Client(engine, options)
    const { signal } = options
    engine.clients.set(client.#id, client)
    const op = engine.newId()
    const abort = (): void => {
      engine.abandon(client.#id, op, aborted(signal!))
      client.#release()
    }
    try {
      if (signal?.aborted) {
        client.#release()
        throw aborted(signal)
      }
      signal?.addEventListener('abort', abort)
      const connected = engine.call(Command.connect, op, w => {
        w.u32(client.#id).u32(op)
        writeConnect(w, options)
      }, () => undefined) // its facts come with Event.linked before
      client.#trace()
      await connected
      return client
    } catch (e) {
      throw await client.#explained(e as IotError)
    } finally {
      signal?.removeEventListener('abort', abort)
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
    this.#engine.send(Command.trace, w => w.u32(this.#id).bool(on))
  }

  async subscribe(filter: string | readonly string[], ...rest: unknown[]): Promise<types.Subscription> {
    const [given, handler] = typeof rest[0] === 'function' ? [undefined, rest[0]] : rest
    const filters = readFilters(filter)
    const { signal, ...options } = check.subscribeOptions(given)
    if (handler !== undefined && typeof handler !== 'function') throw invalid('handler', 'be a function')
    this.#mustBeOpen()
    checkFilters(filters, options.properties, () => this.#filters(), this.#options.bounds, this.negotiated)
    const id = this.#engine.newId()
    const subscription = new Subscription(filters, handler as types.MessageHandler | undefined, options, leaving => this.#unsubscribe(id, leaving))
    this.#subscriptions.set(id, subscription)
    try {
      await this.#call(Command.subscribe, signal, (w, op) => {
        w.u32(this.#id).u32(op).u32(id).u32(options.timeout).bool(options.manualAck).u16(filters.length)
        const qos = Math.min(options.qos, this.negotiated.maximumQoS) // AWS IoT Core ends the connection at more
        for (const f of filters) w.data(f).u8(qos).bool(options.noLocal).bool(options.retainAsPublished).u8(options.retainHandling)
        w.properties(options.properties)
      }, r => {
        const codes = r.bytes(), properties = r.properties()
        for (const refused of subscription.answer(codes, properties)) this.#failed(refused)
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
    const { properties, timeout } = check.unsubscribeOptions(options)
    if (!this.#subscriptions.delete(id) || this.#state === 'closed') return
    await this.#call(Command.unsubscribe, undefined, (w, op) => w.u32(this.#id).u32(op).u32(id).u32(timeout).properties(properties), () => undefined)
  }

  async publish(topic: string, payload: types.Payload, options: types.PublishOptions = {}): Promise<types.PublishResult> {
    check.object(options, 'options', ['qos', 'retain', 'properties', 'timeout', 'signal'])
    const message: Outgoing = check.message(topic, payload, options)
    const timeout = check.optional(options.timeout, 'timeout', check.u32) ?? 0
    const signal = check.signal(options.signal, 'signal')
    checkMessage(message, this.#options.bounds)
    this.#mustBeOpen()
    return this.#call(Command.publish, signal, (w, op) => w.u32(this.#id).u32(op).u32(timeout).outgoing(message), readPublished)
  }

  publishDelayed(first: string | readonly types.DelayedStepOptions[], ...rest: unknown[]): types.DelayedRun { return this.#delayed.publish(first, rest) }

  delayed(): readonly types.DelayedRun[] { return this.#delayed.list }

  resumeDelayed(persist: string, options?: Pick<types.DelayedOptions, 'missed' | 'signal'>): Promise<types.DelayedRun | undefined> {
    return this.#delayed.resume(persist, options)
  }

  request(topic: string, payload: types.Payload, options: types.RequestOptions = {}): Promise<types.Message> {
    return request(this, topic, payload, options)
  }

  shadow(thingName: string, shadowName?: string): types.Shadow { return openShadow(this, thingName, shadowName) }

  async renew(): Promise<void> {
    this.#mustBeOpen()
    this.#forgetCredentials()
    await this.#call(Command.renew, undefined, (w, op) => w.u32(this.#id).u32(op), () => undefined)
  }

  async stats(): Promise<types.Stats> {
    this.#mustBeOpen()
    return this.#call(Command.stats, undefined, (w, op) => w.u32(this.#id).u32(op), r => {
      const { stats, totals } = readStats(r, this.#filters().size, this.#totals)
      this.#totals = totals
      return stats
    })
  }

  async close(options: types.CloseOptions = {}): Promise<void> {
    const { reasonCode, properties } = check.closeOptions(options)
    if (this.#state === 'closed') return
    if (this.#options.ownSession) properties.sessionExpiryInterval ??= 0 // nobody comes back for it
    if (this.#options.sessionExpiryInterval === 0) delete properties.sessionExpiryInterval // [MQTT-3.1.2-23]
    await this.#call(Command.close, undefined, (w, op) => w.u32(this.#id).u32(op).u8(reasonCode).properties(properties), () => undefined)
      .catch(() => undefined) // a crash closes as well
  }

  receive(kind: number, r: Reader): void {
    switch (kind) {
      case Event.message: return this.#message(r)
      case Event.targetRequest: void this.#answer(r.u32()); return
      case Event.linked: {
        this.#linked = true
        this.#clientId = r.text()
        this.#connack = r.connack()
        this.#log.connected(this.#clientId)
        this.#events.emit('connect', this.#connack)
        return
      }
      case Event.state: {
        const state = states[r.u8()]!
        return this.#changed(state, r.bool() ? toIotError(r.error()) : undefined)
      }
      case Event.retry: {
        const attempt = r.u32(), delay = r.f64()
        return this.#retrying(attempt, delay, r.bool() ? toIotError(r.error()) : undefined)
      }
      case Event.packet: {
        const packet = readPacket(r)
        this.#log.packet(packet)
        return this.#events.emit('packet', packet)
      }
      case Event.serverDisconnect: {
        const packet = { reasonCode: r.u8(), properties: r.properties() }
        return this.#events.emit('disconnect', packet)
      }
      case Event.fault: return this.#failed(toIotError(r.error()))
    }
  }

  crashed(error: IotError): void { this.#changed('closed', error) }

  #message(r: Reader): void {
    const token = r.u32(), ids: number[] = []
    for (let n = r.u16(); n > 0; n--) ids.push(r.u32())
    const message: Message = readMessage(r, token === 0 ? undefined : reasonCode => {
      this.#engine.send(Command.acknowledge, w => w.u32(this.#id).u32(token).u8(reasonCode))
    })
    for (const id of ids) this.#subscriptions.get(id)?.deliver(message)
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
      void this.#explained(error).then(explained => this.#failed(explained))
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
    this.#unwatchPage()
    if (this.#engine.clients.delete(this.#id)) {
      this.#engine.send(Command.close, w => w.u32(this.#id).u32(0).u8(0).properties(undefined))
    }
  }

  async #answer(requested: number): Promise<void> {
    try {
      const t = await target(this.#options)
      this.#dial = { at: Date.now(), clockOffset: t.clockOffset, linkedBefore: this.#linked, temporary: t.credentials?.sessionToken !== undefined, expiration: t.credentials?.expiration }
      this.#engine.send(Command.target, w => {
        w.u32(this.#id).u32(requested).data(t.url)
        const { endpoint, region } = this.#options
        writePresign(w, 0, { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) }, t.credentials)
        w.f64(t.clockOffset)
      })
    } catch (e) {
      const error = e instanceof IotError ? e : new IotError('internal', 'unexpected failure before dialling')
      this.#cause = error.cause
      this.#engine.send(Command.targetFailed, w => w.u32(this.#id).u32(requested).error({
        code: error.code, message: error.message, field: error.field ?? '', hint: error.hint ?? '', retryable: error.retryable, reasonCode: undefined,
      }))
    }
  }

  /** The error with what the page knows of it. */
  async #explained(error: IotError): Promise<IotError> {
    if (error.code === 'handshake-failed' || error.reasonCode === 0x86 || error.reasonCode === 0x87) this.#forgetCredentials()
    if (error.code === 'credentials-failed' && this.#cause !== undefined) {
      return new IotError(error.code, error.message, { ...error, cause: this.#cause })
    }
    return explain(error, this.#options, this.#dial)
  }

  /** The next attempt asks the page's function anew. */
  #forgetCredentials(): void {
    if (typeof this.#options.credentials === 'function') forgetCredentials(this.#options.credentials)
  }

  #mustBeOpen(): void {
    if (this.#state === 'closed') throw closed()
  }

  /** An operation that its signal may end. */
  #call<T>(kind: number, signal: AbortSignal | undefined, body: (w: Writer, op: number) => void, read: (r: Reader) => T): Promise<T> {
    const op = this.#engine.newId()
    if (!signal) return this.#engine.call(kind, op, w => body(w, op), read)
    if (signal.aborted) return Promise.reject(aborted(signal))
    const abort = (): void => this.#engine.abandon(this.#id, op, aborted(signal))
    signal.addEventListener('abort', abort)
    return this.#engine.call(kind, op, w => body(w, op), read).finally(() => signal.removeEventListener('abort', abort))
  }
}

function readPublished(r: Reader): types.PublishResult {
  const sentAt = r.f64(), reasonCode = r.u8(), { reasonString, userProperties } = r.properties()
  return { sentAt, reasonCode, ...(reasonString !== undefined && { reasonString }), ...(userProperties && { userProperties }) }
}

function readFilters(filter: unknown): string[] {
  if (!Array.isArray(filter)) return [check.topicFilter(filter, 'filter')]
  if (filter.length === 0 || filter.length > 0xffff) throw invalid('filter', 'be a topic filter, or an array of 1 to 65535 of them')
  return filter.map((f, i) => check.topicFilter(f, `filter[${i}]`))
}
