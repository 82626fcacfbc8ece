/**
 * The client of mqtt.js over one session of the program: its calls and events.
 * What is queued, in flight, subscribed and tried again is the session's.
 *
 * The fields are plain ones, see emitter.ts.
 */
import { guarded, type IotError } from '../errors'
import { TraceDetail } from '../kinds'
import type { TracedPacket } from '../packet'
import type { Session, SessionEvents } from '../session'
import type { Connack, ServerDisconnect } from '../types'
import { Acknowledgements } from './acknowledgements'
import { EventEmitter } from './emitter'
import { ErrorWithReasonCode } from './errors'
import { linkFailure } from './failure'
import { DefaultMessageIdProvider } from './message-ids'
import { Opening } from './opening'
import { fillDefaults } from './options'
import { connackPacket, connectPacket, disconnectPacket, tracedPacket } from './packets'
import { Publisher } from './publisher'
import { Requests } from './requests'
import { Store } from './store'
import { readSubscribe } from './subscribe-arguments'
import { Subscriber } from './subscriber'
import { validateTopics } from './topics'
import type * as types from './types'
import { MQTTJS_VERSION } from './version'

type Callback = ((error: Error, ...more: never[]) => unknown) | undefined

export class MqttClient extends EventEmitter<types.MqttClientEventCallbacks> {
  static VERSION = MQTTJS_VERSION
  static defaultId(): string { return `mqttjs_${Math.random().toString(16).slice(2, 10)}` }

  connected = false
  disconnecting = false
  disconnected!: boolean
  reconnecting = false
  options: types.IClientOptions
  queueQoSZero: boolean
  incomingStore: types.IStore
  outgoingStore: types.IStore
  messageIdProvider: types.IMessageIdProvider
  log: (...args: unknown[]) => void
  /** The protocol version that the page was written for. */
  private readonly _version: number
  private readonly _opening: Opening
  private readonly _requests: Requests
  private readonly _publisher: Publisher
  private readonly _subscriber: Subscriber
  private readonly _acknowledgements: Acknowledgements
  private _handleMessage: types.MqttClient['handleMessage'] | undefined
  private _tracing: TraceDetail = TraceDetail.off
  /** An attempt is under way. */
  private _attempting = false
  /** `reconnect` was told for the attempt to come. */
  private _announced = true
  private _warned = false
  private _ending = false
  /** The `connect` event, until what the link flushed was told. */
  private _connecting: types.IConnackPacket | undefined
  private _retryLoad: ReturnType<typeof setTimeout> | undefined
  /** Ends, once nothing is in flight or can be answered any more. */
  private _drained: (() => void) | undefined
  /** Until `handshakeError` was told of the last attempt. */
  _explaining: Promise<void> | undefined
  private _deferredReconnect: (() => void) | undefined

  /** `dial` gives the URL of an attempt. */
  constructor({ options, dial }: { options: types.IClientOptions, dial: (attempt: number) => string }) {
    super()
    const asked = options.protocolId === 'MQIsdp' ? 3 : options.protocolVersion
    this._version = asked ?? 4
    fillDefaults(options)
    options.protocolVersion = 5
    options.clientId ??= MqttClient.defaultId()
    this.options = options
    this.log = options.log ?? (() => undefined)
    this.messageIdProvider = options.messageIdProvider ?? new DefaultMessageIdProvider()
    this.outgoingStore = options.outgoingStore ?? new Store()
    this.incomingStore = options.incomingStore ?? new Store()
    this.queueQoSZero = options.queueQoSZero ?? true
    this._opening = new Opening(this, this._version, dial)
    this._requests = new Requests(this.messageIdProvider, () => {
      if (!this.disconnecting || this._ending || this._requests.size > 0) return
      this.emit('outgoingEmpty')
      this._drained?.()
    })
    this._publisher = new Publisher(this, this._opening, this._requests)
    this._subscriber = new Subscriber(this, this._opening, this._requests)
    this._acknowledgements = new Acknowledgements(this, atOnce)
    if (asked !== undefined && asked < 5) warnOfVersion(asked)
    this.on('error', () => undefined) // pages count on it
    if (!options.manualConnect) this.connect()
  }

  /** Vue is to leave it as it is: through proxies, what is compared inside would not be the same. */
  get __v_skip(): true { return true }

  get serverProperties(): types.IConnackPacket['properties'] {
    const { connack } = this._opening
    return connack && connackPacket(connack).properties
  }

  get keepalive(): number {
    const { keepalive } = this.options
    return (keepalive && this._opening.connack?.properties.serverKeepAlive) || keepalive!
  }

  get queue(): types.MqttClient['queue'] {
    return this.connected ? [] : [...this._publisher.waiting, ...this._requests.all.filter(p => p.cmd !== 'publish')]
  }

  get outgoing(): types.MqttClient['outgoing'] {
    return Object.fromEntries(this._requests.all.map(({ id, cmd, cb }) => [id, { volatile: cmd !== 'publish', cmd, cb }]))
  }

  /** An accessor, since a page that sets it is to be asked from then on. A class may have a method of this name instead. */
  get handleMessage(): types.MqttClient['handleMessage'] { return this._handleMessage ?? atOnce }
  set handleMessage(handler) {
    this._handleMessage = handler
    this._opening.session?.manualAcks(this._acknowledgements.manual)
  }

  getLastMessageId(): number | null { return this.messageIdProvider.getLastAllocated() }

  connect(): this {
    if (this.disconnected) this.disconnecting = this.disconnected = false
    clearTimeout(this._retryLoad)
    this._attempting = true
    if (this._opening.session) this._opening.session.redial()
    else void this._opening.open(this._heard, n => { this._attempt(n) }, session => this._begun(session), e => { this._notOpened(e) })
    return this
  }

  reconnect(opts?: types.IClientReconnectOptions): this {
    const again = (): void => {
      this._deferredReconnect = undefined
      this.options.incomingStore = opts?.incomingStore!
      this.options.outgoingStore = opts?.outgoingStore!
      this.incomingStore = opts?.incomingStore ?? new Store()
      this.outgoingStore = opts?.outgoingStore ?? new Store()
      this.disconnecting = this.disconnected = false
      this._announced = true
      this.emit('reconnect')
      if (this.connected) this.end(() => { this.connect() })
      else this.connect()
    }
    if (this.disconnecting && !this.disconnected) this._deferredReconnect = again
    else again()
    return this
  }

  publish(topic: string, message: string | Uint8Array, opts?: types.IClientPublishOptions | types.PacketCallback | null, callback?: types.PacketCallback): this {
    if (typeof opts === 'function') [callback, opts] = [opts, null]
    this.log('publish', topic)
    if (this._refusesCalls(callback)) return this
    try {
      this._publisher.publish(topic, message, opts ?? {}, callback ?? (() => undefined))
    } catch (e) {
      this._failed(e as Error, callback)
    }
    return this
  }

  publishAsync(topic: string, message: string | Uint8Array, opts?: types.IClientPublishOptions): Promise<types.Packet | undefined> {
    return new Promise((resolve, reject) => {
      this.publish(topic, message, opts, (error, packet) => { error ? reject(error) : resolve(packet) })
    })
  }

  subscribe(topics: string | string[] | types.ISubscriptionMap, opts?: types.IClientSubscribeOptions | types.IClientSubscribeProperties | types.ClientSubscribeCallback, callback?: types.ClientSubscribeCallback): this {
    if (typeof opts === 'function') [callback, opts] = [opts, undefined]
    this.log('subscribe', topics)
    const asked = readSubscribe(topics, opts), cb = callback ?? (() => undefined)
    if (typeof asked === 'string') setTimeout(() => { cb(new Error(`Invalid topic ${asked}`)) })
    else if (!this._refusesCalls(callback)) this._subscriber.subscribe(asked, cb)
    return this
  }

  subscribeAsync(topics: string | string[] | types.ISubscriptionMap, opts?: types.IClientSubscribeOptions | types.IClientSubscribeProperties): Promise<types.ISubscriptionGrant[]> {
    return new Promise((resolve, reject) => {
      this.subscribe(topics, opts, (error, granted) => { error ? reject(error) : resolve(granted!) })
    })
  }

  unsubscribe(topic: string | string[], opts?: types.IClientUnsubscribeProperties | types.PacketCallback, callback?: types.PacketCallback): this {
    if (typeof opts === 'function') [callback, opts] = [opts, undefined]
    this.log('unsubscribe', topic)
    const filters = [topic].flat(), bad = validateTopics(filters), cb = callback ?? (() => undefined)
    if (bad !== null) setTimeout(() => { cb(new Error(`Invalid topic ${bad}`)) })
    else if (!this._refusesCalls(callback)) this._subscriber.unsubscribe(filters, opts, cb)
    return this
  }

  unsubscribeAsync(topic: string | string[], opts?: types.IClientUnsubscribeProperties): Promise<types.Packet | undefined> {
    return new Promise((resolve, reject) => {
      this.unsubscribe(topic, opts, (error, packet) => { error ? reject(error) : resolve(packet) })
    })
  }

  end(...args: unknown[]): this {
    const force = args[0] === true, rest = typeof args[0] === 'boolean' || args[0] == null ? args.slice(1) : args
    const opts = (typeof rest[0] === 'object' && rest[0] || {}) as Partial<types.IDisconnectPacket>
    const cb = guarded(rest.find(a => typeof a === 'function') as types.DoneCallback | undefined)
    if (this.disconnecting) {
      cb()
      return this
    }
    this.log('end', force)
    this.disconnecting = true
    clearTimeout(this._retryLoad)
    const finish = (): void => { void this._finish(force, opts, cb) }
    if (!force && this.connected && this._requests.size > 0) {
      this._drained = () => {
        this._drained = undefined
        setTimeout(finish, 10)
      }
    } else finish()
    return this
  }

  endAsync(...args: unknown[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.end(...args, (error?: Error) => { error ? reject(error) : resolve() })
    })
  }

  removeOutgoingMessage(messageId: number): this {
    const pending = this._requests.get(messageId)
    if (pending) this._publisher.remove(pending)
    return this
  }

  protected override _listenersChanged(): void {
    const all = this.listenerCount('packetsend') + this.listenerCount('packetreceive') > 0
    const detail = all ? TraceDetail.whole : this.options?.incomingStore ? TraceDetail.headers : TraceDetail.off
    if (detail === this._tracing) return
    this._tracing = detail
    this._opening.session?.trace(detail)
  }

  /** Sets a new session up, before any call of the page gets to it. */
  private _begun(session: Session): Promise<void> | void {
    if (this._tracing !== TraceDetail.off) session.trace(this._tracing)
    if (this._acknowledgements.manual) session.manualAcks(true)
    this._subscriber.resubscribe(session)
    if (this.options.outgoingStore) return this._publisher.replay(session)
  }

  /** The module could not be loaded, or crashed: that is tried again too. */
  private _notOpened(error: Error): void {
    this._opening.forget(true)
    this.emit('error', error)
    const { reconnectPeriod } = this.options, again = reconnectPeriod! > 0 && !this.disconnecting && (error as Partial<IotError>).retryable !== false
    this._attempting = false
    this._offline(again)
    this._closed()
    clearTimeout(this._retryLoad)
    if (again) this._retryLoad = setTimeout(() => { this.reconnect(this.options as types.IClientReconnectOptions) }, reconnectPeriod)
  }

  private async _finish(force: boolean, opts: Partial<types.IDisconnectPacket>, cb: types.DoneCallback): Promise<void> {
    this._ending = true
    await this._opening.session?.close(opts.reasonCode ?? 0, opts.properties, force)
    const over = new Error('Connection closed')
    this._requests.fail(over)
    this._publisher.fail(over)
    this._opening.forget()
    if (this.connected || this._attempting) {
      this._attempting = false
      this._closed()
    }
    await undefined
    this._ending = false
    this.disconnected = true
    const error = await closeStores(this.incomingStore, this.outgoingStore)
    this.emit('end')
    cb(error)
    if (this._deferredReconnect) this._deferredReconnect()
    else if (this.options.reconnectPeriod === 0 || this.options.manualConnect) this.disconnecting = false
  }

  private _attempt(n: number): void {
    if (n > 0 && !this._announced) this.emit('reconnect')
    this._announced = false
    this._attempting = true
  }

  private get _heard(): SessionEvents {
    return {
      linked: (_, connack) => { this._linked(connack) },
      retry: (_, delay, error) => { this._lost(error, delay >= 0) },
      changed: (state, error) => { if (state === 'closed' && error) this._notOpened(error) },
      message: (message, _, id) => {
        this._tellConnect()
        this._acknowledgements.take(message, id)
      },
      packet: packet => { this._traced(packet) },
      serverDisconnect: packet => { this._disconnected(packet) },
      fault: error => {
        this.log(error.message)
        if (error.field === 'filter') this.emit('error', error)
      },
    }
  }

  private _linked(connack: Connack): void {
    const packet = connackPacket(connack)
    if (this._version < 5) packet.returnCode = connack.reasonCode
    this.log('connected', connack.sessionPresent ? 'to the session that was' : 'to a new session')
    this._opening.connack = connack
    this._publisher.linked()
    this._acknowledgements.linked()
    this._attempting = this._warned = false
    this.emit('packetreceive', packet)
    this.connected = true
    this.reconnecting = false
    this._connecting = packet
    queueMicrotask(() => { this._tellConnect() }) // after what the link flushed, which is in the same batch
  }

  private _tellConnect(): void {
    const packet = this._connecting
    this._connecting = undefined
    if (packet && this.connected) this.emit('connect', packet)
  }

  private _lost(cause: IotError | undefined, again: boolean): void {
    const error = cause && this._opening.session!.noted(cause)
    this._tellConnect()
    this.log(error ? error.message : 'the link is replaced')
    this._attempting = false
    const failure = error && linkFailure(error), refused = failure instanceof ErrorWithReasonCode
    // mqtt.js tells of what it finds out itself while the link still stands.
    if (!failure || refused) this.connected = false
    if (!refused) this._offline(again)
    if (error?.code === 'handshake-failed') this._explaining = this._explain(error)
    if (failure) this.emit('error', failure)
    if (refused) this._offline(again)
    this._closed()
    if (error) this._drained?.()
  }

  /** Tells, once in an outage, that the link is to be replaced. */
  private _offline(again: boolean): void {
    if (!again || this.reconnecting || this.disconnecting) return
    this.emit('offline')
    this.reconnecting = true
  }

  private _closed(): void {
    this.connected = false
    this._opening.connack = undefined
    this.emit('close')
  }

  /** Tells why a WebSocket may have been refused; where nobody listens on the console, once in an outage. */
  private async _explain(error: IotError): Promise<void> {
    const explained = await this._opening.session!.explained(error)
    if (this.emit('handshakeError', explained) || this._warned) return
    this._warned = true
    console.warn(`iotwasm: ${explained.message}. ${explained.hint ?? ''}`)
  }

  private _traced(traced: TracedPacket): void {
    const { direction, type, id, topic } = traced
    if (direction === 'received') {
      if (type !== 'CONNACK') this._tellConnect()
      if (type === 'PUBREL' && this.options.incomingStore) this.incomingStore.del({ messageId: id! }, () => undefined)
    }
    if (this._tracing !== TraceDetail.whole) return
    const packet = tracedPacket(traced, {
      connect: () => connectPacket(this.options),
      published: () => this._publisher.sent(id, topic!),
      subscription: filter => this._subscriber.subscription(filter),
    })
    if (packet) this.emit(direction === 'sent' ? 'packetsend' : 'packetreceive', packet)
  }

  private _disconnected(disconnect: ServerDisconnect): void {
    this._tellConnect()
    const packet = disconnectPacket(disconnect)
    this.emit('packetreceive', packet)
    this.emit('disconnect', packet)
  }

  private _refusesCalls(callback: Callback): boolean {
    if (this.disconnecting) this._failed(new Error('client disconnecting'), callback)
    return this.disconnecting
  }

  private _failed(error: Error, callback: Callback): void {
    if (callback) callback(error)
    else this.emit('error', error)
  }
}

const atOnce: types.MqttClient['handleMessage'] = (_, callback) => { callback() }

async function closeStores(...stores: types.IStore[]): Promise<Error | undefined> {
  let first: Error | undefined
  for (const store of stores) {
    const error = await new Promise<Error | undefined>(resolve => { store.close(resolve) }).catch((e: Error) => e)
    first ??= error ?? undefined
  }
  return first
}

let warned = false

/** Says once what becomes of an older protocol. */
function warnOfVersion(version: number): void {
  if (!warned) console.warn(`iotwasm: protocolVersion ${version} was asked for; iotwasm speaks MQTT 5 only and connects with that.`)
  warned = true
}
