/**
 * One session of the Go program, by its records: it says what to dial, sends what
 * its owner asks for, and hands on what the program tells. The clients that pages
 * see are faces of it.
 */
import { target, writeConnect, writeLogin, writePresign, type Checked, type Target } from './connect-options'
import { forgetCredentials, inTime } from './credentials'
import type { Dial } from './diagnose'
import { toIotError, type Engine, type Receiver } from './engine'
import { aborted, IotError } from './errors'
import { Command, Event, Wake, type TraceDetail } from './kinds'
import { readMessage, type Message } from './message'
import { readPacket, type TracedPacket } from './packet'
import { watchPage } from './page-life'
import * as parts from './parts'
import type * as types from './types'
import type { Outgoing, Properties, Reader, Writer } from './wire'

const states: readonly types.ClientState[] = ['connecting', 'connected', 'reconnecting', 'closed']

/** Hears of what no call asked for. */
export interface SessionEvents {
  /** A received message, the subscriptions that it matches, and its packet identifier or 0. */
  message(message: Message, subscriptions: readonly number[], packetId: number): void
  linked(clientId: string, connack: types.Connack): void
  changed(state: types.ClientState, error: IotError | undefined): void
  /** The next attempt begins after `delay` ms, or with a negative one when `redial` is called. */
  retry(attempt: number, delay: number, error: IotError | undefined): void
  packet(packet: TracedPacket): void
  serverDisconnect(packet: types.ServerDisconnect): void
  fault(error: IotError): void
}

/** One topic filter of a SUBSCRIBE. */
export interface Filter {
  filter: string
  qos: number
  noLocal: boolean
  retainAsPublished: boolean
  retainHandling: number
}

interface Request {
  timeout: number
  properties?: Properties | undefined
  signal?: AbortSignal | undefined
  /** Packet identifier, where it is free. */
  packetId?: number
}

export class Session implements Receiver {
  readonly id: number
  readonly #engine: Engine
  readonly #options: Checked
  readonly #events: SessionEvents
  readonly #target: (o: Checked) => Promise<Target>
  readonly #unwatchPage: () => void
  #cause: unknown // of what the page's functions threw
  #dial: Dial = { at: 0, clockOffset: 0, linkedBefore: false, temporary: false }
  #linked = false // at least once

  /** `where` says what to dial, at each attempt. */
  constructor(engine: Engine, options: Checked, events: SessionEvents, where = target) {
    this.#engine = engine
    this.#options = options
    this.#events = events
    this.#target = where
    this.id = engine.newId()
    this.#unwatchPage = options.back
      ? watchPage(reason => this.#wake(reason))
      : () => undefined
    engine.clients.set(this.id, this)
  }

  /** Makes the first link. Rejects with what is known of the failure. */
  async connect(signal?: AbortSignal): Promise<void> {
    try {
      await this.#call(Command.connect, signal, (w, op) => {
        w.u32(this.id).u32(op)
        writeConnect(w, this.#options)
      }, () => undefined) // its facts come with Event.linked before
    } catch (e) {
      throw await this.explained(e as IotError)
    }
  }

  /** Ends it without a word to the server. */
  release(): void {
    this.#unwatchPage()
    if (this.#engine.clients.delete(this.id)) this.#send(Command.close, w => w.u32(0).bool(false).u8(0).properties(undefined))
  }

  close(reasonCode: number, properties: Properties | undefined, abrupt = false): Promise<void> {
    return this.#call(Command.close, undefined, (w, op) => w.u32(this.id).u32(op).bool(abrupt).u8(reasonCode).properties(properties), () => undefined)
      .catch(() => undefined) // a crash closes as well
  }

  publish(message: Outgoing, timeout = 0, signal?: AbortSignal, packetId = 0): Promise<types.PublishResult> {
    return this.#call(Command.publish, signal, (w, op) => w.u32(this.id).u32(op).u32(timeout).u16(packetId).outgoing(message), readPublished)
  }

  /** Asks for filters; messages that match name the subscription `id`. `read` gets a reason code for each. */
  subscribe<T>(id: number, filters: readonly Filter[], manualAck: boolean, r: Request, read: (reasonCodes: Uint8Array, properties: Properties) => T): Promise<T> {
    return this.#call(Command.subscribe, r.signal, (w, op) => {
      w.u32(this.id).u32(op).u32(id).u32(r.timeout).bool(manualAck).u16(r.packetId ?? 0).u16(filters.length)
      for (const f of filters) w.data(f.filter).u8(f.qos).bool(f.noLocal).bool(f.retainAsPublished).u8(f.retainHandling)
      w.properties(r.properties)
    }, answer => read(answer.bytes(), answer.properties()))
  }

  /** Ends the subscription `id`, or these filters in all of them. */
  unsubscribe<T>(what: number | readonly string[], r: Request, read: (reasonCodes: Uint8Array, properties: Properties) => T): Promise<T> {
    const [id, filters] = typeof what === 'number' ? [what, []] : [0, what]
    return this.#call(Command.unsubscribe, r.signal, (w, op) => {
      w.u32(this.id).u32(op).u32(id).u32(r.timeout).u16(r.packetId ?? 0).u16(filters.length)
      for (const f of filters) w.data(f)
      w.properties(r.properties)
    }, answer => read(answer.bytes(), answer.properties()))
  }

  /** Replaces the link. */
  async renew(signal?: AbortSignal): Promise<void> {
    this.#forgetCredentials()
    await this.#call(Command.renew, signal, (w, op) => w.u32(this.id).u32(op), () => undefined)
  }

  /** Makes an attempt now, where there is no link; else replaces it. */
  redial(): void { this.#wake(Wake.redial) }

  /** Whether every message waits for its `ack`, whatever subscription it is for. */
  manualAcks(on: boolean): void { this.#send(Command.manualAcks, w => w.bool(on)) }

  trace(detail: TraceDetail): void { this.#send(Command.trace, w => w.u8(detail)) }

  stats<T>(read: (r: Reader) => T): Promise<T> {
    return this.#call(Command.stats, undefined, (w, op) => w.u32(this.id).u32(op), read)
  }

  receive(kind: number, r: Reader): void {
    switch (kind) {
      case Event.message: {
        const token = r.u32(), packetId = r.u16(), ids: number[] = []
        for (let n = r.u16(); n > 0; n--) ids.push(r.u32())
        return this.#events.message(readMessage(r, token === 0 ? undefined : reasonCode => {
          this.#send(Command.acknowledge, w => w.u32(token).u8(reasonCode))
        }), ids, packetId)
      }
      case Event.targetRequest: void this.#answer(r.u32()); return
      case Event.linked: {
        this.#linked = true
        return this.#events.linked(r.text(), r.connack())
      }
      case Event.state: return this.#events.changed(states[r.u8()]!, optionalError(r))
      case Event.retry: return this.#events.retry(r.u32(), r.f64(), optionalError(r))
      case Event.packet: return this.#events.packet(readPacket(r))
      case Event.serverDisconnect: return this.#events.serverDisconnect({ reasonCode: r.u8(), properties: r.properties() })
      case Event.fault: return this.#events.fault(toIotError(r.error()))
    }
  }

  crashed(error: IotError): void { this.#events.changed('closed', error) }

  async #answer(requested: number): Promise<void> {
    try {
      const t = await this.#target(this.#options)
      this.#dial = { at: Date.now(), clockOffset: t.clockOffset, linkedBefore: this.#linked, temporary: t.credentials?.sessionToken !== undefined, expiration: t.credentials?.expiration }
      this.#send(Command.target, w => {
        w.u32(requested).data(t.url)
        const { endpoint, region } = this.#options
        writePresign(w, 0, { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) }, t.credentials)
        w.f64(t.clockOffset).bool(t.login !== undefined)
        if (t.login) writeLogin(w, t.login)
      })
    } catch (e) {
      const error = e instanceof IotError ? e : new IotError('internal', 'unexpected failure before dialling')
      this.#cause = error.cause
      this.#send(Command.targetFailed, w => w.u32(requested).error({
        code: error.code, message: error.message, field: error.field ?? '', hint: error.hint ?? '', retryable: error.retryable, reasonCode: undefined,
      }))
    }
  }

  /** The error with what the page knows of it. */
  async explained(given: IotError): Promise<IotError> {
    const error = this.noted(given)
    if (error.code !== 'handshake-failed') return error
    try {
      // Loaded before, but for the face of mqtt.js: and then the network may be what failed.
      const { explain } = await inTime(parts.features(), 'credentials', 5000)
      return await explain(error, this.#options, this.#dial)
    } catch {
      return error
    }
  }

  /** Takes note of why an attempt failed. The error, with what the page's function threw. */
  noted(error: IotError): IotError {
    if (error.code === 'handshake-failed' || error.reasonCode === 0x86 || error.reasonCode === 0x87) this.#forgetCredentials()
    if (error.code !== 'credentials-failed' || this.#cause === undefined) return error
    return new IotError(error.code, error.message, { ...error, cause: this.#cause })
  }

  /** The next attempt asks the page's function anew. */
  #forgetCredentials(): void {
    if (typeof this.#options.credentials === 'function') forgetCredentials(this.#options.credentials)
  }

  #wake(reason: number): void { this.#send(Command.wake, w => w.u8(reason)) }

  /** Sends a record of this session that has no answer. */
  #send(kind: number, body: (w: Writer) => void): void {
    this.#engine.send(kind, w => body(w.u32(this.id)))
  }

  /** An operation that its signal may end. */
  #call<T>(kind: number, signal: AbortSignal | undefined, body: (w: Writer, op: number) => void, read: (r: Reader) => T): Promise<T> {
    const op = this.#engine.newId()
    if (!signal) return this.#engine.call(kind, op, w => body(w, op), read)
    if (signal.aborted) return Promise.reject(aborted(signal))
    const abort = (): void => this.#engine.abandon(this.id, op, aborted(signal))
    signal.addEventListener('abort', abort)
    return this.#engine.call(kind, op, w => body(w, op), read).finally(() => signal.removeEventListener('abort', abort))
  }
}

const optionalError = (r: Reader): IotError | undefined => r.bool() ? toIotError(r.error()) : undefined

function readPublished(r: Reader): types.PublishResult {
  const sentAt = r.f64(), reasonCode = r.u8(), { reasonString, userProperties } = r.properties()
  return { sentAt, reasonCode, ...(reasonString !== undefined && { reasonString }), ...(userProperties && { userProperties }) }
}
