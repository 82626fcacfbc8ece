/**
 * Checks what the page passes, before anything is sent. Each function returns
 * the value in the form that is used on, or throws `invalid-argument` with the
 * name of the field.
 */
import { invalid } from './errors'
import type { Properties } from './wire'
import type { CloseOptions, Payload, PublishProperties, QoS, SubscribeOptions, UnsubscribeOptions, UserProperties } from './types'

/** Throws unless `value` is an object whose keys are all known. */
export function object<T extends object>(value: unknown, field: string, keys: readonly (keyof T & string)[]): asserts value is T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'be an object')
  for (const key of Object.keys(value)) {
    if (!(keys as readonly string[]).includes(key)) {
      throw invalid(field === 'options' ? key : `${field}.${key}`, 'not be given: there is no such option', `Known here: ${keys.join(', ')}.`)
    }
  }
}

export type Check<T = unknown> = (value: unknown, field: string) => T

/** What is given of these fields, each as its check returns it. Throws unless `value` is an object of nothing else. */
export function fields<T extends object>(value: unknown, field: string, checks: Record<keyof T & string, Check>): T {
  const keys = Object.keys(checks) as (keyof T & string)[], out: Partial<T> = {}
  object<T>(value, field, keys)
  for (const key of keys) {
    if (value[key] !== undefined) out[key] = checks[key](value[key], field === 'options' ? key : `${field}.${key}`) as T[typeof key]
  }
  return out as T
}

export const any: Check = value => value

/** A check for one of these strings. */
export const oneOf = (...known: string[]): Check => (value, field) => {
  if (!known.includes(value as string)) throw invalid(field, `be ${known.join(', ').replace(/, (?!.*, )/, ' or ')}`)
  return value
}

export const method: Check = (value, field) => {
  if (typeof value !== 'function') throw invalid(field, 'be a function')
  return value
}

/** A check for an object of a class, which may not be there before it is asked for. */
export const instance = <T>(kind: () => abstract new (...args: never[]) => T, name: string) => (value: unknown, field: string): T => {
  if (!(value instanceof kind())) throw invalid(field, `be ${name}`)
  return value
}

export function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field, 'be a string')
  return mqttText(value, field)
}

/** An endpoint or a URL; the Go program looks into it. */
export function address(value: unknown, field: string): string {
  if (value === '') throw invalid(field, 'be a non-empty string')
  return text(value, field)
}

export function optional<T>(value: unknown, field: string, check: (value: unknown, field: string) => T): T | undefined {
  return value === undefined ? undefined : check(value, field)
}

export function flag(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'be true or false')
  return value
}

/** A check for a whole number of a range. */
export function integer(min: number, max: number) {
  return (value: unknown, field: string): number => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) throw invalid(field, `be a whole number from ${min} to ${max}`)
    return value as number
  }
}

export const u16 = integer(0, 0xffff)
export const u32 = integer(0, 0xffffffff)

export function qos(value: unknown, field: string): QoS {
  if (value === undefined) return 0
  if (value !== 0 && value !== 1 && value !== 2) throw invalid(field, 'be 0, 1 or 2')
  return value
}

/** A duration in ms that is used for waiting. */
export function milliseconds(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid(field, 'be a number of milliseconds, 0 or more')
  return value
}

export function date(value: unknown, field: string): Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw invalid(field, 'be a valid Date')
  return value
}

export function signal(value: unknown, field: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof AbortSignal)) throw invalid(field, 'be an AbortSignal')
  return value
}

export function bytes(value: unknown, field: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw invalid(field, 'be a Uint8Array')
}

/** Text or bytes as they are; anything else that JSON can say, as JSON. */
export function payload(value: unknown, field: string): string | Uint8Array {
  if (typeof value === 'string') return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  const must = 'be text, bytes, or an object that JSON can represent'
  if (!isJSON(value)) throw invalid(field, must)
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (e) {
    throw invalid(field, must, e instanceof Error ? e.message : undefined)
  }
  if (json === undefined) throw invalid(field, must)
  return json
}

/** Refuses what JSON.stringify would silently turn into {}: a Blob, a Map, a Promise. */
function isJSON(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const kind = Object.prototype.toString.call(value)
  return kind === '[object Object]' || kind === '[object Array]' || typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

const encoder = /* @__PURE__ */ new TextEncoder()

/** A string of MQTT: at most 65535 bytes of well-formed UTF-8 without U+0000 [MQTT-1.5.4-1, 1.5.4-2]. */
function mqttText(value: string, field: string): string {
  if (value.includes('\0')) throw invalid(field, 'not contain the character U+0000')
  if (/\p{Surrogate}/u.test(value)) throw invalid(field, 'be well-formed Unicode, without half a surrogate pair')
  if (value.length > 21845 && encoder.encode(value).length > 65535) throw invalid(field, 'be at most 65535 bytes long')
  return value
}

/** Pages publish to few topics, one after the other: the last that was good is not looked at again. */
let goodTopic: unknown = NaN // equals nothing

/** A topic name [MQTT-4.7.3-1, 3.3.2-2]. */
export function topicName(value: unknown, field: string): string {
  if (value === goodTopic) return value as string
  const topic = text(value, field)
  if (topic === '') throw invalid(field, 'not be empty')
  if (/[+#]/.test(topic)) throw invalid(field, 'be a topic name, without the wildcards + and #')
  goodTopic = topic
  return topic
}

/** A topic filter, also of a shared subscription [MQTT-4.7.1-1, 4.7.1-2, 4.8.2-1]. */
export function topicFilter(value: unknown, field: string): string {
  const filter = text(value, field)
  if (filter === '') throw invalid(field, 'not be empty')
  const levels = filter.split('/')
  if (levels[0] === '$share') {
    if (levels.length < 3 || !levels[1] || /[+#]/.test(levels[1]) || (levels.length === 3 && levels[2] === '')) {
      throw invalid(field, 'name its share and a filter: $share/name/filter')
    }
  }
  levels.forEach((level, i) => {
    if (level.includes('#') && (level !== '#' || i !== levels.length - 1)) throw invalid(field, 'have # only as its whole last level')
    if (level.includes('+') && level !== '+') throw invalid(field, 'have + only as a whole level')
  })
  return filter
}

export function userProperties(value: unknown, field: string): UserProperties {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'be an object of names and values')
  for (const [name, v] of Object.entries(value)) {
    text(name, `${field} name`)
    for (const each of Array.isArray(v) ? v : [v]) text(each, `${field}.${name}`)
  }
  return value as UserProperties
}

export function publishProperties(value: unknown, field: string, more?: Record<string, Check>): Properties | undefined {
  return optional(value, field, () => fields<PublishProperties>(value, field, {
    payloadFormatIndicator: flag, messageExpiryInterval: u32, contentType: text, responseTopic: topicName, correlationData, userProperties, ...more,
  }))
}

function correlationData(value: unknown, field: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > 65535) throw invalid(field, 'be a Uint8Array of at most 65535 bytes')
  return value
}

/** One message: the fields that publish and the steps of a run share. */
export function message(topic: unknown, body: unknown, options: { qos?: unknown, retain?: unknown, properties?: unknown }, at = '') {
  return {
    topic: topicName(topic, `${at}topic`),
    payload: payload(body as Payload, `${at}payload`),
    qos: qos(options.qos, `${at}qos`),
    retain: optional(options.retain, `${at}retain`, flag) ?? false,
    properties: publishProperties(options.properties, `${at}properties`),
  }
}

/** A duration in ms that is not 0. */
export const duration = integer(1, 0x7fffffff)

const atMost30Seconds = { timeout: 30_000 }

export function subscribeOptions(value: unknown = {}) {
  return {
    qos: 0 as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0, manualAck: false, buffer: 1000, overflow: 'drop-oldest' as const, ...atMost30Seconds,
    ...fields<Omit<SubscribeOptions, 'properties'> & { properties?: Properties }>(value, 'options', {
      qos, noLocal: flag, retainAsPublished: flag, retainHandling: integer(0, 2), properties: subscribeProperties, manualAck: flag,
      buffer: integer(1, 0xffffffff), overflow: oneOf('drop-oldest', 'drop-newest', 'latest'), timeout: duration, signal,
    }),
  }
}

function subscribeProperties(value: unknown, field: string): Properties {
  const { subscriptionIdentifier: id, ...user } = fields<NonNullable<SubscribeOptions['properties']>>(value, field, { subscriptionIdentifier: integer(1, 268435455), userProperties })
  return { ...(id !== undefined && { subscriptionIdentifiers: [id] }), ...user }
}

export function unsubscribeOptions(value: unknown) {
  return {
    ...atMost30Seconds,
    ...fields<UnsubscribeOptions>(value, 'options', { properties: (given, field) => fields<{ userProperties?: unknown }>(given, field, { userProperties }), timeout: duration, signal }),
  }
}

export function closeOptions(value: unknown): { reasonCode: number, properties: Properties } {
  return {
    reasonCode: 0, properties: {},
    ...fields<CloseOptions>(value, 'options', {
      reasonCode: integer(0, 255),
      properties: (given, field) => fields<NonNullable<CloseOptions['properties']>>(given, field, { reasonString: text, userProperties, sessionExpiryInterval: u32 }),
    }),
  }
}
