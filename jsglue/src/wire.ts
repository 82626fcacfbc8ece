/**
 * The records that cross the boundary between the page and the Go program: the
 * mirror of wasm/internal/wire, which describes the bytes. Change both together;
 * the golden file there holds the two to the same.
 */
import type { Connack, IotErrorCode, PublishProperties, QoS, UserProperties } from './types'

export interface WireError {
  code: IotErrorCode
  message: string
  field: string
  hint: string
  retryable: boolean
  reasonCode: number | undefined
}

export interface Outgoing {
  topic: string
  payload: string | Uint8Array
  qos: QoS
  retain: boolean
  properties: Properties | undefined
}

/** Every MQTT 5 property, by the names that types.ts uses. */
export interface Properties extends PublishProperties {
  subscriptionIdentifiers?: number[]
  sessionExpiryInterval?: number
  assignedClientIdentifier?: string
  serverKeepAlive?: number
  authenticationMethod?: string
  authenticationData?: Uint8Array
  requestProblemInformation?: boolean
  willDelayInterval?: number
  requestResponseInformation?: boolean
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQoS?: QoS
  retainAvailable?: boolean
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: boolean
  subscriptionIdentifiersAvailable?: boolean
  sharedSubscriptionAvailable?: boolean
}

type PropertyType = 'bool' | 'u8' | 'u16' | 'u32' | 'text' | 'bytes' | 'pairs' | 'numbers'

/** Property identifiers of MQTT 5, section 2.2.2.2. */
const properties: readonly (readonly [number, keyof Properties, PropertyType])[] = [
  [1, 'payloadFormatIndicator', 'bool'], [2, 'messageExpiryInterval', 'u32'], [3, 'contentType', 'text'],
  [8, 'responseTopic', 'text'], [9, 'correlationData', 'bytes'], [11, 'subscriptionIdentifiers', 'numbers'],
  [17, 'sessionExpiryInterval', 'u32'], [18, 'assignedClientIdentifier', 'text'], [19, 'serverKeepAlive', 'u16'],
  [21, 'authenticationMethod', 'text'], [22, 'authenticationData', 'bytes'], [23, 'requestProblemInformation', 'bool'],
  [24, 'willDelayInterval', 'u32'], [25, 'requestResponseInformation', 'bool'], [26, 'responseInformation', 'text'],
  [28, 'serverReference', 'text'], [31, 'reasonString', 'text'], [33, 'receiveMaximum', 'u16'],
  [34, 'topicAliasMaximum', 'u16'], [35, 'topicAlias', 'u16'], [36, 'maximumQoS', 'u8'], [37, 'retainAvailable', 'bool'],
  [38, 'userProperties', 'pairs'], [39, 'maximumPacketSize', 'u32'], [40, 'wildcardSubscriptionAvailable', 'bool'],
  [41, 'subscriptionIdentifiersAvailable', 'bool'], [42, 'sharedSubscriptionAvailable', 'bool'],
]
const propertyById = new Map(properties.map(p => [p[0], p]))

const encoder = /* @__PURE__ */ new TextEncoder()
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/** Up to this length a loop of ours is faster than encodeInto. */
const shortText = 300

/** Writes text of ASCII alone and returns its length; else -1. */
function ascii(v: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < v.length; i++) {
    const c = v.charCodeAt(i)
    if (c > 0x7f) return -1
    into[at + i] = c
  }
  return v.length
}

/** Appends records to a batch. */
export class Writer {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  #body = 0

  get length(): number { return this.#length }

  /** Takes the batch out; the writer begins a new one. Its buffer is the caller's, to transfer. */
  take(): Uint8Array<ArrayBuffer> {
    const batch = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(1024)
    this.#view = new DataView(this.#bytes.buffer)
    this.#length = 0
    return batch
  }

  begin(kind: number): this {
    this.u8(kind).u32(0)
    this.#body = this.#length
    return this
  }

  end(): void {
    this.#view.setUint32(this.#body - 4, this.#length - this.#body, true)
  }

  /** Writes a whole record, or nothing where `body` throws. */
  record(kind: number, body: (w: Writer) => void): void {
    const start = this.#length
    try {
      body(this.begin(kind))
      this.end()
    } catch (e) {
      this.#length = start
      throw e
    }
  }

  u8(v: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = v
    return this
  }

  bool(v: boolean): this { return this.u8(v ? 1 : 0) }

  u16(v: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, v, true)
    this.#length += 2
    return this
  }

  u32(v: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, v, true)
    this.#length += 4
    return this
  }

  f64(v: number): this {
    this.#reserve(8)
    this.#view.setFloat64(this.#length, v, true)
    this.#length += 8
    return this
  }

  /** A string as UTF-8, or bytes; either way the length and then the bytes. */
  data(v: string | Uint8Array): this {
    if (typeof v === 'string') {
      this.#reserve(4 + v.length * 3)
      const at = this.#length + 4
      const size = v.length <= shortText ? ascii(v, this.#bytes, at) : -1
      const written = size >= 0 ? size : encoder.encodeInto(v, this.#bytes.subarray(at)).written
      this.#view.setUint32(at - 4, written, true)
      this.#length = at + written
    } else {
      this.#reserve(4 + v.length)
      this.#view.setUint32(this.#length, v.length, true)
      this.#bytes.set(v, this.#length + 4)
      this.#length += 4 + v.length
    }
    return this
  }

  properties(p: Properties | undefined): this {
    const at = this.#length
    this.u16(0)
    if (!p) return this
    let count = 0
    for (const [id, name, type] of properties) {
      const v = p[name]
      if (v === undefined) continue
      if (type === 'pairs') {
        for (const [key, values] of Object.entries(v as UserProperties)) {
          for (const value of Array.isArray(values) ? values : [values]) {
            this.u8(id).data(key).data(value)
            count++
          }
        }
        continue
      }
      if (type === 'numbers') {
        for (const n of v as number[]) {
          this.u8(id).u32(n)
          count++
        }
        continue
      }
      this.u8(id)
      count++
      switch (type) {
        case 'bool': this.bool(v as boolean); break
        case 'u8': this.u8(v as number); break
        case 'u16': this.u16(v as number); break
        case 'u32': this.u32(v as number); break
        default: this.data(v as string | Uint8Array)
      }
    }
    this.#view.setUint16(at, count, true)
    return this
  }

  outgoing(m: Outgoing): this {
    return this.data(m.topic).data(m.payload).u8(m.qos).bool(m.retain).properties(m.properties)
  }

  error(e: WireError): this {
    return this.data(e.code).data(e.message).data(e.field).data(e.hint).bool(e.retryable)
      .bool(e.reasonCode !== undefined).u8(e.reasonCode ?? 0)
  }

  #reserve(n: number): void {
    const need = this.#length + n
    if (need <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(need, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads a batch. Byte slices alias it: a batch is never written again. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #end = 0
  #name = ''
  #nameBytes: Uint8Array = new Uint8Array(0)

  constructor(batch: Uint8Array) {
    this.#bytes = batch
    this.#view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  }

  get more(): boolean { return this.#at < this.#bytes.length }

  /** The kind of the next record. */
  kind(): number {
    const kind = this.u8()
    this.#end = this.u32() + this.#at
    return kind
  }

  /** Passes over what of the record was not read. */
  endRecord(): void { this.#at = this.#end }

  u8(): number { return this.#bytes[this.#at++]! }
  bool(): boolean { return this.u8() !== 0 }

  u16(): number {
    const v = this.#view.getUint16(this.#at, true)
    this.#at += 2
    return v
  }

  u32(): number {
    const v = this.#view.getUint32(this.#at, true)
    this.#at += 4
    return v
  }

  f64(): number {
    const v = this.#view.getFloat64(this.#at, true)
    this.#at += 8
    return v
  }

  bytes(): Uint8Array {
    const n = this.u32()
    const v = this.#bytes.subarray(this.#at, this.#at + n)
    this.#at += n
    return v
  }

  text(): string {
    const b = this.bytes()
    return b.length === 0 ? '' : decoder.decode(b)
  }

  /** Text that is often the same as the one before in its batch: a topic name. */
  name(): string {
    const b = this.bytes(), last = this.#nameBytes
    let i = b.length === last.length ? 0 : b.length
    while (i < b.length && b[i] === last[i]) i++
    if (i < b.length || last.length !== b.length) {
      this.#nameBytes = b
      this.#name = decoder.decode(b)
    }
    return this.#name
  }

  properties(): Properties {
    const out: Record<string, unknown> = {}
    for (let n = this.u16(); n > 0; n--) {
      const id = this.u8()
      const [, name, type] = propertyById.get(id)!
      switch (type) {
        case 'bool': out[name] = this.bool(); break
        case 'u8': out[name] = this.u8(); break
        case 'u16': out[name] = this.u16(); break
        case 'u32': out[name] = this.u32(); break
        case 'text': out[name] = this.text(); break
        case 'bytes': out[name] = this.bytes(); break
        case 'numbers': (out[name] ??= [] as number[]) && (out[name] as number[]).push(this.u32()); break
        case 'pairs': this.#pair((out[name] ??= Object.create(null)) as UserProperties)
      }
    }
    return out as Properties
  }

  #pair(into: UserProperties): void {
    const key = this.text(), value = this.text(), old = into[key]
    into[key] = old === undefined ? value : Array.isArray(old) ? [...old, value] : [old, value]
  }

  error(): WireError {
    const e = {
      code: this.text() as IotErrorCode, message: this.text(), field: this.text(), hint: this.text(),
      retryable: this.bool(), reasonCode: undefined as number | undefined,
    }
    const has = this.bool(), code = this.u8()
    if (has) e.reasonCode = code
    return e
  }

  connack(): Connack {
    return { sessionPresent: this.bool(), reasonCode: this.u8(), properties: this.properties() as Connack['properties'] }
  }
}
