/** Checks what `connect`, `load` and `presign` are given. */
import * as check from './arguments'
import { credentials, currentCredentials, inTime, type KnownCredentials } from './credentials'
import { invalid, IotError } from './errors'
import type { Authorizer, ConnectOptions, ConnectProperties, Credentials, Limits, LoadOptions, LogLevel, PresignOptions, QueueOptions, ReconnectOptions, Will } from './types'
import { OnRefusal, type Properties, type Writer } from './wire'

const loadKeys = ['worker', 'wasmURL', 'workerURL', 'integrity', 'wasmModule'] as const

export function loadOptions(o: LoadOptions): LoadOptions {
  check.optional(o.worker, 'worker', check.flag)
  check.optional(o.wasmURL, 'wasmURL', fileAddress)
  check.optional(o.workerURL, 'workerURL', fileAddress)
  check.optional(o.integrity, 'integrity', check.text)
  if (o.wasmModule !== undefined && !(o.wasmModule instanceof WebAssembly.Module)) throw invalid('wasmModule', 'be a WebAssembly.Module')
  return o
}

export function onlyLoadOptions(value: unknown): LoadOptions {
  if (value === undefined) return {}
  check.object<LoadOptions>(value, 'options', loadKeys)
  return loadOptions(value)
}

function fileAddress(value: unknown, field: string): string | URL {
  if (typeof value !== 'string' && !(value instanceof URL)) throw invalid(field, 'be a string or a URL')
  return value
}

export function presignOptions(value: unknown): PresignOptions & LoadOptions {
  check.object<PresignOptions & LoadOptions>(value, 'options', ['endpoint', 'region', 'credentials', 'date', 'expires', ...loadKeys])
  check.address(value.endpoint, 'endpoint')
  check.optional(value.region, 'region', check.text)
  credentials(value.credentials)
  check.optional(value.date, 'date', check.date)
  check.optional(value.expires, 'expires', check.integer(1, 604800))
  loadOptions(value)
  return value
}

/** ConnectOptions, checked, with defaults. */
export interface Checked extends ConnectOptions {
  clientId: string
  keepAlive: number
  cleanStart: boolean
  connectTimeout: number
  sessionExpiryInterval: number
  /** The session ends with `close`: the page did not ask for one. */
  ownSession: boolean
  back: Required<ReconnectOptions> | undefined
  /** Each wait is exactly `back.minDelay`. */
  steady?: boolean
  /** One of OnRefusal. */
  onRefusal?: number
  room: Required<QueueOptions>
  bounds: Required<Limits>
  maxConnectionAge: number
  logLevel: LogLevel
}

const noLimits: Required<Limits> = {
  publishesPerSecond: 0, bytesPerSecond: 0, inFlight: 0, payloadBytes: 0, topicBytes: 0, topicSlashes: 0, filtersPerSubscribe: 0, subscriptions: 0,
  shadowRequestsPerSecond: 0, shadowInFlight: 0,
}

/** AWS IoT Core endpoints and quotas, "AWS IoT Core message broker and protocol limits and quotas". */
export const awsLimits: Required<Limits> = {
  publishesPerSecond: 100, bytesPerSecond: 512 * 1024, inFlight: 100, payloadBytes: 128 * 1024, topicBytes: 256, topicSlashes: 7, filtersPerSubscribe: 8, subscriptions: 50,
  shadowRequestsPerSecond: 20, shadowInFlight: 9,
}

/** AWS IoT Core ends a WebSocket after 24 hours. */
const awsConnectionAge = (23 * 60 + 45) * 60_000

export function connectOptions(value: unknown): Checked {
  check.object<ConnectOptions>(value, 'options', [
    'endpoint', 'region', 'credentials', 'authorizer', 'url', 'clientId', 'keepAlive', 'cleanStart', 'sessionExpiryInterval', 'connectTimeout',
    'username', 'password', 'will', 'properties', 'reconnect', 'resubscribe', 'queue', 'limits', 'topicAliases', 'maxConnectionAge',
    'log', 'logLevel', 'clockOffset', 'signal', ...loadKeys,
  ])
  const o = value
  server(o)
  check.optional(o.region, 'region', check.text)
  check.optional(o.clientId, 'clientId', check.text)
  check.optional(o.keepAlive, 'keepAlive', check.u16)
  check.optional(o.cleanStart, 'cleanStart', check.flag)
  check.optional(o.sessionExpiryInterval, 'sessionExpiryInterval', check.u32)
  check.optional(o.connectTimeout, 'connectTimeout', check.integer(1, 0x7fffffff))
  check.optional(o.username, 'username', check.text)
  if (typeof o.password !== 'string') check.optional(o.password, 'password', check.bytes)
  check.optional(o.will, 'will', will)
  check.optional(o.properties, 'properties', connectProperties)
  check.optional(o.resubscribe, 'resubscribe', check.flag)
  check.optional(o.topicAliases, 'topicAliases', check.flag)
  check.optional(o.maxConnectionAge, 'maxConnectionAge', check.u32)
  if (o.log !== undefined && typeof o.log !== 'function') throw invalid('log', 'be a function')
  if (o.logLevel !== undefined && !['error', 'warn', 'info', 'debug'].includes(o.logLevel)) throw invalid('logLevel', 'be error, warn, info or debug')
  if (typeof o.clockOffset !== 'function') check.optional(o.clockOffset, 'clockOffset', clockOffset)
  check.signal(o.signal, 'signal')
  loadOptions(o)
  const back = o.reconnect === false ? undefined : reconnectOptions(o.reconnect === undefined ? {} : o.reconnect)
  return {
    ...o,
    clientId: o.clientId ?? `iotwasm-${randomHex(8)}`,
    keepAlive: o.keepAlive ?? 60,
    cleanStart: o.cleanStart ?? true,
    connectTimeout: o.connectTimeout ?? 30000,
    sessionExpiryInterval: o.sessionExpiryInterval ?? (back ? 300 : 0),
    ownSession: o.sessionExpiryInterval === undefined,
    back,
    room: queueOptions(o.queue === undefined ? {} : o.queue),
    bounds: o.limits === false ? noLimits : limits(o.limits === undefined ? {} : o.limits, o.endpoint === undefined ? noLimits : awsLimits),
    maxConnectionAge: o.maxConnectionAge ?? (o.endpoint === undefined ? 0 : awsConnectionAge),
    logLevel: o.logLevel ?? 'info',
  }
}

/** Random bytes as hexadecimal digits. */
export function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).reduce((s, n) => s + n.toString(16).padStart(2, '0'), '')
}

/** What to connect to, and with what: one of endpoint and url, and what belongs to it. */
function server(o: ConnectOptions): void {
  if (o.endpoint === undefined && o.url === undefined) throw invalid('endpoint', 'be given, or url')
  if (o.endpoint === undefined) {
    if (typeof o.url !== 'function') check.address(o.url, 'url')
    for (const key of ['credentials', 'authorizer'] as const) {
      if (o[key] !== undefined) throw invalid(key, 'not be given together with url, which is dialled as it stands')
    }
    return
  }
  if (o.url !== undefined) throw invalid('url', 'not be given together with endpoint')
  check.address(o.endpoint, 'endpoint')
  if (o.authorizer === undefined) {
    if (typeof o.credentials !== 'function') credentials(o.credentials)
    return
  }
  if (o.credentials !== undefined) throw invalid('authorizer', 'not be given together with credentials')
  authorizer(o.authorizer)
  for (const key of ['username', 'password'] as const) {
    if (o[key] !== undefined) throw invalid(key, `not be given together with authorizer: use authorizer.${key}`)
  }
}

function authorizer(a: unknown): void {
  check.object<Authorizer>(a, 'authorizer', ['name', 'token', 'tokenKeyName', 'signature', 'username', 'password'])
  if (check.text(a.name, 'authorizer.name') === '') throw invalid('authorizer.name', 'not be empty')
  for (const key of ['token', 'tokenKeyName', 'signature', 'username'] as const) check.optional(a[key], `authorizer.${key}`, check.text)
  if (a.signature !== undefined && a.token === undefined) throw invalid('authorizer.token', 'be given with signature')
  if (typeof a.password !== 'string') check.optional(a.password, 'authorizer.password', check.bytes)
}

function reconnectOptions(r: unknown): Required<ReconnectOptions> {
  if (r === true) return reconnectOptions({})
  check.object<ReconnectOptions>(r, 'reconnect', ['minDelay', 'maxDelay', 'stableAfter'])
  const back = {
    minDelay: check.optional(r.minDelay, 'reconnect.minDelay', check.integer(1, 0x7fffffff)) ?? 1000,
    maxDelay: check.optional(r.maxDelay, 'reconnect.maxDelay', check.integer(1, 0x7fffffff)) ?? Math.max(60_000, r.minDelay ?? 0),
    stableAfter: check.optional(r.stableAfter, 'reconnect.stableAfter', check.u32) ?? 30_000,
  }
  if (back.maxDelay < back.minDelay) throw invalid('reconnect.maxDelay', 'be at least reconnect.minDelay')
  return back
}

function queueOptions(q: unknown): Required<QueueOptions> {
  check.object<QueueOptions>(q, 'queue', ['maxMessages', 'maxBytes', 'maxAge', 'overflow'])
  const overflow = q.overflow ?? 'reject'
  if (overflow !== 'reject' && overflow !== 'drop-oldest') throw invalid('queue.overflow', 'be reject or drop-oldest')
  return {
    maxMessages: check.optional(q.maxMessages, 'queue.maxMessages', check.u32) ?? 100_000,
    maxBytes: check.optional(q.maxBytes, 'queue.maxBytes', check.u32) ?? 64 << 20,
    maxAge: check.optional(q.maxAge, 'queue.maxAge', check.u32) ?? 0,
    overflow,
  }
}

function limits(l: unknown, defaults: Required<Limits>): Required<Limits> {
  const keys = Object.keys(defaults) as (keyof Limits)[]
  check.object<Limits>(l, 'limits', keys)
  const out = { ...defaults }
  for (const key of keys) out[key] = check.optional(l[key], `limits.${key}`, check.u32) ?? defaults[key]
  return out
}

export function clockOffset(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'be a number of milliseconds')
  return value
}

function will(value: unknown, field: string): void {
  check.object<Will>(value, field, ['topic', 'payload', 'qos', 'retain', 'properties'])
  check.message(value.topic, value.payload ?? '', { ...value, properties: undefined }, `${field}.`)
  check.publishProperties(value.properties, `${field}.properties`, ['willDelayInterval'])
  check.optional(value.properties?.willDelayInterval, `${field}.properties.willDelayInterval`, check.u32)
}

function connectProperties(value: unknown, field: string): void {
  for (const key of ['authenticationMethod', 'authenticationData']) {
    if (typeof value === 'object' && value !== null && key in value) throw invalid(`${field}.${key}`, 'not be given: enhanced authentication (AUTH packets) is not supported')
  }
  check.object<ConnectProperties>(value, field, ['receiveMaximum', 'maximumPacketSize', 'topicAliasMaximum', 'requestResponseInformation', 'requestProblemInformation', 'userProperties'])
  check.optional(value.topicAliasMaximum, `${field}.topicAliasMaximum`, check.u16)
  check.optional(value.receiveMaximum, `${field}.receiveMaximum`, check.integer(1, 0xffff))
  check.optional(value.maximumPacketSize, `${field}.maximumPacketSize`, check.integer(1, 0xffffffff))
  check.optional(value.requestResponseInformation, `${field}.requestResponseInformation`, check.flag)
  check.optional(value.requestProblemInformation, `${field}.requestProblemInformation`, check.flag)
  check.optional(value.userProperties, `${field}.userProperties`, check.userProperties)
}

/** Writes the body of a `connect` record after client and op. */
export function writeConnect(w: Writer, o: Checked): void {
  const { username, password } = o.authorizer ? authorizerLogin(o.authorizer) : o
  writeLogin(w, { clientId: o.clientId, username, password })
  w.u16(o.keepAlive).bool(o.cleanStart).u32(o.connectTimeout)
  const properties: Properties = { ...o.properties }
  if (o.sessionExpiryInterval > 0) properties.sessionExpiryInterval = o.sessionExpiryInterval
  w.properties(properties).bool(o.will !== undefined)
  if (o.will) {
    w.data(o.will.topic).data(check.payload(o.will.payload ?? '', 'will.payload')).u8(o.will.qos ?? 0).bool(o.will.retain ?? false).properties(o.will.properties)
  }
  w.bool(o.back !== undefined).u32(o.back?.minDelay ?? 1000).u32(o.back?.maxDelay ?? 60_000).u32(o.back?.stableAfter ?? 30_000).u32(o.maxConnectionAge)
    .bool(o.steady ?? false).u8(o.onRefusal ?? OnRefusal.close)
    .bool(o.resubscribe ?? true).bool(o.topicAliases ?? false)
    .u32(o.room.maxMessages).u32(o.room.maxBytes).u32(o.room.maxAge).bool(o.room.overflow === 'drop-oldest')
  const b = o.bounds
  for (const n of [b.publishesPerSecond, b.bytesPerSecond, b.inFlight, b.filtersPerSubscribe]) w.u32(n)
}

/** Who a CONNECT says that the client is. */
export interface Login {
  clientId: string
  username?: string | undefined
  password?: string | Uint8Array | undefined
}

export function writeLogin(w: Writer, { clientId, username, password }: Login): void {
  w.data(clientId)
    .bool(username !== undefined).data(username ?? '')
    .bool(password !== undefined).data(password ?? '')
}

/** The authorizer's parameters, by the names of the developer guide, "Custom authentication". */
function authorizerQuery(a: Authorizer): string {
  const parameters = [['x-amz-customauthorizer-name', a.name]]
  if (a.signature !== undefined) parameters.push(['x-amz-customauthorizer-signature', a.signature])
  if (a.token !== undefined) parameters.push([a.tokenKeyName ?? 'token', a.token])
  return parameters.map(([k, v]) => `${encodeURIComponent(k!)}=${encodeURIComponent(v!)}`).join('&')
}

const inUsername = (a: Authorizer): boolean => a.username !== undefined || a.password !== undefined

function authorizerLogin(a: Authorizer): { username?: string, password?: string | Uint8Array } {
  if (!inUsername(a)) return {}
  return { username: `${a.username ?? ''}?${authorizerQuery(a)}`, ...(a.password !== undefined && { password: a.password }) }
}

/** The URL for an authorizer: nothing is signed. */
function authorizerURL(endpoint: string, a: Authorizer): string {
  const base = endpoint.includes('://') ? endpoint : `wss://${endpoint}`
  return `${base.replace(/\/(mqtt)?$/, '')}/mqtt${inUsername(a) ? '' : `?${authorizerQuery(a)}`}`
}

/** Writes what presign signs, from `op` on. */
export function writePresign(w: Writer, op: number, o: Partial<Omit<PresignOptions, 'credentials'>>, c?: Credentials): void {
  w.u32(op).data(o.endpoint ?? '').data(o.region ?? '')
    .data(c?.accessKeyId ?? '').data(c?.secretAccessKey ?? '').data(c?.sessionToken ?? '')
    .f64(o.date?.getTime() ?? 0).u32(o.expires ?? 0)
}

/** What to dial for one attempt. */
export interface Target {
  url: string
  credentials: KnownCredentials | undefined
  clockOffset: number
  /** In the place of the options'. */
  login?: Login
}

/** Asks the functions of the page what to dial. */
export async function target(o: Checked): Promise<Target> {
  const timeout = Math.ceil(0.9 * o.connectTimeout) // so that what hangs is named before the attempt ends
  const offset = typeof o.clockOffset === 'function' ? clockOffset(await ask('clockOffset', o.clockOffset, timeout), 'clockOffset') : o.clockOffset ?? 0
  if (o.url !== undefined) {
    const url = typeof o.url === 'function' ? check.address(await ask('url', o.url, timeout), 'url') : o.url
    return { url, credentials: undefined, clockOffset: offset }
  }
  if (o.authorizer) return { url: authorizerURL(o.endpoint!, o.authorizer), credentials: undefined, clockOffset: offset }
  const given = typeof o.credentials === 'function' ? await currentCredentials(o.credentials, timeout) : credentials(o.credentials)
  if (given.expiration && given.expiration.getTime() <= Date.now() + offset) {
    throw new IotError('credentials-failed', `the credentials expired at ${given.expiration.toISOString()}`, {
      field: 'credentials.expiration', hint: 'Give a function that fetches new credentials, such as an AWS SDK credential provider.',
    })
  }
  return { url: '', credentials: given, clockOffset: offset }
}

async function ask<T>(field: 'url' | 'clockOffset', f: () => T | Promise<T>, timeout: number): Promise<T> {
  const call = async (): Promise<T> => {
    try {
      return await f()
    } catch (cause) {
      throw new IotError('credentials-failed', `the ${field} function failed`, { field, cause, retryable: true, hint: 'See cause for what it threw.' })
    }
  }
  return inTime(call(), field, timeout)
}
