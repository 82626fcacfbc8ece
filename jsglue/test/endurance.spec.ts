/** Long runs: nothing is lost, nothing is left over. */
import mqttjs from 'mqtt'
import { Command, Event } from '../src/kinds'
import { record, until } from './events'
import { connected, expect, startGateway, test, type PlainOptions } from './fixtures'
import { freePort } from './servers.mjs'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Whether numbers only grow, where each is counted the first time that it comes. */
function firstInOrder(numbers: number[]): boolean {
  const first = [...new Set(numbers)]
  return first.every((n, i) => i === 0 || n > first[i - 1])
}

test('10,000 QoS 1 messages over a link that is cut ten times', async ({ shared, mosquitto, proxied, topic }) => {
  test.setTimeout(120_000)
  const count = 10_000, topics = 4
  const { url, proxy } = await proxied(mosquitto)
  // The second subscriber's own link and the broker stay up, so that what is missing there was lost by the client.
  const subscriber = await mqttjs.connectAsync(mosquitto, { protocolVersion: 5, manualConnect: false })
  try {
    const got: number[][] = Array.from({ length: topics }, () => [])
    let received = 0
    subscriber.on('message', (t, payload) => {
      got[Number(t.slice(topic.length + 1))].push(Number(payload.toString()))
      received++
    })
    await subscriber.subscribeAsync(`${topic}/+`, { qos: 1 })
    const client = await connected(shared, { url, limits: false, reconnect: { minDelay: 20, maxDelay: 200 } })
    const seen = await record(client)
    const run = await client.evaluateHandle((c, { count, topics, topic }) => {
      const open = new Set<number>()
      const atCuts = new Set<number>() // unsettled when a link ended
      const outcomes = { acknowledged: 0, failed: [] as string[] }
      c.on('offline', () => { for (const n of open) atCuts.add(n) })
      let next = 0
      const publish = async (): Promise<void> => {
        while (next < count) {
          const n = next++
          open.add(n)
          await c.publish(`${topic}/${n % topics}`, String(n), { qos: 1 }).then(() => { outcomes.acknowledged++ }, e => outcomes.failed.push(String(e)))
          open.delete(n)
        }
      }
      return { all: Promise.all(Array.from({ length: 200 }, publish)).then(() => ({ ...outcomes, atCuts: [...atCuts] })) }
    }, { count, topics, topic })
    for (let cut = 1; cut <= 10; cut++) {
      await expect.poll(() => received, { timeout: 60_000, intervals: [5] }).toBeGreaterThan(cut * 850)
      await proxy.refuse() // as while a server that was killed is started again
      proxy.cut()
      await until(seen, /^offline/, cut)
      await proxy.accept()
      await until(seen, 'state connected', cut)
    }
    const { acknowledged, failed, atCuts } = await run.evaluate(r => r.all)
    expect(failed).toEqual([])
    expect(acknowledged).toBe(count)
    await expect.poll(() => new Set(got.flat()).size, { timeout: 30_000 }).toBe(count)
    for (const numbers of got) expect(firstInOrder(numbers)).toBe(true)
    const twice = got.flatMap(numbers => numbers.filter((n, i) => numbers.indexOf(n) !== i))
    const known = new Set(atCuts)
    expect(twice.filter(n => !known.has(n))).toEqual([])
    expect((await client.evaluate(c => c.stats())).links).toBe(11)
  } finally {
    await subscriber.endAsync(true)
  }
})

test('a server that is killed ten times: every publish settles, in order', async ({ shared, program, topic }) => {
  test.setTimeout(120_000)
  const count = 3000
  const port = await freePort()
  let gateway = await startGateway(program, { port, args: ['-profile', 'generic'] })
  try {
    // The broker forgets all when it is killed; what one client sends itself can only be lost with its acknowledgement on the way.
    const client = await connected(shared, { ...gateway.options, limits: false, connectTimeout: 3000, reconnect: { minDelay: 50, maxDelay: 300 } })
    const seen = await record(client)
    const run = await client.evaluateHandle(async (c, { count, topic }) => {
      const got: number[] = []
      const progress = { settled: 0 }
      const failed: string[] = []
      await c.subscribe(topic, { qos: 1 }, m => { got.push(Number(m.text())) })
      let next = 0
      const publish = async (): Promise<void> => {
        while (next < count) {
          await c.publish(topic, String(next++), { qos: 1 }).catch(e => failed.push(String(e)))
          progress.settled++
        }
      }
      return { got, progress, all: Promise.all(Array.from({ length: 50 }, publish)).then(() => failed) }
    }, { count, topic })
    for (let kill = 1; kill <= 10; kill++) {
      await expect.poll(() => run.evaluate(r => r.progress.settled), { timeout: 60_000, intervals: [5] }).toBeGreaterThan(kill * 200)
      await gateway.stop('SIGKILL')
      await until(seen, /^offline/, kill)
      gateway = await startGateway(program, { port, args: ['-profile', 'generic'] })
      await until(seen, 'state connected', kill)
    }
    expect(await run.evaluate(r => r.all)).toEqual([])
    expect(await run.evaluate(r => r.progress.settled)).toBe(count)
    await client.evaluate((c, topic) => c.publish(topic, '1000000', { qos: 1 }), topic)
    await expect.poll(() => run.evaluate(r => r.got.at(-1))).toBe(1_000_000)
    const got = await run.evaluate(r => r.got)
    expect(firstInOrder(got)).toBe(true)
    expect(new Set(got).size).toBeGreaterThan(count * 0.9)
  } finally {
    await gateway.stop('SIGKILL')
  }
})

/** Connects and closes, ten at a time, in every way that a client ends. */
function connectAndClose({ where, refused, times }: { where: PlainOptions, refused: string, times: number }): Promise<void> {
  const once = async (i: number): Promise<void> => {
    if (i % 50 === 0) await window.failure(() => window.iotwasm.connect({ url: refused, worker: where.worker! })) // Chromium slows down who is refused often
    if (i % 10 === 0) {
      const stop = new AbortController()
      const aborted = window.failure(() => window.iotwasm.connect({ ...where, signal: stop.signal }))
      setTimeout(() => stop.abort(), i % 7)
      await aborted
    }
    const client = await window.iotwasm.connect(where)
    const subscription = await client.subscribe(`t/${i % 10}`, { qos: 1 })
    await client.publish(`t/${i % 10}`, 'x', { qos: 1 })
    const run = client.publishDelayed('t', '', { delay: 3_600_000 })
    if (i % 3 === 0) await subscription.unsubscribe()
    if (i % 4 === 0) await client.renew()
    await client.close()
    await run.done
  }
  let next = 0
  const turn = async (): Promise<void> => { while (next < times) await once(next++) }
  return Promise.all(Array.from({ length: 10 }, turn)).then(() => undefined)
}

declare global {
  interface Window {
    /** What was constructed on this page. */
    made: { workers: Worker[], sockets: WebSocket[], idsOfGo: Map<unknown, number> | undefined }
  }
}

/** Keeps every Worker and WebSocket that the page makes, and the table of the JavaScript values that Go holds. */
function watchConstructors(): void {
  const made: Window['made'] = { workers: [], sockets: [], idsOfGo: undefined }
  window.made = made
  const NativeWorker = window.Worker, NativeSocket = window.WebSocket
  window.Worker = class extends NativeWorker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      made.workers.push(this)
    }
  }
  window.WebSocket = class extends NativeSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args)
      made.sockets.push(this)
    }
  }
  // wasm_exec.js keeps the values in `this._ids`, which nothing else can reach.
  Object.defineProperty(Object.prototype, '_ids', {
    configurable: true,
    set(ids: Map<unknown, number>) {
      made.idsOfGo = ids
      Object.defineProperty(this, '_ids', { value: ids, writable: true, configurable: true })
    },
  })
}

test('500 connects and closes in a Worker leave nothing', async ({ blank, gateway, proxied, scripted }) => {
  test.setTimeout(120_000)
  const { endpoint, ...options } = gateway.options
  const { url, proxy } = await proxied(endpoint)
  const where = { ...options, endpoint: url, limits: false as const, worker: true }
  const refused = (await scripted({ upgrade: 403 })).url
  await blank.evaluate(watchConstructors)
  /** Asks the program itself: clients and goroutines. */
  const held = () => blank.evaluate(async ({ ask, answer }) => {
    const op = 0xfffffff0
    const question = new DataView(new ArrayBuffer(13))
    question.setUint8(0, ask)
    question.setUint32(1, 8, true)
    question.setUint32(9, op, true)
    const [worker] = window.made.workers
    return new Promise<{ clients: number, goroutines: number }>(resolve => {
      const hear = ({ data }: MessageEvent<Uint8Array>): void => {
        const r = new DataView(data.buffer, data.byteOffset, data.byteLength)
        for (let at = 0; at < r.byteLength; at += 5 + r.getUint32(at + 1, true)) {
          if (r.getUint8(at) !== answer || r.getUint32(at + 5, true) !== op) continue
          worker!.removeEventListener('message', hear)
          resolve({ clients: r.getUint32(at + 9, true), goroutines: r.getUint32(at + 13, true) })
        }
      }
      worker!.addEventListener('message', hear)
      worker!.postMessage(new Uint8Array(question.buffer))
    })
  }, { ask: Command.stats, answer: Event.statsAnswer })
  await blank.evaluate(connectAndClose, { where, refused, times: 10 })
  await expect.poll(() => proxy.open()).toBe(0)
  await pause(700) // longer than a close may take
  const before = await held()
  expect(before.clients).toBe(0)
  await blank.evaluate(connectAndClose, { where, refused, times: 500 })
  await expect.poll(held).toEqual(before)
  await expect.poll(() => proxy.open()).toBe(0)
  expect(blank.workers()).toHaveLength(1)
  expect(await blank.evaluate(() => window.made.workers.length)).toBe(1)
})

test("500 connects and closes on the page's thread leave nothing", async ({ blank, gateway, proxied, scripted }) => {
  test.setTimeout(120_000)
  const { endpoint, ...options } = gateway.options
  const { url, proxy } = await proxied(endpoint)
  const refused = (await scripted({ upgrade: 403 })).url
  await blank.evaluate(watchConstructors)
  const where = { ...options, endpoint: url, limits: false as const, worker: false }
  /** Values that Go still holds once it has collected its garbage: enough of it is made here. */
  const held = () => blank.evaluate(async where => {
    await new Promise(resolve => setTimeout(resolve, 700)) // longer than a close may take
    const client = await window.iotwasm.connect(where)
    let least = Infinity
    for (let i = 0; i < 100; i++) {
      await client.publish('garbage', new Uint8Array(100_000))
      least = Math.min(least, window.made.idsOfGo!.size)
    }
    await client.close()
    return least
  }, where)
  await blank.evaluate(connectAndClose, { where, refused, times: 50 })
  const before = await held()
  await blank.evaluate(connectAndClose, { where, refused, times: 450 })
  await expect.poll(() => blank.evaluate(() => window.made.sockets.filter(s => s.readyState !== 3).length), { timeout: 30_000 }).toBe(0)
  await expect.poll(() => proxy.open(), { timeout: 30_000 }).toBe(0)
  expect(await blank.evaluate(() => [window.made.sockets.length > 500, window.made.workers.length])).toEqual([true, 0])
  // One value kept by each connect would be 450.
  expect(await held()).toBeLessThan(before + 100)
})
