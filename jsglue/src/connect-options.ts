/** Checks what `connect`, `load` and `presign` are given. */
import * as check from './arguments'
import { invalid, IotError } from './errors'
import type { ConnectOptions, ConnectProperties, Credentials, LoadOptions, PresignOptions, Will } from './types'
import type { Properties, Writer } from './wire'

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

/** Credentials as a page or its function gives them. */
export function credentials(value: unknown): Credentials {
  if (typeof value !== 'object' || value === null) throw invalid('credentials', 'be an object with accessKeyId and secretAccessKey, or a function that gives one')
  const c = value as Credentials
  for (const key of ['accessKeyId', 'secretAccessKey'] as const) {
    if (typeof c[key] !== 'string' || c[key] === '') throw invalid(`credentials.${key}`, 'be a non-empty string')
  }
  if (c.sessionToken !== undefined && typeof c.sessionToken !== 'string') throw invalid('credentials.sessionToken', 'be a string')
  check.optional(c.expiration, 'credentials.expiration', check.date)
  return c
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
export type Checked = ConnectOptions & Required<Pick<ConnectOptions, 'clientId' | 'keepAlive' | 'cleanStart' | 'connectTimeout'>>

export function connectOptions(value: unknown): Checked {
  check.object<ConnectOptions>(value, 'options', [
    'endpoint', 'region', 'credentials', 'url', 'clientId', 'keepAlive', 'cleanStart', 'sessionExpiryInterval', 'connectTimeout',
    'username', 'password', 'will', 'properties', 'reconnect', 'clockOffset', 'signal', ...loadKeys,
  ])
  const o = value
  if ((o.endpoint === undefined) === (o.url === undefined)) {
    throw invalid(o.endpoint === undefined ? 'endpoint' : 'url', o.endpoint === undefined ? 'be given, or url' : 'not be given together with endpoint')
  }
  if (o.endpoint !== undefined) {
    check.address(o.endpoint, 'endpoint')
    if (typeof o.credentials !== 'function') credentials(o.credentials)
  } else {
    if (typeof o.url !== 'function') check.address(o.url, 'url')
    if (o.credentials !== undefined) throw invalid('credentials', 'not be given together with url, which is dialled unsigned')
  }
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
  if (o.reconnect !== undefined && o.reconnect !== false) throw invalid('reconnect', 'be false')
  if (typeof o.clockOffset !== 'function') check.optional(o.clockOffset, 'clockOffset', clockOffset)
  check.signal(o.signal, 'signal')
  loadOptions(o)
  return {
    ...o,
    clientId: o.clientId ?? `iotwasm-${crypto.getRandomValues(new Uint32Array(2)).reduce((s, n) => s + n.toString(16).padStart(8, '0'), '')}`,
    keepAlive: o.keepAlive ?? 60,
    cleanStart: o.cleanStart ?? true,
    connectTimeout: o.connectTimeout ?? 30000,
  }
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
  check.object<ConnectProperties>(value, field, ['receiveMaximum', 'maximumPacketSize', 'requestResponseInformation', 'requestProblemInformation', 'userProperties'])
  check.optional(value.receiveMaximum, `${field}.receiveMaximum`, check.integer(1, 0xffff))
  check.optional(value.maximumPacketSize, `${field}.maximumPacketSize`, check.integer(1, 0xffffffff))
  check.optional(value.requestResponseInformation, `${field}.requestResponseInformation`, check.flag)
  check.optional(value.requestProblemInformation, `${field}.requestProblemInformation`, check.flag)
  check.optional(value.userProperties, `${field}.userProperties`, check.userProperties)
}

/** Writes the body of a `connect` record after client and op. */
export function writeConnect(w: Writer, o: Checked): void {
  w.data(o.clientId).u16(o.keepAlive).bool(o.cleanStart).u32(o.connectTimeout)
    .bool(o.username !== undefined).data(o.username ?? '')
    .bool(o.password !== undefined).data(o.password ?? '')
  const properties: Properties = { ...o.properties }
  if (o.sessionExpiryInterval !== undefined) properties.sessionExpiryInterval = o.sessionExpiryInterval
  w.properties(properties).bool(o.will !== undefined)
  if (o.will) {
    w.data(o.will.topic).data(check.payload(o.will.payload ?? '', 'will.payload')).u8(o.will.qos ?? 0).bool(o.will.retain ?? false).properties(o.will.properties)
  }
}

/** Writes what presign signs, from `op` on. */
export function writePresign(w: Writer, op: number, o: Partial<Omit<PresignOptions, 'credentials'>>, c?: Credentials): void {
  w.u32(op).data(o.endpoint ?? '').data(o.region ?? '')
    .data(c?.accessKeyId ?? '').data(c?.secretAccessKey ?? '').data(c?.sessionToken ?? '')
    .f64(o.date?.getTime() ?? 0).u32(o.expires ?? 0)
}

/** What to dial for one attempt: asks the functions of the page. */
export interface Target {
  url: string
  credentials: Credentials | undefined
  clockOffset: number
}

export async function target(o: Checked): Promise<Target> {
  const offset = typeof o.clockOffset === 'function' ? clockOffset(await ask('clockOffset', o.clockOffset), 'clockOffset') : o.clockOffset ?? 0
  if (o.url !== undefined) {
    const url = typeof o.url === 'function' ? check.address(await ask('url', o.url), 'url') : o.url
    return { url, credentials: undefined, clockOffset: offset }
  }
  let c: Credentials
  try {
    c = credentials(typeof o.credentials === 'function' ? await ask('credentials', o.credentials) : o.credentials)
  } catch (e) {
    const field = (e as IotError).field
    if ((e as IotError).code !== 'invalid-argument') throw e
    throw new IotError('credentials-failed', `what the credentials function gave is not usable: ${(e as Error).message}`, { field })
  }
  if (c.expiration && c.expiration.getTime() <= Date.now() + offset) {
    throw new IotError('credentials-failed', `the credentials expired at ${c.expiration.toISOString()}`, {
      field: 'credentials.expiration', hint: 'Give a function that fetches new credentials, such as an AWS SDK credential provider.',
    })
  }
  return { url: '', credentials: c, clockOffset: offset }
}

async function ask<T>(field: 'credentials' | 'url' | 'clockOffset', f: () => T | Promise<T>): Promise<T> {
  try {
    return await f()
  } catch (cause) {
    throw new IotError('credentials-failed', `the ${field} function failed`, { field, cause, retryable: true, hint: 'See cause for what it threw.' })
  }
}
