/// <reference lib="esnext.disposable" />
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

/**
 * Credentials of an Amazon Cognito identity pool: a function for
 * `ConnectOptions.credentials`, which calls `GetId` once and
 * `GetCredentialsForIdentity` whenever the credentials are about to expire.
 */
export declare function cognitoIdentity(options: CognitoIdentityOptions): () => Promise<Credentials>

/** Version of the package; the wasm file it loads must carry the same. */
export declare const version: string

/** True for an `IotError`, also one made in another realm. */
export declare function isIotError(value: unknown): value is IotError

/** Where the module's files are and where it runs. */
export interface LoadOptions {
  /**
   * `true`: run in a dedicated Worker, whose timers a hidden page does not slow
   * down. `false`: run on the thread that calls. Left out: a Worker, or that
   * thread and a warning where the browser refuses to start one (a script from
   * another origin, a `worker-src` policy).
   *
   * `'blob'`: a Worker also where `worker.js` is of another origin, such as a CDN.
   * Its own script is then a blob that imports `worker.js`, which needs
   * `Access-Control-Allow-Origin` there, and of a Content-Security-Policy `blob:`
   * and the other origin in `worker-src`. No blob is made unless this asks for it.
   */
  worker?: boolean | 'blob'
  /** Address of `iotwasm.wasm`. Default: beside the script. */
  wasmURL?: string | URL
  /** Address of `worker.js`, on the page's own origin unless `worker` is `'blob'`. Default: beside the script. */
  workerURL?: string | URL
  /** Subresource integrity of the wasm file, for example `sha384-…`. */
  integrity?: string
  /** A module compiled by the page; nothing is fetched then. */
  wasmModule?: WebAssembly.Module
  /** Stops waiting: the call rejects with `aborted`, and what is being loaded stays for the next one. */
  signal?: AbortSignal
}

/** AWS credentials, in the shape that AWS SDK for JavaScript v3 providers return. */
export interface Credentials {
  /** Access key id, `AKIA…` or, of temporary credentials, `ASIA…`. */
  accessKeyId: string
  /** Secret access key. It stays in memory, and in no text. */
  secretAccessKey: string
  /** Needed with temporary credentials, whose access key id begins with `ASIA`. */
  sessionToken?: string
  /** When temporary credentials end; text in ISO 8601, as JSON has it, will do. Credentials past it are refused before dialling. */
  expiration?: Date | string
}

/** What {@link cognitoIdentity} needs. */
export interface CognitoIdentityOptions {
  /** Identifier of the pool, `eu-west-1:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
  identityPoolId: string
  /** AWS Region. Default: the one that the pool's identifier begins with. */
  region?: string
  /** Tokens of signed-in users by login provider, or a function that gives them anew. Default: an unauthenticated identity. */
  logins?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)
  /** Another address of the Cognito Identity service, for a test. `https:`, or `http:` to a loopback host. */
  endpoint?: string
}

/** A custom authorizer of AWS IoT Core (developer guide, "Custom authentication"). */
export interface Authorizer {
  /** Its name. */
  name: string
  /** The token that its Lambda function gets, under `tokenKeyName`. */
  token?: string
  /** Name of the token's key. Default: `token`. */
  tokenKeyName?: string
  /** Signature of the token, Base64, where the authorizer has signing enabled. */
  signature?: string
  /** User name of the CONNECT. With it or `password`, the authorizer is named there and not in the URL. */
  username?: string
  /** Password of the CONNECT. */
  password?: string | Uint8Array
}

/** When a lost link is replaced: after a random time of up to `minDelay`, doubling to `maxDelay`. */
export interface ReconnectOptions {
  /** ms. Default: 1000. */
  minDelay?: number
  /** ms. Default: 60000. */
  maxDelay?: number
  /** ms that a link must have lived for the delay to begin at `minDelay` again. Default: 30000. */
  stableAfter?: number
}

/** Bounds of what waits to be sent: while offline, for the server's Receive Maximum, or for `limits`. */
export interface QueueOptions {
  /** Messages that may wait. Default: 100000. 0: no limit. */
  maxMessages?: number
  /** Bytes of packets that may wait. Default: 67108864 (64 MiB). 0: no limit. */
  maxBytes?: number
  /** ms that a message may wait; then its promise rejects with `timeout`. Default: 0, no limit. */
  maxAge?: number
  /** `reject`: what does not fit rejects with `quota-exceeded`. `drop-oldest`: what waits longest does. Default: `reject`. */
  overflow?: 'reject' | 'drop-oldest'
}

/**
 * Limits of the server that its CONNACK does not tell, kept before anything is
 * sent. 0 is no limit. With `endpoint` the defaults are those of AWS IoT Core
 * ("AWS IoT Core endpoints and quotas"), with `url` there are none.
 */
export interface Limits {
  /** Messages a second. What is over it waits. Default with `endpoint`: 100. */
  publishesPerSecond?: number
  /** Bytes a second, of packets. What is over it waits. Default with `endpoint`: 524288. */
  bytesPerSecond?: number
  /** QoS 1 and 2 messages unacknowledged at a time. Default with `endpoint`: 100. */
  inFlight?: number
  /** Payload of a message, in bytes. Default with `endpoint`: 131072. */
  payloadBytes?: number
  /** Length of a topic name or filter, in bytes of UTF-8. Default with `endpoint`: 256. */
  topicBytes?: number
  /** Slashes in a topic name or filter. Default with `endpoint`: 7. */
  topicSlashes?: number
  /** Topic filters in one SUBSCRIBE or UNSUBSCRIBE; a call with more sends several. Default with `endpoint`: 8. */
  filtersPerSubscribe?: number
  /** Topic filters of a connection. Default with `endpoint`: 50. */
  subscriptions?: number
  /** Requests a second to the shadows of one thing, for delayed runs. What is over it waits. Default with `endpoint`: 20. */
  shadowRequestsPerSecond?: number
  /** Requests to the shadows of one thing that are unanswered at a time, for delayed runs. What is over it waits. Default with `endpoint`: 9, one less than AWS IoT Core takes. */
  shadowInFlight?: number
}

/** What {@link presign} signs. */
export interface PresignOptions {
  /** `abc-ats.iot.ap-northeast-1.amazonaws.com`, or a `wss:` URL; `ws:` only for a loopback host. */
  endpoint: string
  /** AWS Region. Default: read from the endpoint where it shows. */
  region?: string
  /** What to sign with. */
  credentials: Credentials
  /** Signing time. Default: now. */
  date?: Date
  /** Adds a signed `X-Amz-Expires`, 1 to 604800 seconds. AWS IoT does not ask for it, and ends the URL after some minutes whatever it says. Default: left out. */
  expires?: number
}

/** What {@link connect} needs: `endpoint` with `credentials` or an `authorizer`, or `url`. */
export interface ConnectOptions extends LoadOptions {
  /** AWS IoT data endpoint: `abc-ats.iot.ap-northeast-1.amazonaws.com`, or a `wss:` URL; `ws:` only for a loopback host. One of `endpoint` and `url` is required. */
  endpoint?: string
  /** AWS Region. Default: read from the endpoint where it shows. */
  region?: string
  /**
   * Credentials, or a function that gives them. With `endpoint` this or
   * `authorizer` is required.
   *
   * What the function gives is used until a minute before its `expiration`, and
   * until a handshake fails; without an `expiration` it is asked at each attempt.
   * Clients with the same function share its answer.
   */
  credentials?: Credentials | (() => Credentials | Promise<Credentials>)
  /** Custom authorizer, in the place of `credentials`. */
  authorizer?: Authorizer
  /** WebSocket URL of any MQTT 5 server, dialled as it stands; nothing is signed. `ws:` only for a loopback host. */
  url?: string | (() => string | Promise<string>)
  /** Client identifier. Default: `iotwasm-` and 16 random hexadecimal digits. AWS IoT takes at most 128 bytes. */
  clientId?: string
  /** Keep alive in seconds, 0 to 65535; 0 turns it off. Default: 60. A shorter Server Keep Alive in the CONNACK wins [MQTT-3.2.2-21]. */
  keepAlive?: number
  /** Starts a new session, forgetting an old one of this client identifier. Default: true. */
  cleanStart?: boolean
  /**
   * How long the server keeps the session after the link ends, in seconds.
   * Default: 300, so that an outage loses no QoS 1 message, and ended by `close`;
   * 0 with `reconnect: false`. One given here also holds after `close`.
   */
  sessionExpiryInterval?: number
  /** Limit of each attempt, in ms: for the credentials, dialling and the CONNACK together. Default: 30000. */
  connectTimeout?: number
  /** User Name of the CONNECT. */
  username?: string
  /** Password of the CONNECT. */
  password?: string | Uint8Array
  /** Message that the server publishes when the link ends without a DISCONNECT. */
  will?: Will
  /** Further CONNECT properties. */
  properties?: ConnectProperties
  /**
   * What to do when the link is lost: replace it, or with `false` close the client.
   * A failure that would come again closes it too: not authorised, client
   * identifier not valid, session taken over, expired credentials. The first
   * connection is never tried again: `connect` rejects. Default: replaced, with
   * the delays of `ReconnectOptions`.
   */
  reconnect?: false | ReconnectOptions
  /** Subscribe again where an outage ended the session. Default: true. */
  resubscribe?: boolean
  /** Bounds of what waits to be sent. Default: those of `QueueOptions`. */
  queue?: QueueOptions
  /** Limits to keep; `false` for none. Default: those of `Limits`. */
  limits?: false | Limits
  /** Replace topic names by topic aliases, as many as the server takes. Default: false. */
  topicAliases?: boolean
  /** Age in ms at which a link is replaced, losing nothing. Default with `endpoint`: 23 h 45 min, since AWS IoT ends a WebSocket after 24 h; else 0, never. */
  maxConnectionAge?: number
  /** Hears what happens, for a log. No entry holds a secret or a payload. */
  log?: (entry: LogEntry) => void
  /** What `log` hears: `error`, `warn`, `info` (states, attempts), `debug` (packets) and all before it. Default: `info`. */
  logLevel?: LogLevel
  /** Added to the clock when signing, in ms, for a device whose clock is wrong; a number or a function that finds it. Default: 0. */
  clockOffset?: number | (() => number | Promise<number>)
  /** Gives up connecting when aborted. Once connected it does nothing. */
  signal?: AbortSignal
}

/** Properties of the CONNECT (MQTT 5, section 3.1.2.11), beside those that have an option of their own. */
export interface ConnectProperties {
  /** QoS 1 and 2 messages that the server may send before an acknowledgement, 1 to 65535. Default: 100. */
  receiveMaximum?: number
  /** Largest packet that the client takes, in bytes. Default: no limit announced, 16 MiB enforced. */
  maximumPacketSize?: number
  /** Topic aliases that the server may use towards this client, 0 to 65535. Default: 0. */
  topicAliasMaximum?: number
  /** Asks for Response Information in the CONNACK. Default: false. */
  requestResponseInformation?: boolean
  /** Asks for reason strings and user properties where something fails. Default: true. */
  requestProblemInformation?: boolean
  /** User properties of the CONNECT. */
  userProperties?: UserProperties
}

/** The message that the server publishes when the link ends without a DISCONNECT (MQTT 5, section 3.1.2.5). */
export interface Will {
  /** Topic name. */
  topic: string
  /** Default: empty. */
  payload?: Payload
  /** Default: 0. */
  qos?: QoS
  /** Default: false. */
  retain?: boolean
  /** Properties of the message, and its delay. */
  properties?: PublishProperties & {
    /** Seconds between the end of the link and the will. Default: 0. */
    willDelayInterval?: number
  }
}

/** Quality of service: 0 at most once, 1 at least once, 2 exactly once. AWS IoT Core has no QoS 2. */
export type QoS = 0 | 1 | 2

/** Names and values; an array gives one name several values, in order. */
export type UserProperties = Record<string, string | string[]>

/** What can be published. Text goes as UTF-8, an object or array as JSON; bytes go as they are. */
export type Payload = string | Uint8Array | ArrayBuffer | object

/** Properties of a message (MQTT 5, section 3.3.2.3). */
export interface PublishProperties {
  /** True says that the payload is UTF-8 text. */
  payloadFormatIndicator?: boolean
  /** Lifetime in seconds; the server drops what it could not deliver by then. */
  messageExpiryInterval?: number
  /** Describes the payload, for example a MIME type. */
  contentType?: string
  /** Topic name where an answer is expected. */
  responseTopic?: string
  /** Sent back with the answer, to tell which request it is for. */
  correlationData?: Uint8Array
  /** User properties of the message. */
  userProperties?: UserProperties
}

/** Properties of a received message: those of the publisher, and the server's. */
export interface ReceivedProperties extends PublishProperties {
  /** Identifiers of the subscriptions that the server sent it for. */
  subscriptionIdentifiers?: number[]
  /** Alias that the server used; the topic name is resolved. */
  topicAlias?: number
}

/** A received message. */
export interface Message {
  /** Topic name. */
  readonly topic: string
  /** The payload as it came. */
  readonly payload: Uint8Array
  /** QoS that it was delivered with. */
  readonly qos: QoS
  /** It was retained; or, with `retainAsPublished`, published so. */
  readonly retain: boolean
  /** The server sent it before. AWS IoT does not set it. */
  readonly dup: boolean
  /** Its properties; empty where there are none. */
  readonly properties: ReceivedProperties
  /** When it arrived, in ms since the epoch. */
  readonly receivedAt: number
  /** The payload as UTF-8 text. */
  text(): string
  /** The payload parsed as JSON. Throws a SyntaxError where it is none. */
  json<T = unknown>(): T
  /**
   * Acknowledges a QoS 1 or 2 message of a subscription with `manualAck`; else it
   * does nothing. A reason code of 0x80 or above refuses the message. After an
   * outage it does nothing either: the server sends the message again.
   */
  ack(reasonCode?: number): void
}

/** Which filter of the subscription a message matched, and what its wildcards stood for: `+` one level each, `#` all the rest. */
export interface Match {
  /** The filter as subscribed to. */
  readonly filter: string
  /** What its wildcards stood for, in order. */
  readonly wildcards: readonly string[]
}

/** Is called with each message, in order. What it throws is reported as uncaught. */
export type MessageHandler = (message: Message, match: Match) => void

/** How to subscribe (MQTT 5, section 3.8.3.1), and what a slow iterator loses. */
export interface SubscribeOptions {
  /** Highest QoS wanted; more than the server's Maximum QoS is lowered to that. Default: 0. */
  qos?: QoS
  /** Do not send back what this client published itself. Default: false. */
  noLocal?: boolean
  /** Keep the RETAIN flag as published. Default: false. */
  retainAsPublished?: boolean
  /** Retained messages: 0 send, 1 send if the subscription is new, 2 do not send. Default: 0. */
  retainHandling?: 0 | 1 | 2
  /** Properties of the SUBSCRIBE. */
  properties?: {
    /** 1 to 268435455. AWS IoT Core does not support it. */
    subscriptionIdentifier?: number
    userProperties?: UserProperties
  }
  /** The server's messages wait for `message.ack()` before they count as received. Default: false. */
  manualAck?: boolean
  /** Messages that wait for a slow iterator. Default: 1000. */
  buffer?: number
  /** What a full buffer does: `drop-oldest`, `drop-newest`, or `latest`, which keeps one message only. Default: `drop-oldest`. */
  overflow?: 'drop-oldest' | 'drop-newest' | 'latest'
  /** Limit for the SUBACK, in ms; time without a link counts. Default: 30000. */
  timeout?: number
  /** Stops waiting for the SUBACK and gives the subscription up. */
  signal?: AbortSignal
}

/** How to end a subscription. */
export interface UnsubscribeOptions {
  /** Properties of the UNSUBSCRIBE. */
  properties?: { userProperties?: UserProperties }
  /** Limit for the UNSUBACK, in ms. Default: 30000. */
  timeout?: number
  /** Stops waiting for the UNSUBACK. */
  signal?: AbortSignal
}

/** What the server granted for one topic filter. */
export interface Granted {
  /** The topic filter. */
  readonly filter: string
  /** Granted QoS; absent where the server refused the filter. */
  readonly qos?: QoS
  /** Reason code of the SUBACK; 0x80 or above where it refused. */
  readonly reasonCode: number
}

/**
 * A subscription. Iterating it yields messages from that moment on, in order.
 * Of those that a slow consumer did not take, as many are kept as `buffer` says.
 */
export interface Subscription extends AsyncIterable<Message> {
  /** The topic filters as asked for. */
  readonly filters: readonly string[]
  /** What the server granted, one for each filter. */
  readonly granted: readonly Granted[]
  /** Reason string and user properties of the SUBACK. */
  readonly properties: { readonly reasonString?: string, readonly userProperties?: UserProperties }
  /** Messages that iterators did not get, since they were slow. */
  readonly dropped: number
  /** Ends it; the server is told when nothing else of this client uses the filter. */
  unsubscribe(options?: UnsubscribeOptions): Promise<void>
  /** `await using`: unsubscribes. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How to publish. */
export interface PublishOptions {
  /** Default: 0. */
  qos?: QoS
  /** Default: false. */
  retain?: boolean
  /** Properties of the message. */
  properties?: PublishProperties
  /** Limit in ms for the whole of it, waiting and acknowledgement. Default: 0, none. */
  timeout?: number
  /** Takes the message back where it was not sent yet; else stops waiting. */
  signal?: AbortSignal
}

/** What became of a message. */
export interface PublishResult {
  /** When the message was handed to the socket, in ms since the epoch. */
  readonly sentAt: number
  /** Reason code of the PUBACK or PUBCOMP: 0x00, or 0x10 "no matching subscribers". 0 for QoS 0. */
  readonly reasonCode: number
  /** Reason string of the acknowledgement. */
  readonly reasonString?: string
  /** User properties of the acknowledgement. */
  readonly userProperties?: UserProperties
}

/** One message of a delayed run. */
export interface DelayedStepOptions {
  /** Topic name. */
  topic: string
  /**
   * What to publish; or a function that gives it, called when the step is due (at
   * each attempt anew). The step fails where the function throws, or gives nothing
   * within 30 s.
   */
  payload: Payload | ((step: DelayedStep) => Payload | Promise<Payload>)
  /** When it goes out, in ms from the start of the run. Default: 0. */
  delay?: number
  /** When it goes out, as a date. No pause, outage or gate before it puts it off further than it must. Not together with `delay` and `spacing`. */
  at?: Date
  /** ms after the step before it; behind a gate, after that opened. The first step counts it from the start of the run. Not together with `delay`. Default: the run's, but for the first step. */
  spacing?: number
  /** Repeats the step after each so many ms, 1 at least, counted from its own first time, so that nothing drifts. Default: it goes out once. */
  every?: number
  /** How often it goes out, with `every`: 1 to 100000. Default: until cancelled. */
  times?: number
  /** Each time, of a repetition without end each but the first, is put off at random by up to so many ms. Default: the run's. */
  jitter?: number
  /** What the next step waits for. Default: the run's. */
  gate?: DelayedGate
  /** Default: 0; 1 with the gates `ack` and `shadow`. */
  qos?: QoS
  /** Default: false. */
  retain?: boolean
  /** Properties of the message. With a `deadline` the message expires there, unless its `messageExpiryInterval` is given. */
  properties?: PublishProperties
}

/**
 * What must have happened to a step before the next one counts its spacing:
 * - `none`: nothing, it is a matter of time only;
 * - `sent`: it was handed to the socket;
 * - `ack`: the server acknowledged it with a good reason code (QoS 1 or 2);
 * - `shadow`: the Device Shadow service accepted it. The step publishes to the
 *   `get`, `update` or `delete` topic of a shadow; a client token is added to its
 *   JSON where there is none, and the answers are subscribed to;
 * - `until`: a message came after the step was sent for which the function
 *   returns true. Subscribe to such messages yourself.
 *
 * A gate that stays shut for `timeout` ms after the sending fails the step.
 * Default: 10000; for `ack` 0, never.
 *
 * With any gate but `none` the steps of a run go out strictly one after another;
 * `delay` and `at` are then the earliest times.
 */
export type DelayedGate = 'none' | 'sent' | 'ack' | 'shadow'
  | { readonly on: 'ack' | 'shadow', readonly timeout?: number }
  | { readonly until: (message: Message, step: DelayedStep) => boolean, readonly timeout?: number }

/** How a delayed run goes on as a whole. */
export interface DelayedOptions {
  /** When the run starts, which `delay` counts from. Default: now. */
  start?: Date
  /** ms between steps, for those that have no time of their own: the first one goes out at the start. Default: 0. */
  spacing?: number
  /** Puts each step off at random by up to so many ms. Default: 0. */
  jitter?: number
  /** What the next step waits for. Default: `none`. */
  gate?: DelayedGate
  /**
   * What a step does when its time comes while there is no link: `wait` for it,
   * and keep the spacing to the steps after it; `skip` it; `fail`, with the code
   * `offline`. Default: `wait`.
   */
  offline?: 'wait' | 'skip' | 'fail'
  /** What happens after a step that failed or was rejected: `continue` with the next, `stop` (the others are skipped), or `retry` it, and stop after the last attempt. Default: `continue`, or `retry` where `retries` is given. */
  onFailure?: 'continue' | 'stop' | 'retry'
  /** Further attempts of a step that failed. Default: 3 with `retry`, else 0; 5 where the gate `shadow` hears that the service has no room now (429, or 500 and above). */
  retries?: number
  /** ms before the first of them; twice as long before each further one, up to a minute. Default: 1000. */
  retryDelay?: number
  /** A date, or ms from the start: no step goes out after it, those that still wait are skipped. Default: none. */
  deadline?: Date | number
  /**
   * Keeps the run in the browser's IndexedDB under this name, so that what waits
   * survives a reload: publishing a run of the same name on the new page takes up
   * the kept one, and so does `resumeDelayed`. Of several tabs one sends, the
   * others wait for it to end. Nothing is sent twice: what was on its way when a
   * page went away ends as `failed`, with the code `transport-closed`. Payloads are
   * stored as they are; credentials are not. Payload functions and `until` cannot be kept. Default: not kept.
   */
  persist?: string
  /** What to do with the steps of a kept run whose time passed while no page was open: `send` them now, with their spacing, or `skip` them. Default: `send`. */
  missed?: 'send' | 'skip'
  /** Cancels what still waits. */
  signal?: AbortSignal
}

/**
 * Where a step is:
 * - `waiting` for its time, or for the steps before it;
 * - `due`: its time has come; it waits for the link, its payload, or a limit;
 * - `sent`: handed to the socket, with QoS 1 or 2 unacknowledged;
 * - `acknowledged`: by the server, with a good reason code;
 * - `accepted`: its gate `shadow` or `until` opened;
 * - `rejected`: by the Device Shadow service; `error.reasonCode` is its code;
 * - `failed`: `error` says why;
 * - `skipped`: it was not sent, for the `offline`, `deadline`, `missed` or
 *   `onFailure` of the run;
 * - `cancelled`: it was not sent, or where it had `attempts`, not again.
 *
 * A step ends as `sent` with QoS 0, else as `acknowledged`, where its gate asks
 * for no more.
 */
export type DelayedState = 'waiting' | 'due' | 'sent' | 'acknowledged' | 'accepted' | 'rejected' | 'failed' | 'skipped' | 'cancelled'

/** One message of a delayed run as it is now. It is a copy, which does not change. */
export interface DelayedStep {
  /** Its place in the run, from 0. One with `times` takes so many places; repetitions without end count on. */
  readonly index: number
  /** Topic name. */
  readonly topic: string
  /** Where it is. */
  readonly state: DelayedState
  /**
   * When it is to go out, in ms since the epoch. `reschedule`, a pause, and an
   * outage or sleep that held up the steps before it move it. Behind a gate it is
   * the earliest time, until the gate opens.
   */
  readonly plannedAt: number
  /** When it was handed to the socket, in ms since the epoch; the last time of several attempts. */
  readonly sentAt?: number
  /** When the server acknowledged it, in ms since the epoch. */
  readonly acknowledgedAt?: number
  /** sentAt - plannedAt, in ms. */
  readonly deviation?: number
  /** How often it was sent. */
  readonly attempts: number
  /** The link ended after it was sent and before it was acknowledged. With QoS 1 or 2 it is sent again on the next link; its end tells the outcome. */
  readonly interrupted?: boolean
  /** The message that opened the gate, or the Device Shadow service's rejection. */
  readonly answer?: Message
  /** Why it failed, was rejected or skipped; while it is `waiting`, what the last attempt failed of. */
  readonly error?: IotError
}

/** What a delayed run came to. */
export interface DelayedReport {
  /** Number of the run. */
  readonly id: number
  /** Each step as it ended. */
  readonly steps: readonly DelayedStep[]
}

/** A series of delayed publishes. Iterating it yields each step as it finishes. */
export interface DelayedRun extends AsyncIterable<DelayedStep> {
  /** Number of the run, unique on the page. */
  readonly id: number
  /** The name that it is kept under. */
  readonly persist?: string
  /** `standby`: another tab sends the steps of this kept run. */
  readonly state: 'running' | 'paused' | 'standby' | 'finished'
  /** The steps as they are now. Of one that repeats without end the last 1000 that finished. */
  readonly steps: readonly DelayedStep[]
  /** Resolves when each step has finished, whatever its outcome. Never rejects. */
  readonly done: Promise<DelayedReport>
  /** Cancels what still waits, or the one step of this index. What was sent stays sent. */
  cancel(step?: number): void
  /** Stops the clock of the run: nothing more becomes due. */
  pause(): void
  /** Starts it again: what waits, but for steps with `at`, is put off by the length of the pause. */
  resume(): void
  /** Plans a waiting step for another time: a date, or ms from now. Steps with `spacing` after it move with it. */
  reschedule(step: number, when: Date | number): void
  /** `await using`: cancels what still waits, and waits for what was sent. */
  [Symbol.asyncDispose](): Promise<void>
  /** Calls back at each change of a step, and with each new repetition. Returns the function that stops it. */
  on(event: 'progress', handler: (step: DelayedStep) => void): () => void
  /** Calls back when `state` changes. Returns the function that stops it. */
  on(event: 'state', handler: (state: DelayedRun['state']) => void): () => void
}

/** Where a connection is. `closed` is final; `reconnecting` is an outage. */
export type ClientState = 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** The CONNACK: what the server grants. A value left out means the default of the MQTT 5 specification, section 3.2.2.3. */
export interface Connack {
  /** The server kept the session. */
  readonly sessionPresent: boolean
  /** 0x00. */
  readonly reasonCode: number
  /** Its properties, as far as the server sent them. */
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
  /** Why the server ended the connection. */
  readonly reasonCode: number
  /** Its properties, as far as the server sent them. */
  readonly properties: {
    readonly reasonString?: string
    readonly serverReference?: string
    readonly userProperties?: UserProperties
    readonly sessionExpiryInterval?: number
  }
}

/** What is in force on the present link: the CONNACK's values, with the defaults of MQTT 5 where it has none. */
export interface Negotiated {
  /** Seconds. */
  readonly keepAlive: number
  /** Seconds. */
  readonly sessionExpiryInterval: number
  /** QoS 1 and 2 messages that the server takes unacknowledged. */
  readonly receiveMaximum: number
  /** Highest QoS that the server takes. */
  readonly maximumQoS: QoS
  /** The server takes retained messages. */
  readonly retainAvailable: boolean
  /** Bytes; Infinity where the server sets no limit. */
  readonly maximumPacketSize: number
  /** Topic aliases that the server takes. */
  readonly topicAliasMaximum: number
  /** The server takes + and #. */
  readonly wildcardSubscriptionAvailable: boolean
  /** The server takes subscription identifiers. */
  readonly subscriptionIdentifiersAvailable: boolean
  /** The server takes $share filters. */
  readonly sharedSubscriptionAvailable: boolean
}

/** An attempt to come. */
export interface Retry {
  /** Counts from 1 in each outage. */
  readonly attempt: number
  /** ms until it begins. */
  readonly delay: number
  /** Why the link, or the attempt before, failed. */
  readonly error?: IotError
}

/** Control packets of MQTT 5. AUTH is not supported. */
export type PacketType = 'CONNECT' | 'CONNACK' | 'PUBLISH' | 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'
  | 'SUBSCRIBE' | 'SUBACK' | 'UNSUBSCRIBE' | 'UNSUBACK' | 'PINGREQ' | 'PINGRESP' | 'DISCONNECT'

/** A control packet, without payload, user name and password. */
export interface Packet {
  /** Sent by this client, or received by it. */
  readonly direction: 'sent' | 'received'
  /** Kind of packet. */
  readonly type: PacketType
  /** Packet identifier. */
  readonly id?: number
  /** Topic name of a PUBLISH. */
  readonly topic?: string
  /** Topic filters of a SUBSCRIBE or UNSUBSCRIBE. */
  readonly filters?: readonly string[]
  /** QoS of a PUBLISH. */
  readonly qos?: QoS
  /** RETAIN flag of a PUBLISH. */
  readonly retain?: boolean
  /** DUP flag of a PUBLISH. */
  readonly dup?: boolean
  /** Size of the payload of a PUBLISH, in bytes. */
  readonly payloadBytes?: number
  /** Reason codes, where the packet has any. */
  readonly reasonCodes?: readonly number[]
  /** ms since the epoch. */
  readonly at: number
}

/** From the most serious on; each level has all before it. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** What `log` hears. It holds no secret and no payload. */
export interface LogEntry {
  /** How serious it is. */
  readonly level: LogLevel
  /** ms since the epoch. */
  readonly at: number
  /** Client identifier. */
  readonly clientId: string
  /** What happened, for a person. */
  readonly message: string
  /** What failed, where something did. */
  readonly error?: IotError
  /** The packet, at level `debug`. */
  readonly packet?: Packet
}

/** Figures since the client was made. Rates are of the time between two calls. */
export interface Stats {
  /** Control packets. */
  readonly packetsReceived: number
  /** Control packets. */
  readonly packetsSent: number
  /** Bytes of MQTT. */
  readonly bytesReceived: number
  /** Bytes of MQTT. */
  readonly bytesSent: number
  /** PUBLISH packets. */
  readonly messagesReceived: number
  /** PUBLISH packets, those sent again included. */
  readonly messagesSent: number
  /** Messages a second since the last call of `stats`. */
  readonly messagesReceivedPerSecond: number
  /** Messages a second since the last call of `stats`. */
  readonly messagesSentPerSecond: number
  /** Messages that wait to be sent. */
  readonly waiting: number
  /** Bytes of the messages that wait to be sent. */
  readonly waitingBytes: number
  /** QoS 1 and 2 messages that are unacknowledged. */
  readonly inFlight: number
  /** Messages that the bounds of the queue refused or took out. */
  readonly dropped: number
  /** Topic filters subscribed to. */
  readonly subscriptions: number
  /** Links made; one less than this is how often it reconnected. */
  readonly links: number
  /** ms from the last PINGREQ to its PINGRESP. */
  readonly pingRoundTrip?: number
  /** ms from the last QoS 1 PUBLISH to its PUBACK. */
  readonly pubackRoundTrip?: number
  /** When the present link was made, in ms since the epoch. */
  readonly connectedAt?: number
}

/** How to send a request, and where its answer is expected. */
export interface RequestOptions {
  /** Where the answer is expected. Default: `topic` and `/response/` and the client identifier. */
  responseTopic?: string
  /** Of the request, and the highest of the answer. Default: 0. */
  qos?: QoS
  /** Further properties of the request. */
  properties?: Omit<PublishProperties, 'responseTopic' | 'correlationData'>
  /** Limit for the answer, in ms. Default: 30000. */
  timeout?: number
  /** Stops waiting for the answer. */
  signal?: AbortSignal
}

/** JSON of a shadow's state. */
export type ShadowState = Record<string, unknown>

/** A Device Shadow document, as the service answers. */
export interface ShadowDocument {
  /** Its sections, as far as there are any. */
  readonly state: {
    readonly desired?: ShadowState
    readonly reported?: ShadowState
    /** Where desired and reported differ. */
    readonly delta?: ShadowState
  }
  /** When each field was changed, in seconds since the epoch. */
  readonly metadata?: Record<string, unknown>
  /** Raised by one with each update. */
  readonly version: number
  /** Seconds since the epoch. */
  readonly timestamp?: number
}

/** What an update changes. `null` removes a key, or a whole section. */
export interface ShadowUpdate {
  /** What is wanted. */
  desired?: ShadowState | null
  /** What is. */
  reported?: ShadowState | null
}

/** How long to wait for the Device Shadow service. */
export interface ShadowRequestOptions {
  /** Limit in ms for all of it: waiting, trying again after 429, the answer. Default: 10000. */
  timeout?: number
  /** Stops waiting for the answer. */
  signal?: AbortSignal
}

/** How to update a shadow. */
export interface ShadowUpdateOptions extends ShadowRequestOptions {
  /** The version that the change is for: another is rejected with 409. */
  version?: number
}

/** How to watch a shadow. */
export interface WatchOptions {
  /** Ends the iteration. */
  signal?: AbortSignal
  /** Keep integers beyond 2^53 exact, as `bigint`. Default: false. */
  exactIntegers?: boolean
}

/** One state of a watched shadow. */
export interface ShadowView {
  /** What is wanted. */
  readonly desired: ShadowState
  /** What is. */
  readonly reported: ShadowState
  /** The desired fields that differ from what is reported. */
  readonly delta: ShadowState
  /** Version of the document; 0 where there never was one. */
  readonly version: number
  /** True where the shadow does not exist, or was deleted. */
  readonly deleted: boolean
}

/**
 * A Device Shadow over MQTT (AWS IoT developer guide, "Device Shadow MQTT
 * topics"). Requests are matched with their answers by client token; at most 10
 * of a thing are in flight, the others wait; 429 is tried again with back-off.
 *
 * Its calls throw an {@link IotError}: `shadow-rejected` (`reasonCode` is the service's
 * code, 404 or 409 for example), `timeout`, `invalid-argument` (also where the
 * document is over 8 KB), and those of `subscribe` and `publish`.
 */
export interface Shadow {
  /** Name of the thing. */
  readonly thingName: string
  /** Name of a named shadow; undefined for the classic one. */
  readonly shadowName: string | undefined
  /** Reads the document. */
  get(options?: ShadowRequestOptions & { exactIntegers?: boolean }): Promise<ShadowDocument>
  /** Changes fields; resolves with what was accepted. */
  update(change: ShadowUpdate, options?: ShadowUpdateOptions): Promise<ShadowDocument>
  /** Reads, lets `change` say what to change, and updates that version; again from the start at 409, at most `attempts` times (default: 5). Where there is no shadow it creates one, without a version. */
  modify(change: (now: ShadowView) => ShadowUpdate | Promise<ShadowUpdate>, options?: ShadowRequestOptions & { attempts?: number }): Promise<ShadowDocument>
  /** Deletes the shadow; resolves with its last version. */
  delete(options?: ShadowRequestOptions): Promise<{ version: number }>
  /** Yields the shadow now, and then each newer version of it, once and in order. */
  watch(options?: WatchOptions): AsyncIterable<ShadowView>
  /** Ends its subscriptions. */
  close(): Promise<void>
  /** `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Events of a client, with their handlers; see `on`. */
export interface ClientEvents {
  /** The state changed; `error` says why where it is not by the page's own wish. */
  state: (state: ClientState, error?: IotError) => void
  /** A new link stands: after `connect`, after each outage and each renewal. */
  connect: (connack: Connack) => void
  /** An attempt to replace a lost link is to come. */
  reconnect: (retry: Retry) => void
  /** The link is gone, and the client tries to replace it. Once for each outage. */
  offline: (error?: IotError) => void
  /** A control packet was sent or received. */
  packet: (packet: Packet) => void
  /** Each received message, whatever subscription it is for. */
  message: (message: Message) => void
  /** The server sent a DISCONNECT. */
  disconnect: (packet: ServerDisconnect) => void
  /** The client is closed for good; `error` is there unless the page closed it. */
  close: (error?: IotError) => void
  /** Something failed that no promise reports. */
  error: (error: IotError) => void
}

/** How to wait for a new link. */
export interface RenewOptions {
  /** Stops waiting for the new link, which is made all the same. */
  signal?: AbortSignal
}

/** What the DISCONNECT says. */
export interface CloseOptions {
  /** Reason code of the DISCONNECT. Default: 0x00; 0x04 has the will published. */
  reasonCode?: number
  /** Properties of the DISCONNECT. */
  properties?: { reasonString?: string, userProperties?: UserProperties, sessionExpiryInterval?: number }
}

/** One MQTT 5 connection, kept over outages until `close`. */
export interface Client {
  /** Where the connection is. */
  readonly state: ClientState
  /** The client identifier in use; the one that the server assigned where it did. */
  readonly clientId: string
  /** The CONNACK of the present, or last, link. */
  readonly connack: Connack
  /** What is in force on that link. */
  readonly negotiated: Negotiated

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
   * PUBACK, for QoS 2 on the PUBCOMP. Messages go out in the order of the calls,
   * also over an outage, during which they wait within the bounds of `queue`.
   *
   * @throws {IotError} `invalid-argument`, `publish-refused` (with `reasonCode`),
   * `closed` (never sent), `transport-closed` (sent, outcome unknown),
   * `quota-exceeded` (the queue is full), `timeout`, `aborted`.
   */
  publish(topic: string, payload: Payload, options?: PublishOptions): Promise<PublishResult>

  /**
   * Publishes later: one message, or several in one run. Returns at once; bad
   * arguments throw at once, and then nothing of the run is sent.
   *
   * @throws {IotError} `invalid-argument`, `closed`.
   */
  publishDelayed(topic: string, payload: DelayedStepOptions['payload'], options: Omit<DelayedStepOptions, 'topic' | 'payload'> & DelayedOptions): DelayedRun
  publishDelayed(steps: readonly DelayedStepOptions[], options?: DelayedOptions): DelayedRun

  /** The runs of this client that have not finished, and the last 20 that have, in the order of their start. */
  delayed(): readonly DelayedRun[]

  /**
   * Takes up the run that was kept under this name. Resolves with undefined where
   * none is kept.
   *
   * @throws {IotError} `invalid-argument`, `closed`, `storage-failed`.
   */
  resumeDelayed(persist: string, options?: Pick<DelayedOptions, 'missed' | 'signal'>): Promise<DelayedRun | undefined>

  /**
   * Publishes a request and resolves with the answer: the message on the response
   * topic that carries the request's correlation data.
   *
   * @throws {IotError} as `subscribe` and `publish`, and `timeout` without an answer.
   */
  request(topic: string, payload: Payload, options?: RequestOptions): Promise<Message>

  /** The Device Shadow of a thing: the classic one, or a named one. */
  shadow(thingName: string, shadowName?: string): Shadow

  /** Replaces the link by a new one with new credentials, losing nothing: what is in flight is acknowledged first, what is new waits. */
  renew(options?: RenewOptions): Promise<void>

  /** The figures of this client. */
  stats(): Promise<Stats>

  /** Listens to an event. Returns the function that stops it. */
  on<E extends keyof ClientEvents>(event: E, handler: ClientEvents[E]): () => void

  /** Sends a DISCONNECT and closes. Resolves within a second, also when the server is gone. What is still unsettled is rejected with `closed` or `transport-closed`. */
  close(options?: CloseOptions): Promise<void>
  /** `await using`: closes. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Stable codes, for programs:
 * - `invalid-argument`: a field is wrong; `field` names it. Nothing was sent.
 * - `credentials-failed`: the credentials function failed, or what it gave has expired.
 * - `handshake-failed`: the WebSocket was refused. Browsers hide the reason; `hint` lists what to check, the most probable first.
 * - `connack-refused`: the server refused the CONNECT; see `reasonCode`.
 * - `subscribe-refused`: the server refused the SUBSCRIBE or UNSUBSCRIBE; see `reasonCode`.
 * - `publish-refused`: the server refused the PUBLISH; see `reasonCode`.
 * - `server-disconnect`: the server sent a DISCONNECT; see `reasonCode`.
 * - `transport-closed`: the link ended while this was under way; the outcome is unknown.
 * - `closed`: the client is closed; nothing was sent.
 * - `quota-exceeded`: a bound of the queue or a limit of the server would be passed; nothing was sent.
 * - `shadow-rejected`: the Device Shadow service rejected the request; `reasonCode` is its code, for example 409.
 * - `offline`: there was no link when the delayed step was due; it was not sent.
 * - `storage-failed`: the browser's IndexedDB or Web Locks cannot be used; a run is not kept.
 * - `timeout`: no answer in time; where the message says so, the outcome is unknown.
 * - `aborted`: its `signal` was aborted; `cause` is the signal's reason.
 * - `protocol-error`: the server broke the MQTT 5 protocol.
 * - `load-failed`: the module, or a part of the script, could not be fetched, compiled or started.
 * - `unsupported-environment`: there is no browser, for one while a server renders a page. Importing the package does nothing there; call it in the browser.
 * - `version-mismatch`: the wasm file is of another version than the script.
 * - `runtime-crashed`: the module crashed; connect again, a new one is started.
 * - `internal`: a defect of iotwasm.
 */
export type IotErrorCode =
  | 'invalid-argument' | 'credentials-failed' | 'handshake-failed' | 'connack-refused'
  | 'subscribe-refused' | 'publish-refused' | 'server-disconnect' | 'transport-closed'
  | 'closed' | 'quota-exceeded' | 'shadow-rejected' | 'timeout' | 'aborted' | 'protocol-error' | 'load-failed'
  | 'unsupported-environment' | 'version-mismatch' | 'runtime-crashed' | 'offline' | 'storage-failed' | 'internal'

/** The one kind of error. No text of it holds a key, a token or a signed URL. */
export declare class IotError extends Error {
  private constructor()
  /** Always `IotError`. */
  readonly name: 'IotError'
  /** What failed, for programs; see the list of codes. */
  readonly code: IotErrorCode
  /** Whether the same call may succeed later, without a change. */
  readonly retryable: boolean
  /** The argument that is wrong, for example `credentials.secretAccessKey` or `steps[1].delay`. */
  readonly field?: string
  /** What to check or do, for a person. */
  readonly hint?: string
  /** MQTT 5 reason code, where the server gave one; of the Device Shadow service its code, for example 409. */
  readonly reasonCode?: number
}
