/** A client: one MQTT 5 session of the page. */
import * as check from './arguments'
import { connectOptions, target, writeConnect, writePresign, type Checked } from './connect-options'
import { DelayedRun, readSteps } from './delayed-run'
import { explain } from './diagnose'
import { Emitter } from './emitter'
import { Engine, engineFor, toIotError, type Receiver } from './engine'
import { aborted, closed, invalid, IotError } from './errors'
import { readMessage } from './message'
import { Subscription } from './subscription'
import type * as types from './types'
import { Command, Event, type Outgoing, type Reader } from './wire'

const states: readonly types.ClientState[] = ['connecting', 'connected', 'reconnecting', 'closed']

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
  readonly #events = new Emitter<types.ClientEvents>()
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #runs = new Set<DelayedRun>()
  #state: types.ClientState = 'connecting'
  #clientId: string
  #connack: types.Connack = { sessionPresent: false, reasonCode: 0, properties: {} }
  #cause: unknown // of what the page's functions threw
  #clockOffset = 0

  private constructor(engine: Engine, options: Checked) {
    this.#engine = engine
    this.#options = options
    this.#id = engine.newId()
    this.#clientId = options.clientId
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
    if (signal?.aborted) throw aborted(signal)
    signal?.addEventListener('abort', abort)
    try {
      await engine.call(Command.connect, op, w => {
        w.u32(client.#id).u32(op)
        writeConnect(w, options)
      }, r => {
        client.#clientId = r.text()
        client.#connack = r.connack()
        client.#state = 'connected'
      })
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

  on<E extends keyof types.ClientEvents>(event: E, handler: types.ClientEvents[E]): () => void {
    if (!['state', 'message', 'disconnect', 'close', 'error'].includes(event)) throw invalid('event', 'be state, message, disconnect, close or error')
    if (typeof handler !== 'function') throw invalid('handler', 'be a function')
    return this.#events.on(event, handler)
  }

  async subscribe(filter: string | readonly string[], ...rest: unknown[]): Promise<types.Subscription> {
    const [given, handler] = typeof rest[0] === 'function' ? [undefined, rest[0]] : rest
    const filters = readFilters(filter)
    const { signal, userProperties, ...options } = check.subscribeOptions(given)
    if (handler !== undefined && typeof handler !== 'function') throw invalid('handler', 'be a function')
    this.#mustBeOpen()
    const id = this.#engine.newId()
    const subscription = new Subscription(filters, handler as types.MessageHandler | undefined, () => this.#unsubscribe(id))
    this.#subscriptions.set(id, subscription)
    try {
      const codes = await this.#call(Command.subscribe, signal, (w, op) => {
        w.u32(this.#id).u32(op).u32(id).u16(filters.length)
        for (const f of filters) w.data(f).u8(options.qos).bool(options.noLocal).bool(options.retainAsPublished).u8(options.retainHandling)
        w.properties(userProperties && { userProperties })
      }, r => r.bytes())
      this.#granted(subscription, codes)
      return subscription
    } catch (e) {
      this.#subscriptions.delete(id)
      subscription.end()
      throw e
    }
  }

  /** One refused filter of several is an `error` event; if all are, the call fails. */
  #granted(subscription: Subscription, codes: Uint8Array): void {
    const refused: IotError[] = []
    subscription.granted = subscription.filters.map((filter, i) => {
      const reasonCode = codes[i] ?? 0x80
      if (reasonCode < 0x80) return { filter, reasonCode, qos: reasonCode as types.QoS }
      refused.push(new IotError('subscribe-refused', `the server refused to subscribe to ${filter}: reason code 0x${reasonCode.toString(16).toUpperCase()}`, {
        reasonCode,
        retryable: reasonCode === 0x80 || reasonCode === 0x83 || reasonCode === 0x97,
        hint: reasonCode === 0x87 ? "Check that the credentials' policy allows iot:Subscribe on this topic filter." : undefined,
      }))
      return { filter, reasonCode }
    })
    if (refused.length === subscription.filters.length) throw refused[0]!
    for (const e of refused) this.#events.emit('error', e)
  }

  async #unsubscribe(id: number): Promise<void> {
    if (!this.#subscriptions.delete(id) || this.#state === 'closed') return
    await this.#call(Command.unsubscribe, undefined, (w, op) => w.u32(this.#id).u32(op).u32(id), () => undefined)
  }

  async publish(topic: string, payload: types.Payload, options: types.PublishOptions = {}): Promise<types.PublishResult> {
    check.object(options, 'options', ['qos', 'retain', 'properties', 'signal'])
    const message: Outgoing = check.message(topic, payload, options)
    const signal = check.signal(options.signal, 'signal')
    this.#mustBeOpen()
    return this.#call(Command.publish, signal, (w, op) => w.u32(this.#id).u32(op).outgoing(message), readPublished)
  }

  publishDelayed(first: string | readonly types.DelayedStepOptions[], ...rest: unknown[]): types.DelayedRun {
    const { steps, signal } = readSteps(first, rest)
    this.#mustBeOpen()
    const id = this.#engine.newId()
    const run = new DelayedRun(id, steps, step => this.#engine.send(Command.cancelDelay, w => w.u32(this.#id).u32(id).u32(step)))
    this.#engine.runs.set(id, run)
    this.#runs.add(run)
    void run.done.then(() => {
      this.#engine.runs.delete(id)
      this.#runs.delete(run)
    })
    this.#engine.send(Command.delay, w => {
      w.u32(this.#id).u32(id).u32(steps.length)
      for (const s of steps) w.f64(s.plannedAt).outgoing(s.message)
    })
    if (signal?.aborted) run.cancel()
    else signal?.addEventListener('abort', () => run.cancel(), { once: true })
    return run
  }

  async close(options: types.CloseOptions = {}): Promise<void> {
    check.object<types.CloseOptions>(options, 'options', ['reasonCode', 'properties'])
    const reasonCode = check.optional(options.reasonCode, 'reasonCode', check.integer(0, 255)) ?? 0
    if (options.properties !== undefined) {
      check.object<NonNullable<types.CloseOptions['properties']>>(options.properties, 'properties', ['reasonString', 'userProperties', 'sessionExpiryInterval'])
      check.optional(options.properties.reasonString, 'properties.reasonString', check.text)
      check.optional(options.properties.userProperties, 'properties.userProperties', check.userProperties)
      check.optional(options.properties.sessionExpiryInterval, 'properties.sessionExpiryInterval', check.u32)
    }
    if (this.#state === 'closed') return
    await this.#call(Command.close, undefined, (w, op) => w.u32(this.#id).u32(op).u8(reasonCode).properties(options.properties), () => undefined)
      .catch(() => undefined) // a crash closes as well
  }

  receive(kind: number, r: Reader): void {
    switch (kind) {
      case Event.message: return this.#message(r)
      case Event.targetRequest: void this.#answer(r.u32()); return
      case Event.state: {
        const state = states[r.u8()]!
        return this.#changed(state, r.bool() ? toIotError(r.error()) : undefined)
      }
      case Event.serverDisconnect:
        return this.#events.emit('disconnect', { reasonCode: r.u8(), properties: r.properties() })
      case Event.fault: return this.#events.emit('error', toIotError(r.error()))
    }
  }

  crashed(error: IotError): void {
    this.#changed('closed', error)
  }

  #message(r: Reader): void {
    const ids: number[] = []
    for (let n = r.u16(); n > 0; n--) ids.push(r.u32())
    const message = readMessage(r)
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
    this.#events.emit('state', state, error)
    if (state !== 'closed') return
    this.#release()
    for (const s of this.#subscriptions.values()) s.end()
    this.#subscriptions.clear()
    this.#events.emit('close', error)
  }

  /** Lets go of the program's side of this client. */
  #release(): void {
    this.#state = 'closed'
    if (this.#engine.clients.delete(this.#id)) {
      this.#engine.send(Command.close, w => w.u32(this.#id).u32(0).u8(0).properties(undefined))
    }
  }

  async #answer(request: number): Promise<void> {
    try {
      const t = await target(this.#options)
      this.#clockOffset = t.clockOffset
      this.#engine.send(Command.target, w => {
        w.u32(this.#id).u32(request).data(t.url)
        const { endpoint, region } = this.#options
        writePresign(w, 0, { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) }, t.credentials)
        w.f64(t.clockOffset)
      })
    } catch (e) {
      const error = e instanceof IotError ? e : new IotError('internal', 'unexpected failure before dialling')
      this.#cause = error.cause
      this.#engine.send(Command.targetFailed, w => w.u32(this.#id).u32(request).error({
        code: error.code, message: error.message, field: error.field ?? '', hint: error.hint ?? '', retryable: error.retryable, reasonCode: undefined,
      }))
    }
  }

  async #explained(error: IotError): Promise<IotError> {
    if (error.code === 'credentials-failed' && this.#cause !== undefined) {
      return new IotError(error.code, error.message, { ...error, cause: this.#cause })
    }
    return explain(error, this.#clockOffset)
  }

  #mustBeOpen(): void {
    if (this.#state === 'closed') throw closed()
  }

  /** An operation that its signal may end. */
  #call<T>(kind: number, signal: AbortSignal | undefined, body: (w: import('./wire').Writer, op: number) => void, read: (r: Reader) => T): Promise<T> {
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

