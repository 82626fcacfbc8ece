/**
 * The face of mqtt.js 5.16 over iotwasm's client: a page that was written for
 * mqtt.js keeps its code. This file is published unchanged as `dist/mqtt.d.ts`, so
 * what it says is what a page gets; what mqtt.js documents itself is told briefly.
 *
 * Durations are milliseconds, except where MQTT fixes seconds; the unit stands
 * with each of them.
 */
import type { Authorizer, ConnectOptions, Credentials, IotError, LoadOptions } from '../types'

/**
 * Makes a client and lets it connect; returns it at once.
 *
 * @throws {Error} `Missing protocol`, `Missing clientId for unclean clients`, and
 * for a protocol that no browser speaks.
 */
export declare function connect(brokerUrl: string): MqttClient
export declare function connect(opts: IClientOptions): MqttClient
export declare function connect(brokerUrl: string, opts?: IClientOptions): MqttClient

/** Resolves with the client once it is connected, or ended. Rejects at the first `error`, and without `allowRetries` (default: true) at the first `close`. */
export declare function connectAsync(brokerUrl: string): Promise<MqttClient>
export declare function connectAsync(opts: IClientOptions): Promise<MqttClient>
export declare function connectAsync(brokerUrl: string, opts?: IClientOptions): Promise<MqttClient>
export declare function connectAsync(brokerUrl: string, opts: IClientOptions, allowRetries: boolean): Promise<MqttClient>

/** True where the wildcards of a topic filter stand where they may. */
export declare function validateTopic(topic: string): boolean
/** The first topic filter that is not valid; `empty_topic_list` for no filter; else null. */
export declare function validateTopics(topics: string[]): string | null

/** The version of mqtt.js whose face this is. */
export declare const MQTTJS_VERSION: string

/** Texts of return codes (up to 5) and reason codes. */
export declare const ReasonCodes: Record<number, string>

// Values that mqtt.js has types for.

export type QoS = 0 | 1 | 2
export type UserProperties = Record<string, string | string[]>
export type BaseMqttProtocol = 'wss' | 'ws' | 'mqtt' | 'mqtts' | 'tcp' | 'ssl' | 'wx' | 'wxs' | 'ali' | 'alis'
export type MqttProtocolWithUnix = `${BaseMqttProtocol}+unix`
export type MqttProtocol = BaseMqttProtocol | MqttProtocolWithUnix
export type TimerVariant = 'auto' | 'worker' | 'native'
export type PendingCommand = 'publish' | 'pubrel' | 'subscribe' | 'unsubscribe'

export interface Timer {
  set: (handler: () => void, ms: number) => number
  clear: (id: number) => void
}

/**
 * A received payload. It has what reads a Buffer of Node, so `toString()` gives its
 * text; what writes into a Buffer is not there. A handler may call it `Buffer`.
 */
export interface Payload extends Uint8Array {
  /** Text of the bytes from `start` to `end`, in an encoding of Node's; default: `utf8`. */
  toString(encoding?: string, start?: number, end?: number): string
  toJSON(): { type: 'Buffer', data: number[] }
  equals(other: Uint8Array): boolean
  compare(target: Uint8Array, targetStart?: number, targetEnd?: number, sourceStart?: number, sourceEnd?: number): -1 | 0 | 1
  copy(target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number): number
  /** Shares the memory, as a Buffer's does. */
  slice(start?: number, end?: number): Payload & ReturnType<Uint8Array['slice']>
  subarray(start?: number, end?: number): Payload
  /** Text is looked for as UTF-8. */
  includes(value: string | number | Uint8Array, byteOffset?: number): boolean
  indexOf(value: string | number | Uint8Array, byteOffset?: number): number
  lastIndexOf(value: string | number | Uint8Array, byteOffset?: number): number
  readInt8(offset?: number): number
  readUInt8(offset?: number): number
  readUint8(offset?: number): number
  readInt16LE(offset?: number): number
  readInt16BE(offset?: number): number
  readUInt16LE(offset?: number): number
  readUInt16BE(offset?: number): number
  readUint16LE(offset?: number): number
  readUint16BE(offset?: number): number
  readInt32LE(offset?: number): number
  readInt32BE(offset?: number): number
  readUInt32LE(offset?: number): number
  readUInt32BE(offset?: number): number
  readUint32LE(offset?: number): number
  readUint32BE(offset?: number): number
  readFloatLE(offset?: number): number
  readFloatBE(offset?: number): number
  readDoubleLE(offset?: number): number
  readDoubleBE(offset?: number): number
  readBigInt64LE(offset?: number): bigint
  readBigInt64BE(offset?: number): bigint
  readBigUInt64LE(offset?: number): bigint
  readBigUInt64BE(offset?: number): bigint
  readBigUint64LE(offset?: number): bigint
  readBigUint64BE(offset?: number): bigint
}

// Packets, as mqtt-packet has them.

export type PacketCmd =
  | 'auth' | 'connack' | 'connect' | 'disconnect' | 'pingreq' | 'pingresp' | 'puback' | 'pubcomp' | 'publish'
  | 'pubrel' | 'pubrec' | 'suback' | 'subscribe' | 'unsuback' | 'unsubscribe'

export interface IPacket {
  cmd: PacketCmd
  messageId?: number
  length?: number
}

export interface IAuthPacket extends IPacket {
  cmd: 'auth'
  reasonCode: number
  properties?: {
    authenticationMethod?: string
    authenticationData?: Payload
    reasonString?: string
    userProperties?: UserProperties
  }
}

export interface IConnectPacket extends IPacket {
  cmd: 'connect'
  clientId: string
  protocolVersion?: 4 | 5 | 3
  protocolId?: 'MQTT' | 'MQIsdp'
  clean?: boolean
  /** Seconds. */
  keepalive?: number
  username?: string
  password?: Uint8Array
  will?: {
    topic: string
    payload: Uint8Array | string
    qos?: QoS
    retain?: boolean
    properties?: {
      /** Seconds. */
      willDelayInterval?: number
      payloadFormatIndicator?: boolean
      /** Seconds. */
      messageExpiryInterval?: number
      contentType?: string
      responseTopic?: string
      correlationData?: Uint8Array
      userProperties?: UserProperties
    }
  }
  properties?: {
    /** Seconds. */
    sessionExpiryInterval?: number
    receiveMaximum?: number
    maximumPacketSize?: number
    topicAliasMaximum?: number
    requestResponseInformation?: boolean
    requestProblemInformation?: boolean
    userProperties?: UserProperties
    authenticationMethod?: string
    authenticationData?: Uint8Array
  }
}

export interface IPublishPacket extends IPacket {
  cmd: 'publish'
  qos: QoS
  dup: boolean
  retain: boolean
  topic: string
  /** What the page published is as it gave it; what was received is always a `Payload`. */
  payload: string | Payload
  properties?: {
    payloadFormatIndicator?: boolean
    /** Seconds. */
    messageExpiryInterval?: number
    topicAlias?: number
    responseTopic?: string
    correlationData?: Payload
    userProperties?: UserProperties
    subscriptionIdentifier?: number | number[]
    contentType?: string
  }
}

export interface IConnackPacket extends IPacket {
  cmd: 'connack'
  /** Only MQTT 3.1.1 has it. */
  returnCode?: number
  reasonCode?: number
  sessionPresent: boolean
  properties?: {
    /** Seconds. */
    sessionExpiryInterval?: number
    receiveMaximum?: number
    maximumQoS?: number
    retainAvailable?: boolean
    maximumPacketSize?: number
    assignedClientIdentifier?: string
    topicAliasMaximum?: number
    reasonString?: string
    userProperties?: UserProperties
    wildcardSubscriptionAvailable?: boolean
    subscriptionIdentifiersAvailable?: boolean
    sharedSubscriptionAvailable?: boolean
    /** Seconds. */
    serverKeepAlive?: number
    responseInformation?: string
    serverReference?: string
    authenticationMethod?: string
    authenticationData?: Payload
  }
}

export interface ISubscription {
  topic: string
  qos: QoS
  nl?: boolean
  rap?: boolean
  rh?: number
}

export interface ISubscribePacket extends IPacket {
  cmd: 'subscribe'
  subscriptions: ISubscription[]
  properties?: {
    reasonString?: string
    subscriptionIdentifier?: number
    userProperties?: UserProperties
  }
}

interface IAcknowledgement extends IPacket {
  reasonCode?: number
  properties?: {
    reasonString?: string
    userProperties?: UserProperties
  }
}

export interface ISubackPacket extends IAcknowledgement {
  cmd: 'suback'
  /** A reason code for each topic filter. */
  granted: number[]
}

export interface IUnsubscribePacket extends IPacket {
  cmd: 'unsubscribe'
  properties?: {
    reasonString?: string
    userProperties?: UserProperties
  }
  unsubscriptions: string[]
}

export interface IUnsubackPacket extends IAcknowledgement {
  cmd: 'unsuback'
  /** A reason code for each topic filter. */
  granted: number[]
}

export interface IPubackPacket extends IAcknowledgement { cmd: 'puback' }
export interface IPubcompPacket extends IAcknowledgement { cmd: 'pubcomp' }
export interface IPubrelPacket extends IAcknowledgement { cmd: 'pubrel' }
export interface IPubrecPacket extends IAcknowledgement { cmd: 'pubrec' }
export interface IPingreqPacket extends IPacket { cmd: 'pingreq' }
export interface IPingrespPacket extends IPacket { cmd: 'pingresp' }

export interface IDisconnectPacket extends IPacket {
  cmd: 'disconnect'
  reasonCode?: number
  properties?: {
    /** Seconds. */
    sessionExpiryInterval?: number
    reasonString?: string
    userProperties?: UserProperties
    serverReference?: string
  }
}

export type Packet =
  | IConnectPacket | IPublishPacket | IConnackPacket | ISubscribePacket | ISubackPacket | IUnsubscribePacket
  | IUnsubackPacket | IPubackPacket | IPubcompPacket | IPubrelPacket | IPingreqPacket | IPingrespPacket
  | IDisconnectPacket | IPubrecPacket | IAuthPacket

// Callbacks.

export type VoidCallback = () => void
export type DoneCallback = (error?: Error) => void
export type GenericCallback<T> = (error?: Error, result?: T) => void
export type CloseCallback = (error?: Error) => void
export type StorePutCallback = () => void
export type PacketCallback = (error?: Error | ErrorWithReasonCode, packet?: Packet) => unknown
export type ClientSubscribeCallback = (err: Error | null, granted?: ISubscriptionGrant[], packet?: ISubackPacket) => void
export type OnConnectCallback = (packet: IConnackPacket) => void
export type OnDisconnectCallback = (packet: IDisconnectPacket) => void
/** A method's type, which lets a handler call the payload `Buffer`. */
export type OnMessageCallback = { handler(topic: string, payload: Payload, packet: IPublishPacket): void }['handler']
export type OnPacketCallback = (packet: Packet) => void
export type OnCloseCallback = () => void
export type OnErrorCallback = (error: Error | ErrorWithReasonCode) => void
/** Answers a QoS 1 or 2 message by `cb`, with a reason code. */
export type AckHandler = { handler(topic: string, message: Payload, packet: IPublishPacket, cb: (error: Error | number | null, code?: number) => void): void }['handler']

export interface MqttClientEventCallbacks {
  /** A link stands. */
  connect: OnConnectCallback
  /** A message was received. */
  message: OnMessageCallback
  /** A control packet is sent. */
  packetsend: OnPacketCallback
  /** A control packet was received. */
  packetreceive: OnPacketCallback
  /** The server sent a DISCONNECT. */
  disconnect: OnDisconnectCallback
  /** The CONNECT was refused, not answered in time, or the protocol broken. Without a listener nothing is thrown. */
  error: OnErrorCallback
  /** A link, or an attempt at one, ended. */
  close: OnCloseCallback
  /** `end` is through. */
  end: VoidCallback
  /** An attempt to replace the link begins. */
  reconnect: VoidCallback
  /** The link is gone, and is to be replaced. */
  offline: VoidCallback
  /** While ending: nothing is unacknowledged any more. */
  outgoingEmpty: VoidCallback
  /** Added by iotwasm: the WebSocket was refused, which mqtt.js is silent about; `hint` of the error lists what to check, the most probable first. `offline` and `close` follow as in mqtt.js. */
  handshakeError: (error: IotError) => void
}

// Options.

export interface ISecureClientOptions {
  /** Without effect, but with `cert` it makes `ws` `wss`: a browser has its own keys. */
  key?: string | string[] | Uint8Array | Uint8Array[] | object[]
  /** Without effect. */
  keyPath?: string
  /** See `key`. */
  cert?: string | string[] | Uint8Array | Uint8Array[]
  /** Without effect. */
  certPath?: string
  /** Without effect. */
  ca?: string | string[] | Uint8Array | Uint8Array[]
  /** Without effect. */
  caPaths?: string | string[]
  /** Without effect. */
  rejectUnauthorized?: boolean
  /** Without effect. */
  ALPNProtocols?: string[] | Uint8Array[] | Uint8Array
}

/** Added by iotwasm: how to connect to AWS IoT Core. With it the URL of each attempt is signed anew. */
export interface AwsOptions {
  /** AWS Region. Default: read from the host where it shows. */
  region?: string
  /** Credentials, or a function that gives them; asked again when they are about to expire, and after a failed handshake. Not needed with `authorizer`. */
  credentials?: Credentials | (() => Credentials | Promise<Credentials>)
  /** Custom authorizer, in the place of `credentials`. */
  authorizer?: Authorizer
  /** Added to the clock when signing, in ms, for a device whose clock is wrong; a number or a function that finds it. Default: 0. */
  clockOffset?: ConnectOptions['clockOffset']
}

export interface IClientOptions extends ISecureClientOptions, LoadOptions {
  /** Added by iotwasm: signs for AWS IoT Core. */
  aws?: AwsOptions

  /** Default: `mqttjs_` and random digits. `?clientId=` of the URL wins. */
  clientId?: string
  /** Default: 5. The module speaks MQTT 5 only: 4 and 3 connect with 5, with one warning. */
  protocolVersion?: IConnectPacket['protocolVersion']
  /** Default: `MQTT`. `MQIsdp` is treated as protocol version 3. */
  protocolId?: IConnectPacket['protocolId']
  /** Starts a new session. Default: true. `false` needs a `clientId`. */
  clean?: boolean
  /** Seconds; 0 turns it off. Default: 60. */
  keepalive?: number
  username?: string
  password?: Uint8Array | string
  will?: IConnectPacket['will']
  /** Properties of the CONNECT. */
  properties?: IConnectPacket['properties']

  /** Default: of the URL. */
  protocol?: MqttProtocol
  /** Set by `connect`, for `servers` without one. */
  defaultProtocol?: MqttProtocol
  /** Default: of the URL, else the page's. */
  host?: string
  /** Wins over `host`. */
  hostname?: string
  /** Default: 443 for `wss`, 80 for `ws`. */
  port?: number
  /** Path and query. Default: `/`. */
  path?: string
  /** Of the URL; its `clientId` counts. */
  query?: Record<string, string>
  /** `user:password`. */
  auth?: string
  /** Dialled in turn, one at each attempt. */
  servers?: Array<{
    host: string
    port: number
    protocol?: 'wss' | 'ws' | 'mqtt' | 'mqtts' | 'tcp' | 'ssl' | 'wx' | 'wxs'
  }>
  /** Gives the URL to dial, at each attempt; `url` is the one that would be dialled. What it changes of `options` counts. It may be asynchronous, unlike that of mqtt.js. */
  transformWsUrl?(url: string, options: IClientOptions, client: MqttClient): string | Promise<string>
  /** Makes the WebSocket. Then the module runs on the page's own thread. */
  createWebsocket?(url: string, websocketSubProtocols: string[], options: IClientOptions): unknown

  /** ms between attempts; 0 for none. Default: 1000. */
  reconnectPeriod?: number
  /** Tries again also where the server refused the CONNECT. Default: false. */
  reconnectOnConnackError?: boolean
  /** ms from the start of an attempt to the CONNACK. Default: 30000. */
  connectTimeout?: number
  /** Do not connect before `client.connect()` is called. Default: false. */
  manualConnect?: boolean
  /** Subscribe again where an outage ended the session. Default: true. */
  resubscribe?: boolean
  /** Topic filters in one SUBSCRIBE. Default: 8 for an endpoint of AWS, else no limit. */
  subscribeBatchSize?: number
  /** Keep QoS 0 messages over an outage. Default: true. */
  queueQoSZero?: boolean
  incomingStore?: IStore
  outgoingStore?: IStore
  messageIdProvider?: IMessageIdProvider
  /** Answers QoS 1 and 2 messages. */
  customHandleAcks?: AckHandler
  /** Use topic aliases that the page registered by publishing with one. Default: false. */
  autoUseTopicAlias?: boolean
  /** Replace topic names by topic aliases. Default: false. */
  autoAssignTopicAlias?: boolean
  /** Hears what the client does. */
  log?(...args: unknown[]): void

  /** Without effect: AUTH is not supported. */
  authPacket?: Partial<IAuthPacket>
  /** Without effect: pings are the module's. */
  reschedulePings?: boolean
  /** Without effect: timers are the module's, which in a Worker a hidden page does not slow down. */
  timerVariant?: TimerVariant | Timer
  /** Without effect: the module watches the WebSocket's buffer. */
  browserBufferSize?: number
  /** Without effect: the module watches the WebSocket's buffer. */
  browserBufferTimeout?: number
  /** Without effect. */
  objectMode?: boolean
  /** Without effect: messages are always bytes. */
  binary?: boolean
  /** Without effect. */
  encoding?: string
  /** Without effect. */
  writeCache?: boolean
  /** Without effect: it is of Node. */
  wsOptions?: object
  /** Without effect: it is always the browser's WebSocket. */
  forceNativeWebSocket?: boolean
  /** Without effect: it is of Node. */
  unixSocket?: boolean
  /** Without effect: it is of Node. */
  socksProxy?: string
  /** Without effect: it is of Node. */
  socksTimeout?: number
  /** Without effect: it is of Node. */
  servername?: string
  /** Without effect: it is of Alibaba's mini programs. */
  my?: unknown
}

export interface IClientPublishOptions {
  /** Default: 0. */
  qos?: QoS
  /** Default: false. */
  retain?: boolean
  /** Default: false. */
  dup?: boolean
  properties?: Omit<NonNullable<IPublishPacket['properties']>, 'correlationData'> & { correlationData?: Uint8Array }
  /** Called when the message is kept for sending. */
  cbStorePut?: StorePutCallback
  /** Added by iotwasm: publishes later, in ms from now; kept on time by the module also in a hidden page. */
  delay?: number
  /** Added by iotwasm: publishes at this time. */
  at?: Date
}

export interface IClientReconnectOptions {
  incomingStore?: IStore
  outgoingStore?: IStore
}

export interface IClientSubscribeProperties {
  properties?: ISubscribePacket['properties']
}

export interface IClientSubscribeOptions extends IClientSubscribeProperties {
  qos: QoS
  /** No Local. Default: false. */
  nl?: boolean
  /** Retain As Published. Default: false. */
  rap?: boolean
  /** Retain Handling, 0 to 2. Default: 0. */
  rh?: number
}

export interface ISubscriptionRequest extends IClientSubscribeOptions {
  topic: string
}

export interface ISubscriptionGrant extends Omit<ISubscriptionRequest, 'qos' | 'properties'> {
  qos: QoS | 128
}

export type ISubscriptionMap = { [topic: string]: IClientSubscribeOptions } & { resubscribe?: boolean }

export interface IClientUnsubscribeProperties {
  properties?: IUnsubscribePacket['properties']
}

// The client.

export declare class TypedEventEmitter<TEvents extends { [E in keyof TEvents]: (...args: never[]) => unknown }> {
  on<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  addListener<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  once<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  prependListener<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  prependOnceListener<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  removeListener<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  off<TEvent extends keyof TEvents>(event: TEvent, callback: TEvents[TEvent]): this
  removeAllListeners(event?: keyof TEvents): this
  /** What a listener throws is reported as uncaught; the others still hear. */
  emit<TEvent extends keyof TEvents>(event: TEvent, ...args: Parameters<TEvents[TEvent]>): boolean
  setMaxListeners(n: number): this
  getMaxListeners(): number
  listeners<TEvent extends keyof TEvents>(eventName: TEvent): TEvents[TEvent][]
  rawListeners<TEvent extends keyof TEvents>(eventName: TEvent): TEvents[TEvent][]
  listenerCount<TEvent extends keyof TEvents>(event: TEvent, listener?: TEvents[TEvent]): number
  eventNames(): Array<keyof TEvents>
}

export declare class MqttClient extends TypedEventEmitter<MqttClientEventCallbacks> {
  private constructor()
  static VERSION: string
  /** A random client identifier. */
  static defaultId(): string

  connected: boolean
  /** `end` was called. */
  disconnecting: boolean
  /** `end` is through. */
  disconnected: boolean
  reconnecting: boolean
  /** As in force; what is changed counts from the next attempt on. */
  options: IClientOptions
  queueQoSZero: boolean
  incomingStore: IStore
  outgoingStore: IStore
  messageIdProvider: IMessageIdProvider
  log: (...args: unknown[]) => void
  /** What waits for a link. */
  queue: { packet: Packet, cb: PacketCallback }[]
  /** What waits for an acknowledgement, by packet identifier. */
  outgoing: Record<number, { volatile: boolean, cmd: PendingCommand, cb: (err?: Error, packet?: Packet) => void }>
  /** Properties of the CONNACK; undefined without a link. */
  get serverProperties(): IConnackPacket['properties']
  /** Seconds, as in force. */
  get keepalive(): number

  /** With `manualConnect`, or after `end`: connects. */
  connect(): this
  /** Connects again, at once, also after `end`. */
  reconnect(opts?: IClientReconnectOptions): MqttClient

  publish(topic: string, message: string | Uint8Array): MqttClient
  publish(topic: string, message: string | Uint8Array, callback?: PacketCallback): MqttClient
  publish(topic: string, message: string | Uint8Array, opts?: IClientPublishOptions, callback?: PacketCallback): MqttClient
  publishAsync(topic: string, message: string | Uint8Array): Promise<Packet | undefined>
  publishAsync(topic: string, message: string | Uint8Array, opts?: IClientPublishOptions): Promise<Packet | undefined>

  subscribe(topicObject: string | string[] | ISubscriptionMap): MqttClient
  subscribe(topicObject: string | string[] | ISubscriptionMap, callback?: ClientSubscribeCallback): MqttClient
  subscribe(topicObject: string | string[] | ISubscriptionMap, opts?: IClientSubscribeOptions | IClientSubscribeProperties): MqttClient
  subscribe(topicObject: string | string[] | ISubscriptionMap, opts?: IClientSubscribeOptions | IClientSubscribeProperties, callback?: ClientSubscribeCallback): MqttClient
  subscribeAsync(topicObject: string | string[] | ISubscriptionMap): Promise<ISubscriptionGrant[]>
  subscribeAsync(topicObject: string | string[] | ISubscriptionMap, opts?: IClientSubscribeOptions | IClientSubscribeProperties): Promise<ISubscriptionGrant[]>

  unsubscribe(topic: string | string[]): MqttClient
  unsubscribe(topic: string | string[], opts?: IClientUnsubscribeProperties): MqttClient
  unsubscribe(topic: string | string[], callback?: PacketCallback): MqttClient
  unsubscribe(topic: string | string[], opts?: IClientUnsubscribeProperties, callback?: PacketCallback): MqttClient
  unsubscribeAsync(topic: string | string[]): Promise<Packet | undefined>
  unsubscribeAsync(topic: string | string[], opts?: IClientUnsubscribeProperties): Promise<Packet | undefined>

  /** Ends the client: once all is acknowledged, or with `force` at once and without a DISCONNECT. */
  end(cb?: DoneCallback): MqttClient
  end(force?: boolean): MqttClient
  end(opts?: Partial<IDisconnectPacket>, cb?: DoneCallback): MqttClient
  end(force?: boolean, cb?: DoneCallback): MqttClient
  end(force?: boolean, opts?: Partial<IDisconnectPacket>, cb?: DoneCallback): MqttClient
  endAsync(): Promise<void>
  endAsync(force?: boolean): Promise<void>
  endAsync(opts?: Partial<IDisconnectPacket>): Promise<void>
  endAsync(force?: boolean, opts?: Partial<IDisconnectPacket>): Promise<void>

  /** Gives up a message that was not acknowledged; its callback hears `Message removed`. */
  removeOutgoingMessage(messageId: number): MqttClient
  getLastMessageId(): number | null
  /** To be replaced by the page: a QoS 1 or 2 message counts as received when `callback` is called. */
  handleMessage(packet: IPublishPacket, callback: DoneCallback): void
}

export declare const Client: typeof MqttClient

// What a page may give its client.

export interface IStoreOptions {
  /** `close` forgets all. Default: true. */
  clean?: boolean
}

export type StoreCallback = (error?: Error | null, packet?: Packet) => void

/** What is read of a Readable. */
export interface IStoreStream {
  on(event: 'readable' | 'end' | 'close' | 'error', listener: (error: Error) => void): unknown
  read(): unknown
  destroy(error?: Error): unknown
}

export interface IStore {
  put(packet: Packet, cb: DoneCallback): IStore
  createStream(): IStoreStream
  del(packet: Pick<Packet, 'messageId'>, cb: StoreCallback): IStore
  get(packet: Pick<Packet, 'messageId'>, cb: StoreCallback): IStore
  close(cb: DoneCallback): void
}

/** Keeps packets in memory. */
export declare class Store implements IStore {
  constructor(options?: IStoreOptions)
  put(packet: Packet, cb?: DoneCallback): this
  /** Its packets: by `readable` and `read()`, or by iterating it. */
  createStream(): IStoreStream & AsyncIterable<Packet>
  del(packet: Pick<Packet, 'messageId'>, cb?: StoreCallback): this
  get(packet: Pick<Packet, 'messageId'>, cb?: StoreCallback): this
  close(cb?: DoneCallback): void
}

export interface IMessageIdProvider {
  /** Null where all are in use. */
  allocate(): number | null
  getLastAllocated(): number | null
  /** False where it is in use. */
  register(num: number): boolean
  deallocate(num: number): void
  clear(): void
}

/** Counts on from a random number; unlike that of mqtt.js it leaves out what is in use. */
export declare class DefaultMessageIdProvider implements IMessageIdProvider {
  allocate(): number | null
  getLastAllocated(): number
  register(messageId: number): boolean
  deallocate(messageId: number): void
  clear(): void
}

/** Gives the lowest that is free. */
export declare class UniqueMessageIdProvider implements IMessageIdProvider {
  allocate(): number | null
  getLastAllocated(): number | null
  register(messageId: number): boolean
  deallocate(messageId: number): void
  clear(): void
}

// Errors.

/** The server refused; `code` is its reason code. */
export declare class ErrorWithReasonCode extends Error {
  code: number
  constructor(message: string, code: number)
}

/** The server refused a topic filter; the codes are in `packet.granted`. */
export declare class ErrorWithSubackPacket extends Error {
  packet: ISubackPacket
  constructor(message: string, packet: ISubackPacket)
}

/** All of it, for `import mqtt from`. */
export * as default from './types'
