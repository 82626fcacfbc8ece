/** Documents of the Device Shadow service: what is checked before one is sent, and what is made of one that comes. */
import * as check from './arguments'
import { invalid, IotError } from './errors'
import { parseExact } from './exact-json'
import type { ShadowDocument, ShadowState, ShadowUpdate, ShadowView } from './types'

export type Operation = 'get' | 'update' | 'delete'

/** Bounds of AWS IoT Core ("Device Shadow service quotas"). */
const maxBytes = 8192
const maxLevels = 8

/** Topics of a shadow begin with it. Checks the names. */
export function topicPrefix(thingName: unknown, shadowName: unknown): string {
  if (typeof thingName !== 'string' || !/^[a-zA-Z0-9:_-]{1,128}$/.test(thingName)) {
    throw invalid('thingName', 'be 1 to 128 letters, digits, hyphens, underscores and colons')
  }
  const classic = `$aws/things/${thingName}/shadow`
  if (shadowName === undefined) return classic
  if (typeof shadowName !== 'string' || !/^[$a-zA-Z0-9:_-]{1,64}$/.test(shadowName)) {
    throw invalid('shadowName', 'be 1 to 64 letters, digits, hyphens, underscores, colons and dollar signs', 'Leave it out for the classic shadow.')
  }
  return `${classic}/name/${shadowName}`
}

/** A checked update, which waits for its client token. */
export interface Update {
  body: (clientToken: string) => string
  /** It holds a bigint, so its answer is to be read exactly. */
  exact: boolean
}

export function readUpdate(change: unknown, version: number | undefined): Update {
  check.object<ShadowUpdate>(change, 'change', ['desired', 'reported'])
  const encoder = new Encoder()
  const sections: string[] = []
  let bytes = 0
  for (const name of ['desired', 'reported'] as const) {
    const section = change[name]
    if (section === undefined) continue
    const json = encoder.section(section, `change.${name}`)
    sections.push(`"${name}":${json}`)
    if (section !== null) bytes += new TextEncoder().encode(json).length
  }
  if (sections.length === 0) throw invalid('change', 'have desired or reported, or both')
  if (bytes > maxBytes) throw invalid('change', `be at most ${maxBytes} bytes of JSON, desired and reported together; it is ${bytes}`)
  const body = `{"state":{${sections.join(',')}},${version === undefined ? '' : `"version":${version},`}"clientToken":`
  return { body: clientToken => `${body}"${clientToken}"}`, exact: encoder.exact }
}

/** Writes JSON, a bigint as the integer that it is; refuses what JSON.stringify would turn into null, which deletes, or drop. */
class Encoder {
  exact = false

  section(value: unknown, field: string): string {
    if (value !== null && !isObject(value)) throw invalid(field, 'be a plain object, or null to delete it')
    return this.#value(value, field, 0, false)!
  }

  #value(given: unknown, field: string, level: number, inArray: boolean): string | undefined {
    if (level > maxLevels) throw invalid('change', `have at most ${maxLevels} levels under desired and reported`)
    const value = hasToJSON(given) ? given.toJSON() : given
    switch (typeof value) {
      case 'undefined': return undefined
      case 'bigint': this.exact = true; return String(value)
      case 'string': case 'boolean': return JSON.stringify(value)
      case 'number': if (Number.isFinite(value)) return JSON.stringify(value)
    }
    if (value === null && inArray) throw invalid(field, 'not be null: the service takes none inside an array')
    if (value === null) return 'null'
    if (Array.isArray(value)) {
      return `[${Array.from(value, (each, i) => this.#value(each, `${field}[${i}]`, level + 1, true) ?? unfit(`${field}[${i}]`)).join(',')}]`
    }
    if (!isObject(value)) return unfit(field)
    const members: string[] = []
    for (const [name, each] of Object.entries(value)) {
      const json = this.#value(each, `${field}.${name}`, level + 1, inArray)
      if (json !== undefined) members.push(`${JSON.stringify(name)}:${json}`)
    }
    return `{${members.join(',')}}`
  }
}

function unfit(field: string): never { throw invalid(field, 'be a value that JSON can represent') }

function hasToJSON(value: unknown): value is { toJSON: () => unknown } {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

function isObject(value: unknown): value is ShadowState {
  return Object.prototype.toString.call(value) === '[object Object]'
}

/** The content of a message; undefined where it is no JSON. */
export function parse(text: string, exact = false): unknown {
  try {
    return exact ? parseExact(text) : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What an accepted request is answered with. */
export function readDocument(text: string, exact: boolean): ShadowDocument {
  const { state, metadata, version, timestamp } = parse(text, exact) as ShadowDocument
  return {
    state: state ?? {}, version,
    ...(metadata !== undefined && { metadata }), ...(timestamp !== undefined && { timestamp }),
  }
}

export function viewOf({ state, version }: Pick<ShadowDocument, 'state' | 'version'>): ShadowView {
  const desired = state?.desired ?? {}, reported = state?.reported ?? {}
  return { desired, reported, delta: deltaOf(desired, reported), version, deleted: false }
}

/** A shadow that does not exist. */
export function noView(version = 0): ShadowView {
  return { desired: {}, reported: {}, delta: {}, version, deleted: true }
}

/** What is desired and not reported, as the service computes it: by field, an array whole. */
export function deltaOf(desired: ShadowState, reported: ShadowState): ShadowState {
  const delta: [string, unknown][] = []
  for (const [name, want] of Object.entries(desired)) {
    const have = Object.hasOwn(reported, name) ? reported[name] : undefined
    if (isObject(want) && isObject(have)) {
      const nested = deltaOf(want, have)
      if (Object.keys(nested).length > 0) delta.push([name, nested])
    } else if (!equal(want, have)) {
      delta.push([name, want])
    }
  }
  return Object.fromEntries(delta) // also a field named __proto__
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => equal(each, b[i]))
  if (isObject(a)) {
    const names = Object.keys(a)
    return isObject(b) && names.length === Object.keys(b).length && names.every(name => Object.hasOwn(b, name) && equal(a[name], b[name]))
  }
  return a === b || (isNumeric(a) && isNumeric(b) && a == b) // a number and a bigint may be the same
}

function isNumeric(value: unknown): value is number | bigint { return typeof value === 'number' || typeof value === 'bigint' }

const hints: Record<number, string> = {
  403: "Check what the credentials' policy allows.",
  404: 'Check the names, which are case-sensitive; an update creates the shadow.',
  409: 'The shadow has changed since: get it and try again with its version, or use modify.',
  413: 'desired and reported together may have 8 KB, what is in the shadow already counted in. Set fields to null that are no longer needed.',
  429: 'Too many requests: a thing may have 10 in flight.',
}

/** The answer of a rejected request as an error. */
export function rejection(operation: Operation, text: string): IotError {
  const { code, message } = JSON.parse(text) as { code: number, message: string }
  return new IotError('shadow-rejected', `the Device Shadow service rejected the ${operation}: ${code} ${message}`, {
    reasonCode: code, retryable: code === 429 || code >= 500, hint: hints[code],
  })
}
