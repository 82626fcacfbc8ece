/**
 * The public face of iotwasm. This file is published unchanged as
 * `dist/index.d.ts`, so what it says is what a page gets.
 *
 * Durations are milliseconds, except where MQTT fixes seconds; the unit stands
 * with each of them.
 */

/** Loads the module ahead of `connect`, which otherwise loads it on demand. Calling it again is free; after a failure it tries again. */
export declare function load(options?: LoadOptions): Promise<void>

/**
 * Signs an AWS IoT WebSocket URL with Signature Version 4.
 *
 * The URL is a bearer secret, good for about five minutes around `date`: use it
 * for one dial, keep it out of logs and storage. `connect` makes its own.
 *
 * @throws {IotError} `invalid-argument` naming the field that is wrong.
 */
export declare function presign(options: PresignOptions & LoadOptions): Promise<string>

/**
 * Opens an MQTT 5 connection. Resolves when the server answers the CONNECT with
 * reason code 0x00.
 *
 * @throws {IotError} `invalid-argument`, `credentials-failed`, `handshake-failed`
 * (the WebSocket was refused: the `hint` lists what to check), `connack-refused`
 * (with `reasonCode`), `timeout`, `aborted`, `load-failed`.
 */
export declare function connect(options: ConnectOptions): Promise<Client>

/** Version of the package; the wasm file it loads must carry the same. */
export declare const version: string

/** True for an `IotError`, also one made in another realm. */
export declare function isIotError(value: unknown): value is IotError

/** Where the module's files are and where it runs. */
export interface LoadOptions {
  /**
   * `true`: run in a dedicated Worker, whose timers a hidden page does not slow
   * down. `false`: run on the page's own thread. Left out: a Worker, or the
   * page's thread where the browser refuses to start one (a script from another
   * origin, a `worker-src` policy).
   */
  worker?: boolean
  /** Address of `iotwasm.wasm`. Default: beside the script. */
  wasmURL?: string | URL
  /** Address of `worker.js`, on the page's own origin. Default: beside the script. */
  workerURL?: string | URL
  /** Subresource integrity of the wasm file, for example `sha384-…`. */
  integrity?: string
  /** A module compiled by the page; nothing is fetched then. */
  wasmModule?: WebAssembly.Module
}

/** AWS credentials, in the shape that AWS SDK for JavaScript v3 providers return. */
export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  /** Needed with temporary credentials, whose access key id begins with `ASIA`. */
  sessionToken?: string
  /** When temporary credentials end. Credentials past it are refused before dialling. */
  expiration?: Date
}

export interface PresignOptions {
  /** `abc-ats.iot.ap-northeast-1.amazonaws.com`, or a `wss:` URL; `ws:` only for a loopback host. */
  endpoint: string
  /** AWS Region. Default: read from the endpoint where it shows. */
  region?: string
  credentials: Credentials
  /** Signing time. Default: now. */
  date?: Date
  /** Adds a signed `X-Amz-Expires`, 1 to 604800 seconds. AWS IoT does not ask for it, and ends the URL after some minutes whatever it says. Default: left out. */
  expires?: number
}

export interface ConnectOptions extends LoadOptions {
  /** AWS IoT data endpoint: `abc-ats.iot.ap-northeast-1.amazonaws.com`, or a `wss:` URL; `ws:` only for a loopback host. One of `endpoint` and `url` is required. */
  endpoint?: string
  /** AWS Region. Default: read from the endpoint where it shows. */
  region?: string
  /** Credentials, or a function that gives them, asked at each attempt. Required with `endpoint`. */
  credentials?: Credentials | (() => Credentials | Promise<Credentials>)
  /** WebSocket URL of any MQTT 5 server, dialled as it stands; nothing is signed. `ws:` only for a loopback host. */
  url?: string | (() => string | Promise<string>)
  /** Client identifier. Default: `iotwasm-` and 16 random hexadecimal digits. AWS IoT takes at most 128 bytes. */
  clientId?: string
  /** Keep alive in seconds, 0 to 65535; 0 turns it off. Default: 60. A shorter Server Keep Alive in the CONNACK wins [MQTT-3.2.2-21]. */
  keepAlive?: number
  /** Starts a new session, forgetting an old one of this client identifier. Default: true. */
  cleanStart?: boolean
  /** How long the server keeps the session after the link ends, in seconds. Default: 0. */
  sessionExpiryInterval?: number
  /** Limit for dialling and for the CONNACK together, in ms. Default: 30000. */
  connectTimeout?: number
  /** User Name of the CONNECT. */
  username?: string
  /** Password of the CONNECT. */
  password?: string | Uint8Array
  /** Message that the server publishes when the link ends without a DISCONNECT. */
  will?: Will
  /** Further CONNECT properties. */
  properties?: ConnectProperties
  /** `false`, the only value so far: a lost link closes the client. */
  reconnect?: false
  /** Added to the clock when signing, in ms, for a device whose clock is wrong; a number or a function that finds it. Default: 0. */
  clockOffset?: number | (() => number | Promise<number>)
  /** Gives up connecting when aborted. Once connected it does nothing. */
  signal?: AbortSignal
}

export interface ConnectProperties {
  /** QoS 1 and 2 messages that the server may send before an acknowledgement, 1 to 65535. Default: 100. */
  receiveMaximum?: number
  /** Largest packet that the client takes, in bytes. Default: no limit announced, 16 MiB enforced. */
  maximumPacketSize?: number
  requestResponseInformation?: boolean
  requestProblemInformation?: boolean
  userProperties?: UserProperties
}

export interface Will {
  topic: string
  payload?: Payload
  qos?: QoS
  retain?: boolean
  properties?: PublishProperties & {
    /** Seconds between the end of the link and the will. */
    willDelayInterval?: number
  }
}

export type QoS = 0 | 1 | 2

/** Names and values; an array gives one name several values, in order. */
export type UserProperties = Record<string, string | string[]>

/** What can be published. Text goes as UTF-8, an object or array as JSON; bytes go as they are. */
export type Payload = string | Uint8Array | ArrayBuffer | object

export interface PublishProperties {
  /** True says that the payload is UTF-8 text. */
  payloadFormatIndicator?: boolean
  /** Lifetime in seconds; the server drops what it could not deliver by then. */
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Uint8Array
  userProperties?: UserProperties
}

export interface ReceivedProperties extends PublishProperties {
  subscriptionIdentifiers?: number[]
  topicAlias?: number
}

/** A received message. */
export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: ReceivedProperties
  /** When it arrived, in ms since the epoch. */
  readonly receivedAt: number
  /** The payload as UTF-8 text. */
  text(): string
  /** The payload parsed as JSON. Throws a SyntaxError where it is none. */
  json<T = unknown>(): T
}

export type MessageHandler = (message: Message) => void

export interface SubscribeOptions {
  /** Highest QoS wanted. Default: 0. */
  qos?: QoS
  /** Do not send back what this client published itself. Default: false. */
  noLocal?: boolean
  /** Keep the RETAIN flag as published. Default: false. */
  retainAsPublished?: boolean
  /** Retained messages: 0 send, 1 send if the subscription is new, 2 do not send. Default: 0. */
  retainHandling?: 0 | 1 | 2
  properties?: { userProperties?: UserProperties }
  /** Stops waiting for the SUBACK and gives the subscription up. */
  signal?: AbortSignal
}

/** What the server granted for one topic filter. */
export interface Granted {
  readonly filter: string
  /** Granted QoS; absent where the server refused the filter. */
  readonly qos?: QoS
  /** Reason code of the SUBACK; 0x80 or above where it refused. */
  readonly reasonCode: number
}

/**
 * A subscription. Iterating it yields messages from that moment on, in order
 * and as many as arrive: a consumer slower than the messages grows the queue.
 */
export interface Subscription extends AsyncIterable<Message> {
  readonly filters: readonly string[]
  readonly granted: readonly Granted[]
  /** Ends it; the server is told when nothing else of this client uses the filter. */
  unsubscribe(): Promise<void>
}

export interface PublishOptions {
  /** Default: 0. */
  qos?: QoS
  /** Default: false. */
  retain?: boolean
  properties?: PublishProperties
  /** Takes the message back where it was not sent yet; else stops waiting. */
  signal?: AbortSignal
}

export interface PublishResult {
  /** When the message was handed to the socket, in ms since the epoch. */
  readonly sentAt: number
  /** Reason code of the PUBACK or PUBCOMP: 0x00, or 0x10 "no matching subscribers". 0 for QoS 0. */
  readonly reasonCode: number
  readonly reasonString?: string
  readonly userProperties?: UserProperties
}

/** One message of a delayed run. */
export interface DelayedStepOptions {
  topic: string
  payload: Payload
  /** When it goes out, in ms from the start of the run. Default: 0. */
  delay?: number
  /** When it goes out, as a date. Not together with `delay`. */
  at?: Date
  qos?: QoS
  retain?: boolean
  properties?: PublishProperties
}

export interface DelayedOptions {
  /** Cancels what still waits. */
  signal?: AbortSignal
}

/**
 * Where a step is: `waiting` for its time, `sent` (handed to the socket, with
 * QoS 1 or 2 unacknowledged), `acknowledged` (QoS 1 or 2, good reason code),
 * `failed` (its `error` says why), `cancelled`. A QoS 0 step ends as `sent`.
 */
export type DelayedState = 'waiting' | 'sent' | 'acknowledged' | 'failed' | 'cancelled'

export interface DelayedStep {
  readonly index: number
  readonly topic: string
  readonly state: DelayedState
  /** When it is to go out, in ms since the epoch. */
  readonly plannedAt: number
  /** When it was handed to the socket, in ms since the epoch. */
  readonly sentAt?: number
  /** When the server acknowledged it, in ms since the epoch. */
  readonly acknowledgedAt?: number
  /** sentAt - plannedAt, in ms. */
  readonly deviation?: number
  readonly error?: IotError
}

export interface DelayedReport {
  readonly id: number
  readonly steps: readonly DelayedStep[]
}

/** A series of delayed publishes. Iterating it yields each step as it finishes. */
export interface DelayedRun extends AsyncIterable<DelayedStep> {
  readonly id: number
  /** The steps as they are now. */
  readonly steps: readonly DelayedStep[]
  /** Resolves when each step has finished, whatever its outcome. Never rejects. */
  readonly done: Promise<DelayedReport>
  /** Cancels what still waits, or the one step of this index. What was sent stays sent. */
  cancel(step?: number): void
  /** Calls back at each change of a step. Returns the function that stops it. */
  on(event: 'progress', handler: (step: DelayedStep) => void): () => void
}

export type ClientState = 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** The CONNACK: what the server grants. A value left out means the default of the MQTT 5 specification, section 3.2.2.3. */
export interface Connack {
  readonly sessionPresent: boolean
  readonly reasonCode: number
  readonly properties: {
    readonly sessionExpiryInterval?: number
    readonly receiveMaximum?: number
    readonly maximumQoS?: QoS
    readonly retainAvailable?: boolean
    readonly maximumPacketSize?: number
    readonly assignedClientIdentifier?: string
    readonly topicAliasMaximum?: number
    readonly reasonString?: string
    readonly userProperties?: UserProperties
    readonly wildcardSubscriptionAvailable?: boolean
    readonly subscriptionIdentifiersAvailable?: boolean
    readonly sharedSubscriptionAvailable?: boolean
    readonly serverKeepAlive?: number
    readonly responseInformation?: string
    readonly serverReference?: string
    readonly authenticationMethod?: string
    readonly authenticationData?: Uint8Array
  }
}

/** A DISCONNECT that the server sent. */
export interface ServerDisconnect {
  readonly reasonCode: number
  readonly properties: {
    readonly reasonString?: string
    readonly serverReference?: string
    readonly userProperties?: UserProperties
    readonly sessionExpiryInterval?: number
  }
}

export interface ClientEvents {
  /** The state changed; `error` says why where it is not by the page's own wish. */
  state: (state: ClientState, error?: IotError) => void
  /** Each received message, whatever subscription it is for. */
  message: (message: Message) => void
  /** The server sent a DISCONNECT. */
  disconnect: (packet: ServerDisconnect) => void
  /** The client is closed for good; `error` is there unless the page closed it. */
  close: (error?: IotError) => void
  /** Something failed that no promise reports. */
  error: (error: IotError) => void
}

export interface CloseOptions {
  /** Reason code of the DISCONNECT. Default: 0x00; 0x04 has the will published. */
  reasonCode?: number
  properties?: { reasonString?: string, userProperties?: UserProperties, sessionExpiryInterval?: number }
}

export interface Client {
  readonly state: ClientState
  /** The client identifier in use; the one that the server assigned where it did. */
  readonly clientId: string
  readonly connack: Connack

  /**
   * Subscribes. Resolves on the SUBACK; messages go to `handler` and to whoever
   * iterates the subscription.
   *
   * Of several filters the server may refuse some: the call then resolves, with
   * their reason codes in `granted` and an `error` event for each.
   *
   * @throws {IotError} `invalid-argument`, `subscribe-refused` (every filter was
   * refused; `reasonCode` is the first's), `closed`, `transport-closed`,
   * `timeout`, `aborted`.
   */
  subscribe(filter: string | readonly string[], handler?: MessageHandler): Promise<Subscription>
  subscribe(filter: string | readonly string[], options: SubscribeOptions | undefined, handler?: MessageHandler): Promise<Subscription>

  /**
   * Publishes. Resolves for QoS 0 when handed to the socket, for QoS 1 on the
   * PUBACK, for QoS 2 on the PUBCOMP. Messages go out in the order of the calls.
   *
   * @throws {IotError} `invalid-argument`, `publish-refused` (with `reasonCode`),
   * `closed` (never sent), `transport-closed` (sent, outcome unknown), `aborted`.
   */
  publish(topic: string, payload: Payload, options?: PublishOptions): Promise<PublishResult>

  /**
   * Publishes later: one message, or several in one run. Returns at once; bad
   * arguments throw at once, and then nothing of the run is sent.
   *
   * @throws {IotError} `invalid-argument`, `closed`.
   */
  publishDelayed(topic: string, payload: Payload, options: Omit<DelayedStepOptions, 'topic' | 'payload'> & DelayedOptions): DelayedRun
  publishDelayed(steps: readonly DelayedStepOptions[], options?: DelayedOptions): DelayedRun

  /** Listens to an event. Returns the function that stops it. */
  on<E extends keyof ClientEvents>(event: E, handler: ClientEvents[E]): () => void

  /** Sends a DISCONNECT and closes. Resolves within a second, also when the server is gone. What is still unsettled is rejected with `closed` or `transport-closed`. */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Stable codes, for programs:
 * - `invalid-argument`: a field is wrong; `field` names it. Nothing was sent.
 * - `credentials-failed`: the credentials function failed, or what it gave has expired.
 * - `handshake-failed`: the WebSocket was refused. Browsers hide the reason; `hint` lists what to check.
 * - `connack-refused`: the server refused the CONNECT; see `reasonCode`.
 * - `subscribe-refused`, `publish-refused`: the server refused; see `reasonCode`.
 * - `server-disconnect`: the server sent a DISCONNECT; see `reasonCode`.
 * - `transport-closed`: the link ended while this was under way; the outcome is unknown.
 * - `closed`: the client is closed; nothing was sent.
 * - `timeout`: no answer in time. `aborted`: its `signal` was aborted, `cause` is the signal's reason.
 * - `protocol-error`: the server broke the MQTT 5 protocol.
 * - `load-failed`: the module could not be fetched, compiled or started.
 * - `version-mismatch`: the wasm file is of another version than the script.
 * - `runtime-crashed`: the module crashed; connect again, a new one is started.
 * - `internal`: a defect of iotwasm.
 */
export type IotErrorCode =
  | 'invalid-argument' | 'credentials-failed' | 'handshake-failed' | 'connack-refused'
  | 'subscribe-refused' | 'publish-refused' | 'server-disconnect' | 'transport-closed'
  | 'closed' | 'timeout' | 'aborted' | 'protocol-error' | 'load-failed'
  | 'version-mismatch' | 'runtime-crashed' | 'internal'

/** The one kind of error. No text of it holds a key, a token or a signed URL. */
export declare class IotError extends Error {
  private constructor()
  readonly name: 'IotError'
  readonly code: IotErrorCode
  /** Whether the same call may succeed later, without a change. */
  readonly retryable: boolean
  /** The argument that is wrong, for example `credentials.secretAccessKey` or `steps[1].delay`. */
  readonly field?: string
  /** What to check or do, for a person. */
  readonly hint?: string
  /** MQTT 5 reason code, where the server gave one. */
  readonly reasonCode?: number
}
