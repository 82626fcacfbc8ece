/** The parts of the mqtt.js face that need no server: each in Chromium, beside mqtt.js's own or, for payloads, Node's Buffer. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test as base, type Page } from '@playwright/test'
import { build } from 'esbuild'
import type * as address from '../src/mqtt/address'
import type * as emitter from '../src/mqtt/emitter'
import type * as errors from '../src/mqtt/errors'
import type * as ids from '../src/mqtt/message-ids'
import type * as payload from '../src/mqtt/payload'
import type * as codes from '../src/mqtt/reason-codes'
import type * as store from '../src/mqtt/store'
import type * as topics from '../src/mqtt/topics'
import type { IClientOptions, IPublishPacket } from '../src/mqtt/types'

declare global {
  /** The modules under test. */
  const parts: typeof address & typeof emitter & typeof errors & typeof ids & typeof payload & typeof codes & typeof store & typeof topics
  /** mqtt.js. */
  const mqtt: typeof import('mqtt')
}

const here = fileURLToPath(new URL('..', import.meta.url))

const test = base.extend<{ loaded: (url?: string) => Promise<Page> }, { script: string }>({
  script: [async ({}, use) => {
    const modules = ['address', 'emitter', 'errors', 'message-ids', 'payload', 'reason-codes', 'store', 'topics']
    const { outputFiles } = await build({
      stdin: { contents: modules.map(m => `export * from './src/mqtt/${m}'`).join('\n'), resolveDir: here },
      bundle: true, write: false, format: 'iife', globalName: 'parts', target: 'es2022', minify: true,
    })
    await use(outputFiles[0]!.text)
  }, { scope: 'worker' }],
  loaded: async ({ page, script }, use) => {
    await use(async (url = 'http://page.example:8080/app/') => {
      await page.route('**/*', route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
      await page.goto(url)
      await page.addScriptTag({ content: readFileSync(join(here, 'node_modules/mqtt/dist/mqtt.min.js'), 'utf8') })
      await page.addScriptTag({ content: `${script};globalThis.parts = parts` })
      return page
    })
  },
})

/** What is handed to a page for bytes. */
type Plain = string | number | undefined | { bytes: number[] }
interface Call { method: string, args: Plain[] }

test('a payload reads as a Buffer does', async ({ loaded }) => {
  const page = await loaded()
  const texts = ['', 'on', '{"a":[1,2]}', 'Grüße, 世界 👋', '\ufeffbom', 'a\0b']
  const samples = [
    ...texts.map(text => Buffer.from(text)), ...[1, 2, 3, 31, 64, 257].map(n => randomBytes(n)), randomBytes(70_001), // more than one call's arguments
    Buffer.from('ff00fe41c3', 'hex'), Buffer.from('👋世', 'ucs2'), Buffer.from('d83d41', 'hex'),
  ]
  const bytes = (b: Uint8Array): Plain => ({ bytes: [...b] })
  const calls = (b: Buffer): Call[] => {
    const all: Call[] = []
    const add = (method: string, ...args: Plain[]): void => { all.push({ method, args }) }
    for (const encoding of [undefined, 'utf8', 'utf-8', 'UTF-8', 'hex', 'base64', 'base64url', 'ascii', 'latin1', 'binary', 'ucs2', 'ucs-2', 'utf16le', 'UTF-16LE', 'nonsense']) {
      for (const range of [[], [1], [1, 5], [0, -1], [-2, 3], [3, 2], [0, 1e6], [1.5, 4.5]]) add('toString', encoding, ...range)
    }
    if (b.length > 1000) return all
    add('toLocaleString', 'hex')
    add('toJSON')
    for (const other of [b, Buffer.from(b), b.subarray(1), Buffer.concat([b, b]), randomBytes(b.length)]) {
      add('equals', bytes(other))
      add('compare', bytes(other))
      if (b.length && other.length) add('compare', bytes(other), 0, 1, 0, 1)
    }
    for (const method of ['slice', 'subarray']) for (const range of [[], [1], [1, 3], [-2], [-3, -1], [2, 1], [0, 1e6]]) add(method, ...range)
    for (const method of ['indexOf', 'lastIndexOf', 'includes']) {
      for (const value of ['', 'a', '"', '世', '\ufeff', 0, 0x41, 0x141, -1, bytes(b.subarray(1, 3)), bytes(Buffer.alloc(0))]) {
        for (const from of [undefined, 0, 1, 5, -1, -3, -1000, 1000]) {
          if (b.length || !(from! < 0)) add(method, value, ...from === undefined ? [] : [from])
        }
      }
    }
    for (const name of ['Int8', 'UInt8', 'Uint8']) for (const offset of [undefined, 0, 1, b.length]) add(`read${name}`, offset)
    for (const name of ['Int16', 'UInt16', 'Uint16', 'Int32', 'UInt32', 'Uint32', 'Float', 'Double', 'BigInt64', 'BigUInt64', 'BigUint64']) {
      for (const end of ['LE', 'BE']) for (const offset of [undefined, 0, 1, b.length - 1]) add(`read${name}${end}`, offset)
    }
    return all
  }
  /** Runs on either side: what each call gives, as text. */
  const run = (target: Record<string, (...args: unknown[]) => unknown>, calls: Call[]): string[] => calls.map(({ method, args }) => {
    try {
      const value = target[method]!(...args.map(a => typeof a === 'object' ? Uint8Array.from(a.bytes) : a))
      if (ArrayBuffer.isView(value)) return `${value.constructor === target['constructor'] ? 'same class' : 'another class'} ${(value as Uint8Array).join()} ${value.byteOffset - (target as unknown as Uint8Array).byteOffset}`
      return typeof value === 'object' ? JSON.stringify(value) : `${typeof value} ${String(value)}`
    } catch (e) {
      return (e as Error).name
    }
  })
  for (const sample of samples) {
    const list = calls(sample)
    const want = run(sample as never, list)
    const got = await page.evaluate(new Function('o', `
      const whole = new Uint8Array(o.data.length + 9), bytes = whole.subarray(5, 5 + o.data.length)
      bytes.set(o.data)
      return (${run.toString()})(parts.toPayload(bytes), o.list)`) as (o: object) => string[], { data: [...sample], list })
    const wrong = list.flatMap(({ method, args }, i) => got[i] === want[i] ? [] : [`${method}(${JSON.stringify(args)}): ${got[i]!.slice(0, 200)}, not ${want[i]!.slice(0, 200)}`])
    expect(wrong, sample.toString('hex').slice(0, 200)).toEqual([])
  }
})

test('a payload is used as pages use it', async ({ loaded }) => {
  const page = await loaded()
  expect(await page.evaluate(() => {
    const buffer = new Uint8Array([...new TextEncoder().encode('xx{"a":1}')]), message = parts.toPayload(buffer.subarray(2))
    const on = parts.toPayload(new TextEncoder().encode('on'))
    const target = new Uint8Array(4), copied = [message.copy(target), message.copy(target, 3), message.copy(target, 0, 6, 7), message.copy(target, 9)]
    const part = message.slice(1, 3)
    part[0] = 0x20
    const shared = message.toString()
    part[0] = 0x22
    return {
      parsed: JSON.parse(message as never), text: [String(message), `${message}`, 'is ' + message, (on as never) == 'on'], json: JSON.stringify({ on }),
      shared, uncopied: message.buffer === buffer.buffer, offset: message.byteOffset, copied, target: [...target],
      kinds: [message instanceof Uint8Array, ArrayBuffer.isView(message), message.slice() instanceof parts.Payload, message.map(n => n) instanceof parts.Payload],
      made: [[...parts.Payload.of(1, 2)], [...parts.Payload.from([3])], parts.Payload.of(1) instanceof parts.Payload, new parts.Payload(2).length],
      decoded: new TextDecoder().decode(message), spread: [...on], cloned: structuredClone(on).constructor === Uint8Array,
    }
  })).toEqual({
    parsed: { a: 1 }, text: ['{"a":1}', '{"a":1}', 'is {"a":1}', true], json: '{"on":{"type":"Buffer","data":[111,110]}}',
    shared: '{ a":1}', uncopied: true, offset: 2, copied: [4, 1, 1, 0], target: [0x7d, 0x22, 0x61, 0x7b],
    kinds: [true, true, true, true], made: [[1, 2], [3], true, 2], decoded: '{"a":1}', spread: [111, 110], cloned: true,
  })
})

/** Runs on the page, with an emitter: what is heard, and what each method says. */
function listen(e: ReturnType<typeof import('mqtt').connect>): unknown[] {
  const log: unknown[] = []
  const any = e as unknown as Record<string, (...args: unknown[]) => unknown>
  const [a, b, c] = ['a', 'b', 'c'].map(name => function (this: unknown, ...args: unknown[]): void { log.push([name, this === e, ...args]) })
  const names: unknown[] = ['x', 'y', 'z']
  const say = (): void => { log.push(names.map(n => any['listenerCount']!(n)), (any['eventNames']!() as unknown[]).filter(n => names.includes(n))) }
  log.push(any['emit']!('x', 1), any['on']!('x', a) === e, any['addListener']!('x', b) === e, any['once']!('x', c) === e, any['prependListener']!('x', c) === e)
  say()
  log.push((any['listeners']!('x') as unknown[]).map(h => [a, b, c].indexOf(h as never)), (any['rawListeners']!('x') as { listener?: unknown }[]).map(h => h.listener === c))
  log.push(any['emit']!('x', 1, 'two', undefined), any['emit']!('x'))
  any['prependOnceListener']!('x', c)
  any['on']!('x', a)
  log.push(any['emit']!('x', 3))
  any['off']!('x', a) // the later of two
  any['removeListener']!('x', a === b ? a : c)
  any['off']!('x', () => 0)
  any['off']!('none', a)
  say()
  any['once']!('y', a)
  any['off']!('y', a)
  say()
  // Handlers that change the list while it is told.
  const remover = (): void => {
    log.push('remover')
    any['off']!('z', b)
    any['on']!('z', c)
  }
  any['on']!('z', remover)
  any['on']!('z', b)
  log.push(any['emit']!('z', 1), any['emit']!('z', 2))
  any['removeAllListeners']!('z')
  any['on']!('z', () => { if (log.length < 60) log.push('again') })
  let nested = false
  any['on']!('z', () => {
    if (nested) return
    nested = true
    any['emit']!('z', 'inner')
  })
  any['once']!('z', a)
  log.push(any['emit']!('z', 'outer'))
  say()
  log.push(any['removeAllListeners']!('x') === e, any['getMaxListeners']!(), any['setMaxListeners']!(3) === e, any['getMaxListeners']!())
  say()
  for (const wrong of [undefined, null, 5, {}]) {
    for (const method of ['on', 'once', 'prependListener']) {
      try {
        any[method]!('x', wrong)
        log.push('taken')
      } catch (e) {
        log.push((e as Error).name)
      }
    }
  }
  any['removeAllListeners']!()
  say()
  return log
}

test('the emitter does as that of mqtt.js', async ({ loaded }) => {
  const page = await loaded()
  const on = (target: string) => page.evaluate<unknown[]>(`(${listen.toString()})(${target})`)
  const want = await on(`mqtt.connect('ws://127.0.0.1', { manualConnect: true })`)
  expect(want.length).toBeGreaterThan(40)
  expect(await on('new parts.EventEmitter()')).toEqual(want)
  expect(await on('new Proxy(new parts.EventEmitter(), {})')).toEqual(want) // as Vue hands it to a page
})

test('a handler that throws breaks nothing, and an error needs no listener', async ({ loaded }) => {
  const page = await loaded()
  const uncaught: string[] = []
  page.on('pageerror', e => uncaught.push(e.message))
  expect(await page.evaluate(() => {
    const emitter = new parts.EventEmitter<{ error: (e: Error) => void, x: (n: number) => void }>(), heard: number[] = []
    emitter.on('x', () => { throw new Error('of the page') }).on('x', n => heard.push(n))
    return [emitter.emit('error', new Error('no')), emitter.emit('x', 1), emitter.emit('x', 2), heard]
  })).toEqual([false, true, true, [1, 2]])
  await expect.poll(() => uncaught).toEqual(['of the page', 'of the page'])
})

test('topic filters and reason codes', async ({ loaded }) => {
  const page = await loaded()
  const levels = ['', 'a', '+', '#', 'a+', '+a', '#b', '$share', '世']
  const filters = levels.flatMap(x => [x, ...levels.flatMap(y => [`${x}/${y}`, ...levels.map(z => `${x}/${y}/${z}`)])])
  const seen = await page.evaluate(filters => [parts, mqtt].map(m => ({
    each: filters.map(f => m.validateTopic(f)),
    lists: [[], filters, ['a', 'b/+'], ['a', '#/b', '+b']].map(list => m.validateTopics(list)),
    codes: m.ReasonCodes, // as text, in order
  })), filters)
  expect(seen[0]).toEqual(seen[1])
  expect(Object.entries(seen[0]!.codes)).toEqual(Object.entries(seen[1]!.codes))
})

test('errors', async ({ loaded }) => {
  const page = await loaded()
  const seen = await page.evaluate(() => [parts, mqtt].map(m => {
    const a = new m.ErrorWithReasonCode('Connection refused: Not authorized', 135), b = new m.ErrorWithSubackPacket('Subscribe error: Not authorized', { cmd: 'suback', granted: [135] })
    return [a, b].map(e => [e instanceof Error, e instanceof m.ErrorWithReasonCode, e instanceof m.ErrorWithSubackPacket, e.name, e.message, String(e), { ...e }, e.stack!.split('\n')[0]])
  }))
  expect(seen[0]).toEqual(seen[1])
})

test('message identifiers', async ({ loaded }) => {
  const page = await loaded()
  const seen = await page.evaluate(() => [parts, mqtt].map(m => {
    const unique = new m.UniqueMessageIdProvider(), log: unknown[] = [unique.getLastAllocated() ?? null]
    log.push(unique.allocate(), unique.allocate(), unique.getLastAllocated(), unique.register(4), unique.register(4), unique.register(0), unique.register(65536), unique.allocate(), unique.allocate())
    unique.deallocate(2)
    unique.deallocate(70000)
    log.push(unique.allocate(), unique.getLastAllocated(), unique.allocate())
    unique.clear()
    log.push(unique.allocate())
    unique.clear()
    let sum = 0
    for (let i = 0; i < 65535; i++) sum += unique.allocate()!
    log.push(sum, unique.allocate(), unique.getLastAllocated())
    unique.deallocate(777)
    log.push(unique.allocate(), unique.allocate())
    const ids = new m.DefaultMessageIdProvider(), first = ids.allocate()!
    let last = first
    for (let i = 0; i < 65534; i++) { // all others, in order
      const id = ids.allocate()!
      if (id !== last % 65535 + 1 || id !== ids.getLastAllocated()) throw new Error(`${id} after ${last}`)
      last = id
    }
    log.push(last === (first + 65533) % 65535 + 1)
    return log
  }))
  expect(seen[0]).toEqual(seen[1])
  expect(await page.evaluate(() => {
    const ids = new parts.DefaultMessageIdProvider(), first = ids.allocate()!, next = first % 65535 + 1
    const log: unknown[] = [ids.register(next), ids.register(next), ids.register(0), (ids.allocate()! - next + 65535) % 65535]
    for (let i = 0; i < 65532; i++) ids.allocate()
    log.push(ids.allocate())
    ids.deallocate(first)
    log.push(ids.allocate() === first, ids.getLastAllocated() === first, ids.allocate())
    ids.clear()
    log.push(ids.allocate() === next)
    return log
  })).toEqual([true, false, false, 1, null, true, true, null, true])
})

test('the store, and reading one of the page', async ({ loaded }) => {
  const page = await loaded()
  const seen = await page.evaluate(async () => Promise.all([parts, mqtt as never as typeof parts].map(async m => {
    const packet = (messageId: number, topic = `t${messageId}`): IPublishPacket => ({ cmd: 'publish', messageId, topic, payload: 'x', qos: 1, dup: false, retain: false })
    const s = new m.Store(), log: unknown[] = []
    const tell = (e?: Error | null, p?: { messageId?: number }): void => { log.push([e?.message ?? null, p?.messageId]) }
    log.push(s.put(packet(3), tell) === s, s.put(packet(1)) === s, s.put(packet(2), tell) === s, s.put(packet(3, 'again'), tell) === s)
    s.get({ messageId: 3 }, tell).get({ messageId: 9 }, tell).del({ messageId: 1 }, tell).del({ messageId: 1 }, tell)
    log.push((await parts.readAll(s)).map(p => (p as { topic: string }).topic)) // of mqtt.js: a Readable
    const stream = s.createStream()
    log.push((stream.read() as IPublishPacket).topic, (stream.read() as IPublishPacket).topic)
    await new Promise(resolve => {
      stream.on('end', () => { resolve(log.push('end')) })
      log.push(stream.read() === null)
      stream.on('readable', () => { stream.read() })
    })
    const iterated: string[] = []
    for await (const p of s.createStream() as AsyncIterable<IPublishPacket>) iterated.push(p.topic)
    s.createStream().destroy()
    log.push(iterated)
    const kept = new m.Store({ clean: false })
    kept.put(packet(1), tell)
    kept.close(tell)
    log.push((await parts.readAll(kept)).length)
    s.close(tell)
    return log
  })))
  expect(seen[0]).toEqual(seen[1])
  expect(seen[0]).toContainEqual(['again', 't2'])
  expect(await page.evaluate(async () => {
    const failing = { createStream: () => new parts.Store().createStream().destroy(new Error('disk')) }
    const s = new parts.Store()
    await s.put({ cmd: 'pingreq', messageId: 1 })
    s.close()
    return [await parts.readAll(failing as never).catch((e: Error) => e.message), (await parts.readAll(s)).length, (await parts.readAll(new parts.Store())).length]
  })).toEqual(['disk', 0, 0])
})

/** Runs on the page: what either side makes of the arguments of `connect`, and the URLs of its first attempts. */
async function dials(cases: [url: string | null, options?: IClientOptions][], attempts: number) {
  const shown = (o: object): object => {
    const known = ['protocol', 'defaultProtocol', 'host', 'hostname', 'port', 'path', 'username', 'password', 'clientId'], all = o as Record<string, unknown>
    return Object.fromEntries(known.filter(k => all[k] !== undefined && all[k] !== null && !`${all[k]}`.startsWith('mqttjs_')).map(k => [k, all[k]]))
  }
  return Promise.all(cases.map(async ([url, options]) => {
    const args = (url === null ? [options] : [url, options]) as [string, IClientOptions?]
    let ours: unknown, theirs: unknown
    try {
      const { options: o, dial } = parts.parseConnect(...structuredClone(args))
      const urls = Array.from({ length: attempts }, (_, i) => dial(i))
      ours = { urls, options: shown(o) }
    } catch (e) {
      ours = String(e)
    }
    try {
      const urls: string[] = []
      const extra = {
        reconnectPeriod: 1,
        createWebsocket: (url: string) => {
          urls.push(url)
          const socket = Object.assign(new EventTarget(), { readyState: 0, OPEN: 1, close: () => 0, send: () => 0, bufferedAmount: 0 })
          setTimeout(() => { socket.dispatchEvent(new Event('close')) })
          return socket
        },
      }
      const [u, o] = structuredClone(args)
      const client = typeof u === 'object' ? mqtt.connect(Object.assign(u, extra)) : mqtt.connect(u, { ...o, ...extra } as never)
      for (let i = 0; i < 100 && urls.length < attempts; i++) await new Promise(resolve => setTimeout(resolve, 10))
      client.end(true)
      theirs = { urls: urls.slice(0, attempts), options: shown(client.options) }
    } catch (e) {
      theirs = String(e)
    }
    return { arguments: JSON.stringify(args), ours, theirs }
  }))
}

const wss = 'wss' as const
const addresses: [url: string | null, options?: IClientOptions][] = [
  ['wss://broker.example/mqtt'], ['wss://broker.example:8884/mqtt?a=1&b=2#c'], ['ws://Broker.Example'], ['WSS://broker.example?x=1'], ['wss://broker.example/?X-Amz-Signature=a%2Fb%2B'], [' wss://broker.example/a '],
  ['wss://user:pass@broker.example/mqtt'], ['wss://us%40er:p%3Aa%2Fss@broker.example'], ['wss://a:b:c@broker.example'], ['wss://only@broker.example'], ['wss://only:@broker.example'], ['wss://:only@broker.example'], ['wss://a@b:c@broker.example/x@y'],
  ['wss://u:p@broker.example', { username: 'of the options', password: 'too' }], ['wss://broker.example', { auth: 'x:y' }], ['wss://u%:p@broker.example'],
  ['wss://broker.example/mqtt?clientId=of-url', { clientId: 'of-options' }], ['wss://broker.example/mqtt?clientId=a+b%20c'], ['wss://broker.example/mqtt?clientId='], ['wss://broker.example', { query: { clientId: 'q' } }],
  ['wss://broker.example', { port: 1, path: '/other' }], ['wss://broker.example/p', { host: 'other.example' }], ['wss://broker.example/p', { hostname: 'other.example' }], ['wss://broker.example:1', { protocol: 'ws' }],
  ['mqtt://broker.example/path'], ['mqtts://broker.example:8883/path'], ['tcp://broker.example:1883'], ['tls://broker.example'], ['ssl://broker.example'], ['http://broker.example/a'], ['https://broker.example/a'],
  ['broker.example'], ['broker.example/mqtt'], ['localhost:1883'], ['//broker.example/mqtt', { protocol: wss, hostname: 'h' }], ['//u:p@broker.example/mqtt'], ['//u:p@broker.example/mqtt', { protocol: wss }], ['mqtt', { protocol: wss, host: 'h', path: '/p' }], ['wss:broker.example/mqtt'],
  ['/mqtt', { protocol: wss }], ['/mqtt?a=b', { protocol: wss, port: 1 }], ['/mqtt', { hostname: 'other.example' }], ['/mqtt', { host: 'other.example', port: 9001 }],
  [null, { protocol: wss, host: 'broker.example' }], [null, { protocol: wss, hostname: 'broker.example', port: 9001, path: '/mqtt' }], [null, { host: 'broker.example', port: 9001, path: '/lost' }], [null, { protocol: 'mqtts', host: 'broker.example', path: '/lost' }],
  ['wss://broker.example', { clean: false }], ['wss://broker.example?clientId=x', { clean: false }], ['wss://broker.example', { clean: false, clientId: 'x' }],
  ['ws://broker.example', { cert: 'c', key: 'k' }], ['mqtt://broker.example', { cert: 'c', key: 'k' }], ['wss://broker.example', { cert: 'c', key: 'k' }], ['tcp://broker.example', { cert: 'c', key: 'k' }], [null, { host: 'broker.example', cert: 'c', key: 'k' }],
  [null, { servers: [{ host: 'a', port: 1 }, { host: 'b', port: 2, protocol: wss }], protocol: 'ws', path: '/p' }], ['wss://first.example/p', { servers: [{ host: 'a', port: 443 }, { host: 'b', port: 444, protocol: 'ws' }] }], [null, { servers: [{ host: 'a', port: 1, protocol: wss }], path: '/lost' }],
]

for (const origin of ['http://page.example', 'https://page.example']) {
  test(`the arguments of connect, on ${origin}`, async ({ loaded }) => {
    const page = await loaded(`${origin}/app/`)
    for (const { arguments: of, ours, theirs } of await page.evaluate(`(${dials.toString()})(${JSON.stringify([...addresses, ['/mqtt'], ['/mqtt?x=1'], ['//broker.example/mqtt'], [null, {}]])}, 3)`) as Awaited<ReturnType<typeof dials>>) {
      expect(ours, of).toEqual(theirs)
    }
  })
}

test('the arguments of connect, where mqtt.js is left behind', async ({ loaded }) => {
  const page = await loaded('http://page.example:8080/app/')
  const dial = (cases: [string | null, IClientOptions?][]) => page.evaluate(cases => cases.map(args => {
    try {
      return parts.parseConnect(...args).dial(0)
    } catch (e) {
      return String(e)
    }
  }), cases)
  expect(await dial([
    ['/mqtt'], ['/mqtt', { protocol: 'wss' }], ['ws://[::1]:9001/mqtt'], ['wss://[2001:DB8::1]'], [null, { protocol: 'wss:' as 'wss', host: 'h' }],
    ['ws://h', { servers: [{ host: 'a', port: 1, protocol: 'mqtts' }] }], ['ws://h', { servers: [] }],
  ])).toEqual([
    'ws://page.example:8080/mqtt', 'wss://page.example:443/mqtt', 'ws://[::1]:9001/mqtt', 'wss://[2001:db8::1]:443/', 'wss://h:443/', 'wss://a:1/', 'ws://h:80/',
  ])
  for (const protocol of ['wx', 'wxs', 'ali', 'alis']) expect(await dial([[`${protocol}://h`]])).toEqual([expect.stringMatching(`Error: Protocol "${protocol}" .* not supported`)])
  expect(await page.evaluate(() => { // options are read at each attempt, and an object is the page's own
    const own: IClientOptions = { protocol: 'wss', host: 'a' }, { options, dial } = parts.parseConnect(own), given: IClientOptions = {}, first = dial(0)
    options.hostname = 'b'
    options.path = '/later'
    return [options === own, parts.parseConnect('wss://h', given).options === given, Object.keys(given), first, dial(1)]
  })).toEqual([true, false, [], 'wss://a:443/', 'wss://b:443/later'])
})

test("a page's TypeScript compiles against our declarations as they are published", () => {
  test.setTimeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'iotwasm-types-'))
  try {
    copyFileSync(join(here, 'src/types.ts'), join(dir, 'index.d.ts'))
    writeFileSync(join(dir, 'mqtt.d.ts'), readFileSync(join(here, 'src/mqtt/types.ts'), 'utf8').replace(`'../types'`, `'./index.js'`).replace(`'./types'`, `'./mqtt.js'`))
    const added = `
      import { connect, type IClientOptions, type MqttClient, type Payload } from 'mqtt'
      import type { IotError } from './index.js'
      const credentials = async () => ({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' })
      const options: IClientOptions = {
        aws: { region: 'eu-west-1', credentials, clockOffset: 5 }, worker: true, wasmURL: '/iotwasm.wasm', workerURL: '/worker.js', integrity: 'sha384-x',
        transformWsUrl: async url => url,
      }
      export const client: MqttClient = connect('wss://h', options).on('handshakeError', (e: IotError) => { console.log(e.hint) })
      client.publish('a', new Uint8Array(1), { delay: 500, properties: { correlationData: new Uint8Array(1) } }).publish('a', 'x', { at: new Date() })
      client.on('message', (_topic, payload) => { const same: Payload = payload.subarray(1).slice(2); console.log(same) })
      // @ts-expect-error: no such event
      client.on('messages', () => {})
      // @ts-expect-error: no such option
      connect({ clientID: 'x' })
      // @ts-expect-error: nothing writes into a payload
      client.on('message', (_topic, payload) => { payload.writeInt8(1) })
    `
    writeFileSync(join(dir, 'added.ts'), added)
    const compile = (name: string, options: object, files: string[]): void => {
      writeFileSync(join(dir, `${name}.json`), JSON.stringify({
        extends: join(here, 'test/tsconfig.json'), files, include: [],
        compilerOptions: { paths: { mqtt: [join(dir, 'mqtt.d.ts')] }, typeRoots: [join(here, 'node_modules/@types')], ...options },
      }))
      try {
        execFileSync(join(here, 'node_modules/.bin/tsc'), ['-p', join(dir, `${name}.json`)], { encoding: 'utf8' })
      } catch (e) {
        throw new Error(`${name}: ${(e as { stdout: string }).stdout}`)
      }
    }
    compile('page', {}, [join(here, 'test/mqtt-types.ts'), join(dir, 'added.ts')])
    compile('without-node', { types: [], exactOptionalPropertyTypes: true, lib: ['ES2022', 'DOM'] }, [join(dir, 'added.ts')])
  } finally {
    rmSync(dir, { recursive: true })
  }
})
