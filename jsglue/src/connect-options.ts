/** Checks what `connect`, `load` and `presign` are given. */
import * as check from './arguments'
import { credentials, currentCredentials, inTime, type KnownCredentials } from './credentials'
import { invalid, IotError } from './errors'
import { OnRefusal } from './kinds'
import type { Authorizer, ConnectOptions, ConnectProperties, Credentials, Limits, LoadOptions, LogLevel, PresignOptions, QueueOptions, ReconnectOptions, Will } from './types'
import type { Properties, Writer } from './wire'

const loadChecks = {
  worker: (value: unknown, field: string) => value === 'blob' ? value : check.flag(value, field), wasmURL: fileAddress, workerURL: fileAddress, integrity: check.text, signal: check.signal,
  wasmModule: check.instance(() => WebAssembly.Module, 'a WebAssembly.Module'),
}

export function onlyLoadOptions(value: unknown = {}): LoadOptions {
  return check.fields<LoadOptions>(value, 'options', loadChecks)
}

function fileAddress(value: unknown, field: string): string | URL {
  if (typeof value !== 'string' && !(value instanceof URL)) throw invalid(field, 'be a string or a URL')
  return value
}

export function presignOptions(value: unknown): PresignOptions & LoadOptions & { credentials: KnownCredentials } {
  const o = check.fields<PresignOptions & LoadOptions>(value, 'options', {
    endpoint: check.address, region: check.text, credentials: check.any, date: check.date, expires: check.integer(1, 604800), ...loadChecks,
  })
  check.address(o.endpoint, 'endpoint')
  return { ...o, credentials: credentials(o.credentials) }
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
  /** Credentials that were asked for ahead of the first attempt. */
  ahead?: Promise<KnownCredentials> | undefined
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

/** Text or bytes. */
const secret = (value: unknown, field: string): unknown => typeof value === 'string' ? value : check.bytes(value, field)

/** A check that lets functions through. */
const orFunction = (other: check.Check): check.Check => (value, field) => typeof value === 'function' ? value : other(value, field)

export function connectOptions(value: unknown): Checked {
  const o = check.fields<ConnectOptions>(value, 'options', {
    endpoint: check.address, region: check.text, credentials: orFunction(credentials), authorizer, url: orFunction(check.address),
    clientId: check.text, keepAlive: check.u16, cleanStart: check.flag, sessionExpiryInterval: check.u32, connectTimeout: check.duration,
    username: check.text, password: secret, will, properties: connectProperties,
    reconnect: check.any, resubscribe: check.flag, queue: queueOptions, limits: check.any, topicAliases: check.flag, maxConnectionAge: check.u32,
    log: check.method, logLevel: check.oneOf('error', 'warn', 'info', 'debug'), clockOffset: orFunction(clockOffset), ...loadChecks,
  })
  server(o)
  const { reconnect = {}, limits: given = {} } = o, aws = o.endpoint !== undefined
  const back = reconnect === false ? undefined : reconnectOptions(reconnect)
  return {
    clientId: `iotwasm-${randomHex(8)}`, keepAlive: 60, cleanStart: true, connectTimeout: 30000, sessionExpiryInterval: back ? 300 : 0,
    maxConnectionAge: aws ? awsConnectionAge : 0, logLevel: 'info',
    ...o,
    ownSession: o.sessionExpiryInterval === undefined,
    back,
    room: o.queue as Required<QueueOptions> | undefined ?? queueOptions({}, ''),
    bounds: given === false ? noLimits : limits(given, aws ? awsLimits : noLimits),
  }
}

/** Random bytes as hexadecimal digits. */
export function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).reduce((s, n) => s + n.toString(16).padStart(2, '0'), '')
}

/** What to connect to, and with what: one of endpoint and url, and what belongs to it. */
function server(o: ConnectOptions): void {
  const without = (other: string, ...keys: (keyof ConnectOptions)[]): void => {
    for (const key of keys) if (o[key] !== undefined) throw invalid(key, `not be given together with ${other}`)
  }
  if (o.endpoint === undefined) {
    if (o.url === undefined) throw invalid('endpoint', 'be given, or url')
    return without('url, which is dialled as it stands', 'credentials', 'authorizer')
  }
  without('endpoint', 'url')
  if (o.authorizer === undefined) {
    if (o.credentials === undefined) credentials(undefined)
    return
  }
  if (o.credentials !== undefined) throw invalid('authorizer', 'not be given together with credentials')
  without('authorizer, which has its own', 'username', 'password')
}

function authorizer(value: unknown, field: string): Authorizer {
  const a = check.fields<Authorizer>(value, field, {
    name: check.address, token: check.text, tokenKeyName: check.text, signature: check.text, username: check.text, password: secret,
  })
  check.address(a.name, `${field}.name`)
  if (a.signature !== undefined && a.token === undefined) throw invalid(`${field}.token`, 'be given with signature')
  return a
}

function reconnectOptions(r: unknown): Required<ReconnectOptions> {
  const given = check.fields<ReconnectOptions>(r === true ? {} : r, 'reconnect', { minDelay: check.duration, maxDelay: check.duration, stableAfter: check.u32 })
  const back = { minDelay: 1000, maxDelay: Math.max(60_000, given.minDelay ?? 0), stableAfter: 30_000, ...given }
  if (back.maxDelay < back.minDelay) throw invalid('reconnect.maxDelay', 'be at least reconnect.minDelay')
  return back
}

function queueOptions(q: unknown, field: string): Required<QueueOptions> {
  return {
    maxMessages: 100_000, maxBytes: 64 << 20, maxAge: 0, overflow: 'reject',
    ...check.fields<QueueOptions>(q, field, { maxMessages: check.u32, maxBytes: check.u32, maxAge: check.u32, overflow: check.oneOf('reject', 'drop-oldest') }),
  }
}

function limits(l: unknown, defaults: Required<Limits>): Required<Limits> {
  const checks = Object.fromEntries(Object.keys(defaults).map(key => [key, check.u32])) as Record<keyof Limits, check.Check>
  return { ...defaults, ...check.fields<Limits>(l, 'limits', checks) }
}

export function clockOffset(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'be a number of milliseconds')
  return value
}

function will(value: unknown, field: string): Will {
  const given = check.fields<Will>(value, field, {
    topic: check.topicName, payload: check.payload, qos: check.qos, retain: check.flag,
    properties: (properties, at) => check.publishProperties(properties, at, { willDelayInterval: check.u32 }),
  })
  check.topicName(given.topic, `${field}.topic`)
  return given
}

function connectProperties(value: unknown, field: string): ConnectProperties {
  for (const key of ['authenticationMethod', 'authenticationData']) {
    if (typeof value === 'object' && value !== null && key in value) throw invalid(`${field}.${key}`, 'not be given: enhanced authentication (AUTH packets) is not supported')
  }
  return check.fields<ConnectProperties>(value, field, {
    receiveMaximum: check.integer(1, 0xffff), maximumPacketSize: check.integer(1, 0xffffffff), topicAliasMaximum: check.u16,
    requestResponseInformation: check.flag, requestProblemInformation: check.flag, userProperties: check.userProperties,
  })
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

/** How long functions of the page may take, so that what hangs is named before the attempt ends. */
const patience = (o: Checked): number => Math.ceil(0.9 * o.connectTimeout)

/** Asks for credentials while the module loads. */
export function askAhead(o: Checked): void {
  if (typeof o.credentials !== 'function') return
  o.ahead = currentCredentials(o.credentials, patience(o))
  o.ahead.catch(() => undefined) // the attempt tells
}

/** Asks the functions of the page what to dial. */
export async function target(o: Checked): Promise<Target> {
  const timeout = patience(o), { ahead } = o
  o.ahead = undefined
  const offset = typeof o.clockOffset === 'function' ? clockOffset(await ask('clockOffset', o.clockOffset, timeout), 'clockOffset') : o.clockOffset ?? 0
  if (o.url !== undefined) {
    const url = typeof o.url === 'function' ? check.address(await ask('url', o.url, timeout), 'url') : o.url
    return { url, credentials: undefined, clockOffset: offset }
  }
  if (o.authorizer) return { url: authorizerURL(o.endpoint!, o.authorizer), credentials: undefined, clockOffset: offset }
  const given = typeof o.credentials === 'function' ? await (ahead ?? currentCredentials(o.credentials, timeout)) : credentials(o.credentials)
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
