/** The golden file of wasm/internal/wire holds this side and the Go program to the same bytes; wire_test.go there is the other half. */
import { expect, test } from '@playwright/test'
import { readFileSync, writeFileSync } from 'node:fs'
import { writeConnect, writeLogin, writePresign, type Checked } from '../src/connect-options'
import { writeAnswer, writePlan, type Plan } from '../src/delayed/plan'
import { Command, Event } from '../src/kinds'
import { readMessage } from '../src/message'
import { readPacket } from '../src/packet'
import { readStats } from '../src/stats'
import type { IotError, Limits } from '../src/types'
import { Reader, Writer, type Outgoing, type Properties, type WireError } from '../src/wire'

interface Case {
  name: string
  kind: string
  fields: any // as the file has it
  hex: string
}

const file = new URL('../../wasm/internal/wire/testdata/golden.json', import.meta.url)
const golden = JSON.parse(readFileSync(file, 'utf8')) as { commands: Case[], events: Case[] }

/** The names of an enum. */
const names = (of: object): string[] => Object.keys(of).filter(key => !/^\d+$/.test(key))

/** The file's `{"hex": …}` as bytes. */
function withBytes(value: any): any {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withBytes)
  const keys = Object.keys(value)
  if (keys.length === 1 && keys[0] === 'hex') return new Uint8Array(Buffer.from(value.hex as string, 'hex'))
  return Object.fromEntries(keys.map(k => [k, withBytes(value[k])]))
}

const encoders: Record<keyof typeof Command, (w: Writer, f: any) => void> = {
  connect: (w, f) => {
    const { sessionExpiryInterval = 0, ...properties } = f.properties as Properties
    w.u32(f.client).u32(f.op)
    writeConnect(w, { ...f, properties, sessionExpiryInterval, back: f.reconnect, room: f.queue, bounds: f.limits } as Checked)
  },
  target: (w, f) => {
    const { op, endpoint, region, expires, ...credentials } = f.presign
    writePresign(w.u32(f.client).u32(f.request).data(f.url), op, { endpoint, region, expires }, credentials)
    w.f64(f.clockOffset).bool('login' in f)
    if ('login' in f) writeLogin(w, f.login)
  },
  targetFailed: (w, f) => w.u32(f.client).u32(f.request).error({ reasonCode: undefined, ...f.error } as WireError),
  close: (w, f) => w.u32(f.client).u32(f.op).bool(f.abrupt).u8(f.reasonCode).properties(f.properties),
  subscribe: (w, f) => {
    w.u32(f.client).u32(f.op).u32(f.subscription).u32(f.timeout).bool(f.manualAck).u16(f.packetId).u16(f.filters.length)
    for (const o of f.filters) w.data(o.topic).u8(o.qos).bool(o.noLocal).bool(o.retainAsPublished).u8(o.retainHandling)
    w.properties(f.properties)
  },
  unsubscribe: (w, f) => {
    w.u32(f.client).u32(f.op).u32(f.subscription).u32(f.timeout).u16(f.packetId).u16(f.filters.length)
    for (const filter of f.filters) w.data(filter)
    w.properties(f.properties)
  },
  publish: (w, f) => w.u32(f.client).u32(f.op).u32(f.timeout).u16(f.packetId).outgoing(f.message as Outgoing),
  abort: (w, f) => w.u32(f.client).u32(f.op),
  delay: (w, f) => {
    let index = 0
    const steps = f.steps.map((s: any) => ({
      step: { index: (index += s.skip + 1) - 1 },
      plan: { ...s, payload: s.asks ? () => '' : undefined, gate: { kind: s.gate, timeout: s.gateTimeout } },
    }))
    writePlan(w, f.client, f.run, { ...f, persist: f.steps[0].last ? 'name' : undefined } as Plan, steps, f as Required<Limits>)
  },
  control: (w, f) => w.u32(f.run).u32(f.step).u8(f.verb).f64(f.at),
  stepPayload: (w, f) => w.u32(f.run).u32(f.step).data(f.payload),
  stepAnswer: (w, f) => writeAnswer(w, f.run, f.step, f.at, f.error as IotError | undefined),
  presign: (w, f) => {
    const { op, endpoint, region, date, expires, ...credentials } = f
    writePresign(w, op, { endpoint, region, expires, ...(date && { date: new Date(date) }) }, credentials)
  },
  acknowledge: (w, f) => w.u32(f.client).u32(f.token).u8(f.reasonCode),
  manualAcks: (w, f) => w.u32(f.client).bool(f.on),
  wake: (w, f) => w.u32(f.client).u8(f.reason),
  renew: (w, f) => w.u32(f.client).u32(f.op),
  stats: (w, f) => w.u32(f.client).u32(f.op),
  trace: (w, f) => w.u32(f.client).u8(f.detail),
}

function encode(c: Case): string {
  const w = new Writer().begin(Command[c.kind as keyof typeof Command])
  encoders[c.kind as keyof typeof Command](w, withBytes(c.fields))
  w.end()
  return Buffer.from(w.take()).toString('hex')
}

const failure = (r: Reader): { error?: WireError } => r.bool() ? { error: r.error() } : {}

const decoders: Record<keyof typeof Event, (r: Reader, c: Case) => object> = {
  hello: r => ({ version: r.text() }),
  targetRequest: r => ({ client: r.u32(), request: r.u32() }),
  state: r => ({ client: r.u32(), state: r.u8(), ...failure(r) }),
  linked: r => ({ client: r.u32(), clientId: r.text(), connack: r.connack() }),
  retry: r => ({ client: r.u32(), attempt: r.u32(), delay: r.f64(), ...failure(r) }),
  presigned: r => ({ op: r.u32(), url: r.text() }),
  subscribed: r => ({ op: r.u32(), reasonCodes: r.bytes(), properties: r.properties() }),
  done: r => ({ op: r.u32() }),
  published: r => ({ op: r.u32(), sentAt: r.f64(), reasonCode: r.u8(), properties: r.properties() }),
  failed: r => ({ op: r.u32(), error: r.error() }),
  message: r => {
    const client = r.u32(), token = r.u32(), packetId = r.u16()
    const subscriptions = Array.from({ length: r.u16() }, () => r.u32())
    return { client, token, packetId, subscriptions, ...readMessage(r) }
  },
  serverDisconnect: r => ({ client: r.u32(), reasonCode: r.u8(), properties: r.properties() }),
  step: r => ({
    run: r.u32(), step: r.u32(), count: r.u32(), state: r.u8(), plannedAt: r.f64(), sentAt: r.f64(), acknowledgedAt: r.f64(), interrupted: r.bool(), ...failure(r),
  }),
  shift: r => ({ run: r.u32(), step: r.u32(), count: r.u32(), by: r.f64() }),
  repeat: r => ({ run: r.u32(), step: r.u32(), of: r.u32(), plannedAt: r.f64() }),
  fault: r => ({ client: r.u32(), error: r.error() }),
  statsAnswer: (r, c) => {
    const op = r.u32()
    if ('clients' in c.fields) return { op, clients: r.u32(), goroutines: r.u32() }
    const { subscriptions, messagesReceivedPerSecond, messagesSentPerSecond, ...told } = readStats(r, 0, undefined).stats
    return { op, ...told }
  },
  packet: r => ({ client: r.u32(), ...readPacket(r) }),
}

test('commands are encoded as the golden file says', () => {
  if (process.env['UPDATE_GOLDEN']) {
    for (const c of golden.commands) c.hex = encode(c)
    writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`)
  }
  expect(new Set(golden.commands.map(c => c.kind))).toEqual(new Set(names(Command)))
  for (const c of golden.commands) expect(encode(c), c.name).toBe(c.hex)
})

test('events are decoded as the golden file says', () => {
  expect(new Set(golden.events.map(c => c.kind))).toEqual(new Set(names(Event)))
  for (const c of golden.events) {
    const r = new Reader(new Uint8Array(Buffer.from(c.hex, 'hex')))
    expect(r.kind(), c.name).toBe(Event[c.kind as keyof typeof Event])
    expect(decoders[c.kind as keyof typeof Event](r, c), c.name).toEqual(withBytes(c.fields))
    expect(r.more, `${c.name}: everything is read`).toBe(false)
  }
})

test('a batch is read record by record, whatever of them is left out', () => {
  const all = golden.events.map(c => c.hex).join('')
  const r = new Reader(new Uint8Array(Buffer.from(all, 'hex'))), kinds: number[] = []
  while (r.more) {
    kinds.push(r.kind())
    r.endRecord()
  }
  expect(kinds).toEqual(golden.events.map(c => Event[c.kind as keyof typeof Event]))
})
