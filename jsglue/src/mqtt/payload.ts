/**
 * A received payload: a Uint8Array that reads as a Buffer of Node does, which is what
 * mqtt.js hands to pages. What writes into a Buffer is not there.
 */
import type { Payload as PayloadType } from './types'

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = /* @__PURE__ */ new TextEncoder()

/** One character for each code. In pieces, since a call takes only so many arguments. */
function characters(codes: Uint8Array | Uint16Array): string {
  let text = ''
  for (let i = 0; i < codes.length; i += 8192) text += String.fromCharCode(...codes.subarray(i, i + 8192))
  return text
}

const base64 = (b: Uint8Array): string => btoa(characters(b))
const ucs2 = (b: Uint8Array): string => characters(new Uint16Array(new Uint8Array(b).buffer, 0, b.length >> 1))

const decoders: Record<string, (b: Uint8Array) => string> = {
  utf8: b => decoder.decode(b),
  hex: b => Array.from(b, n => n.toString(16).padStart(2, '0')).join(''),
  base64,
  base64url: b => base64(b).replace(/[+/=]/g, c => c === '+' ? '-' : c === '/' ? '_' : ''),
  ascii: b => characters(b.map(n => n & 127)),
  latin1: characters,
  binary: characters,
  ucs2,
  utf16le: ucs2,
}

/** What is looked for, as characters of one byte each. */
function needle(value: string | Uint8Array): string {
  return characters(typeof value === 'string' ? encoder.encode(value) : value)
}

export interface Payload extends Pick<PayloadType, Extract<keyof PayloadType, `read${string}`>> {}

export class Payload extends Uint8Array implements PayloadType {
  /** By this the `buffer` package knows a Buffer of another copy of itself. */
  get _isBuffer(): true { return true }

  override toString(encoding?: string, start = 0, end = this.length): string {
    const bytes = this.subarray(Math.max(start, 0), Math.max(end, 0))
    if (!bytes.length) return ''
    const decode = decoders[String(encoding || 'utf8').toLowerCase().replace(/^(utf|ucs)-/, '$1')]
    if (!decode) throw new TypeError(`Unknown encoding: ${encoding}`)
    return decode(bytes)
  }

  override toLocaleString(...args: unknown[]): string { return this.toString(...args as []) }

  toJSON(): { type: 'Buffer', data: number[] } { return { type: 'Buffer', data: [...this] } }

  equals(other: Uint8Array): boolean { return this.compare(other) === 0 }

  compare(target: Uint8Array, targetStart?: number, targetEnd?: number, sourceStart?: number, sourceEnd?: number): -1 | 0 | 1 {
    const a = this.subarray(sourceStart, sourceEnd), b = target.subarray(targetStart, targetEnd)
    let i = 0
    while (i < a.length && a[i] === b[i]) i++
    const x = a[i] ?? -1, y = b[i] ?? -1
    return x < y ? -1 : x > y ? 1 : 0
  }

  /** Shares the memory, unlike that of a Uint8Array. */
  override slice(start?: number, end?: number): this { return this.subarray(start, end) }
  override subarray(start?: number, end?: number): this { return super.subarray(start, end) as this }

  copy(target: Uint8Array, targetStart = 0, sourceStart = 0, sourceEnd = this.length): number {
    const bytes = this.subarray(sourceStart, Math.min(sourceEnd, sourceStart + Math.max(target.length - targetStart, 0)))
    if (bytes.length) target.set(bytes, targetStart)
    return bytes.length
  }

  override includes(value: string | number | Uint8Array, from?: number): boolean { return this.indexOf(value, from) >= 0 }

  override indexOf(value: string | number | Uint8Array, from = 0): number {
    if (typeof value === 'number') return super.indexOf(value & 255, from)
    return characters(this).indexOf(needle(value), from < 0 ? from + this.length : from)
  }

  override lastIndexOf(value: string | number | Uint8Array, from = this.length): number {
    if (typeof value === 'number') return super.lastIndexOf(value & 255, from)
    const text = needle(value)
    if (from < 0) from += this.length
    return from < 0 && text ? -1 : characters(this).lastIndexOf(text, from)
  }
}

// readInt8, readUInt16LE and the like, each by the DataView's method; Buffer has the unsigned ones by two names.
for (const [name, kind, bytes] of [
  ['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4], ['UInt32', 'Uint32', 4],
  ['Float', 'Float32', 4], ['Double', 'Float64', 8], ['BigInt64', 'BigInt64', 8], ['BigUInt64', 'BigUint64', 8],
] as const) {
  for (const end of bytes > 1 ? ['LE', 'BE'] : ['']) {
    const value = function (this: Payload, offset = 0): number | bigint {
      return new DataView(this.buffer, this.byteOffset, this.byteLength)[`get${kind}`](offset, end === 'LE')
    }
    for (const as of new Set([name, name.replace('UInt', 'Uint')])) Object.defineProperty(Payload.prototype, `read${as}${end}`, { value, writable: true, configurable: true })
  }
}

/** The same bytes, not a copy. */
export function toPayload(bytes: Uint8Array): Payload {
  return new Payload(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}
