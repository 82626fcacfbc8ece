/** The life of a connection: every way to lose it, and how it comes back or ends. Faults are made for real. */
import type { JSHandle } from '@playwright/test'
import type { Client } from '../src/types'
import { record, texts, until } from './events'
import { connected, expect, openBlank, startGateway, test } from './fixtures'
import { freePort } from './servers.mjs'

/** Comes back soon. */
const soon = { minDelay: 20, maxDelay: 100 }

const state = (client: JSHandle<Client>) => client.evaluate(c => c.state)

for (const worker of [true, false]) {
  test(`server killed and started again, ${worker ? 'Worker' : "page's thread"}`, async ({ shared, program, topic }) => {
    const port = await freePort()
    let gateway = await startGateway(program, { port })
    try {
      const client = await connected(shared, { ...gateway.options, worker, reconnect: { minDelay: 100, maxDelay: 500 } })
      const seen = await record(client)
      const got = await client.evaluateHandle(async (c, topic) => {
        const got: string[] = []
        await c.subscribe(`${topic}/+`, { qos: 1 }, (m, match) => { got.push(`${match.wildcards[0]} ${m.text()}`) })
        await c.publish(`${topic}/a`, 'before', { qos: 1 })
        return got
      }, topic)
      await gateway.stop('SIGKILL')
      await until(seen, 'offline transport-closed')
      const offline = await client.evaluateHandle((c, topic) => {
        const settled: number[] = []
        return { settled, all: Promise.all(Array.from({ length: 30 }, (_, i) => c.publish(`${topic}/b`, String(i), { qos: i % 2 as 0 | 1 }).then(() => { settled.push(i) }))) }
      }, topic)
      await until(seen, 'reconnect 2 handshake-failed')
      gateway = await startGateway(program, { port })
      await until(seen, 'state connected')
      await offline.evaluate(o => o.all)
      await expect.poll(() => got.evaluate(g => g.length)).toBe(31)
      expect(await got.jsonValue()).toEqual(['a before', ...Array.from({ length: 30 }, (_, i) => `b ${i}`)])
      await client.evaluate((c, topic) => c.publish(`${topic}/c`, 'after', { qos: 1 }), topic)
      await expect.poll(() => got.evaluate(g => g.at(-1))).toBe('c after')
      const events = await texts(seen)
      expect(events.slice(0, 3)).toEqual(['state reconnecting transport-closed', 'offline transport-closed', 'reconnect 1 transport-closed'])
      expect(events.slice(-2)).toEqual(['connect', 'state connected'])
      const attempts = events.slice(3, -2)
      expect(attempts.length).toBeGreaterThan(0)
      expect(attempts.filter(e => !/^(reconnect \d+|error) handshake-failed$/.test(e))).toEqual([])
    } finally {
      await gateway.stop('SIGKILL')
    }
  })
}

test.describe('a frozen link', () => {
  test('is noticed by the keep alive and replaced, losing nothing', async ({ shared, mosquitto, proxied, topic }) => {
    const { url, proxy } = await proxied(mosquitto)
    const client = await connected(shared, { url, keepAlive: 2, reconnect: soon })
    const seen = await record(client)
    const got = await client.evaluateHandle(async (c, topic) => {
      const got: string[] = []
      await c.subscribe(topic, { qos: 1 }, m => { got.push(m.text()) })
      return got
    }, topic)
    proxy.freeze()
    const published = await client.evaluateHandle((c, topic) => ({ all: Promise.all(['1', '2', '3'].map(p => c.publish(topic, p, { qos: 1 }))) }), topic)
    await until(seen, 'connect resumed')
    await published.evaluate(p => p.all)
    await expect.poll(() => got.jsonValue()).toEqual(['1', '2', '3'])
    expect(await texts(seen)).toEqual(['state reconnecting transport-closed', 'offline transport-closed', 'reconnect 1 transport-closed', 'connect resumed', 'state connected'])
    expect(proxy.connections()).toBe(2)
  })

  test('is noticed by a probe when the page wakes up', async ({ shared, scripted, proxied }) => {
    const server = await scripted({ connack: { sessionPresent: true } })
    const { url, proxy } = await proxied(server.url)
    const client = await connected(shared, { url, keepAlive: 600, reconnect: soon })
    const seen = await record(client)
    await shared.evaluate(() => window.dispatchEvent(new Event('online')))
    await expect.poll(() => server.last().of('pingreq').length).toBe(1)
    await shared.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await expect.poll(() => server.last().of('pingreq').length).toBe(2)
    await client.evaluate(() => new Promise(resolve => setTimeout(resolve, 6000))) // both were answered
    expect(await texts(seen)).toEqual([])
    proxy.freeze()
    await shared.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await until(seen, 'state connected')
    expect((await texts(seen))[0]).toBe('state reconnecting transport-closed')
  })
})

test('waking up cuts the wait for the next attempt short', async ({ shared, scripted, proxied }) => {
  const { url, proxy } = await proxied((await scripted({})).url)
  const client = await connected(shared, { url, reconnect: { minDelay: 3_600_000, maxDelay: 3_600_000 } })
  const seen = await record(client)
  await proxy.refuse()
  proxy.cut()
  await until(seen, /^reconnect 1/)
  await shared.evaluate(() => window.dispatchEvent(new Event('online')))
  await until(seen, 'reconnect 2 handshake-failed') // it tried, in vain
  await proxy.accept()
  await shared.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await until(seen, 'state connected')
})

test('the back/forward cache: the link ends in good order and comes back', async ({ shared, scripted, topic }) => {
  const server = await scripted({}, { connack: { sessionPresent: true } })
  const client = await connected(shared, { url: server.url, reconnect: soon })
  const seen = await record(client)
  const turn = (type: string, persisted: boolean) => shared.evaluate(([type, persisted]) => window.dispatchEvent(new PageTransitionEvent(type, { persisted })), [type, persisted] as const)
  await turn('pagehide', false) // unloading: the browser closes the socket
  await turn('pagehide', true)
  await server.connections[0].closed
  await until(seen, 'state reconnecting')
  const first = server.connections[0].of('disconnect')
  expect(first).toMatchObject([{ reasonCode: 0 }])
  expect(first[0].properties?.sessionExpiryInterval).toBeUndefined() // the session stays
  const published = await client.evaluateHandle((c, topic) => ({ done: c.publish(topic, 'meanwhile', { qos: 1 }) }), topic)
  await shared.evaluate(() => new Promise(resolve => setTimeout(resolve, 500)))
  expect(server.connections).toHaveLength(1)
  await turn('pageshow', true)
  await until(seen, 'state connected')
  await published.evaluate(p => p.done)
  expect(server.connections).toHaveLength(2)
  expect(server.last().of('connect')[0].clean).toBe(false)
})

const refusals = [0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f]

test('CONNACK with each refusal: the first connect rejects', async ({ shared, scripted }) => {
  for (const reasonCode of refusals) {
    const server = await scripted({ connack: { reasonCode, properties: { reasonString: 'because' } } })
    const failed = await shared.evaluate(url => window.failure(() => window.iotwasm.connect({ url })), server.url)
    expect(failed).toMatchObject({ code: 'connack-refused', reasonCode })
    expect(failed!.message).toContain('because')
    expect(failed!.retryable).toBe([0x80, 0x83, 0x88, 0x89, 0x97, 0x9c, 0x9d, 0x9f].includes(reasonCode))
    expect(server.connections).toHaveLength(1)
    if ([0x85, 0x86, 0x87].includes(reasonCode)) expect(failed!.hint).toBeTruthy()
  }
})

test('CONNACK with a refusal that would come again closes a client that reconnects', async ({ shared, scripted }) => {
  await Promise.all([0x85, 0x86, 0x87, 0x8a, 0x8c].map(async reasonCode => {
    const server = await scripted({}, { connack: { reasonCode } })
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const seen = await record(client)
    server.connections[0].cut()
    await until(seen, 'close connack-refused')
    const events = await seen.jsonValue()
    expect(events.map(e => e.text)).toEqual([
      'state reconnecting transport-closed', 'offline transport-closed', 'reconnect 1 transport-closed', 'state closed connack-refused', 'close connack-refused',
    ])
    expect(events.at(-1)!.reasonCode).toBe(reasonCode)
    expect((await client.evaluate(c => window.failure(() => c.publish('t', ''))))?.code).toBe('closed')
    expect(server.connections).toHaveLength(2)
  }))
})

test('CONNACK with a refusal for now is tried again, after a while', async ({ shared, scripted }) => {
  await Promise.all([0x88, 0x89, 0x97, 0x9f, 0x9d].map(async reasonCode => {
    const server = await scripted({}, { connack: { reasonCode } }, { connack: { reasonCode } }, {})
    const client = await connected(shared, { url: server.url, reconnect: { minDelay: 20, maxDelay: 200 } })
    const seen = await record(client)
    server.connections[0].cut()
    await until(seen, 'state connected')
    const events = await seen.jsonValue()
    const retries = events.filter(e => e.text.startsWith('reconnect'))
    expect(retries.map(e => e.text)).toEqual(['reconnect 1 transport-closed', 'reconnect 2 connack-refused', 'reconnect 3 connack-refused'])
    if (reasonCode !== 0x88) for (const r of retries.slice(1)) expect(r.delay).toBeGreaterThanOrEqual(200) // it cools down
    expect(events.filter(e => e.text === 'error connack-refused').map(e => e.reasonCode)).toEqual([reasonCode, reasonCode])
    expect(server.connections).toHaveLength(4)
  }))
})

test('two tabs with one client identifier: one clear error and no war', async ({ shared, context, gateway, proxied, topic }) => {
  const { url: endpoint, proxy } = await proxied(gateway.options.endpoint)
  const options = { ...gateway.options, endpoint, clientId: topic.replaceAll('/', '-'), reconnect: soon }
  const first = await connected(shared, options)
  const seen = await record(first)
  const tab = await context.newPage()
  await openBlank(tab, gateway.origin)
  const second = await connected(tab, options)
  const secondSeen = await record(second)
  await until(seen, /^close/)
  await tab.evaluate(() => new Promise(resolve => setTimeout(resolve, 1500)))
  const events = await seen.jsonValue()
  expect(events.map(e => e.text)).toEqual(['disconnect 0x8E', 'state closed server-disconnect', 'close server-disconnect'])
  expect(events.at(-1)!.reasonCode).toBe(0x8e)
  expect(events.at(-1)!.hint).toContain('client identifier')
  expect(await texts(secondSeen)).toEqual([])
  expect(await state(second)).toBe('connected')
  expect(proxy.connections()).toBe(2)
})

test('DISCONNECT with a reason that passes is followed by a new link', async ({ shared, scripted }) => {
  for (const [reasonCode, name] of [[0x97, '0x97'], [0x8b, '0x8B'], [0x9d, '0x9D'], [0xa0, '0xA0']] as const) {
    const server = await scripted({})
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const seen = await record(client)
    server.connections[0].send({ cmd: 'disconnect', reasonCode })
    await until(seen, 'state connected')
    const events = await seen.jsonValue()
    expect(events.map(e => e.text)).toEqual([
      `disconnect ${name}`, 'state reconnecting server-disconnect', 'offline server-disconnect', 'reconnect 1 server-disconnect', 'connect', 'state connected',
    ])
    expect(events[1].reasonCode).toBe(reasonCode)
  }
})

test('an upgrade answered with 403 while reconnecting is tried again and explained', async ({ shared, scripted, options }) => {
  const server = await scripted({}, { upgrade: 403 }, { upgrade: 403 }, { upgrade: 403 }, {})
  const client = await connected(shared, { ...options, endpoint: `ws://127.0.0.1:${server.port}`, reconnect: soon })
  const seen = await record(client)
  server.connections[0].cut()
  await until(seen, 'state connected')
  await until(seen, 'error handshake-failed', 3)
  const errors = (await seen.jsonValue()).filter(e => e.text.startsWith('error'))
  expect(errors).toHaveLength(3)
  for (const e of errors) expect(e.hint).toMatch(/^Most likely first: the server is down.*the secret access key/)
  const signatures = server.connections.map(c => new URLSearchParams(c.url.split('?')[1]).get('X-Amz-Signature'))
  expect(signatures.every(s => s?.length === 64)).toBe(true)
})

test('reconnect: false closes at the loss of the link', async ({ shared, scripted }) => {
  const server = await scripted({})
  const client = await connected(shared, { url: server.url, reconnect: false })
  const seen = await record(client)
  expect(server.last().of('connect')[0].properties?.sessionExpiryInterval).toBeUndefined()
  server.last().cut()
  await until(seen, /^close/)
  await shared.evaluate(() => new Promise(resolve => setTimeout(resolve, 300)))
  expect(await texts(seen)).toEqual(['state closed transport-closed', 'close transport-closed'])
  expect(server.connections).toHaveLength(1)
})

for (const server of ['gateway', 'mosquitto'] as const) {
  test.describe(server, () => {
    test.use({ server })

    test('renew loses nothing', async ({ shared, options, topic }) => {
      const listener = await connected(shared, { ...options, reconnect: soon })
      // A server that discards what is over its rate (AWS IoT Core) is not asked for more than it sends.
      const publisher = await connected(shared, { ...options, limits: server === 'gateway' ? { publishesPerSecond: 80 } : false })
      const seen = await record(listener)
      const got = await listener.evaluate(async (c, { publisher, topic }) => {
        const got: number[] = []
        await c.subscribe(topic, { qos: 1 }, m => { got.push(Number(m.text())) })
        let count = 0, on = true
        const publishing = (async () => {
          while (on) await Promise.all(Array.from({ length: 5 }, () => publisher.publish(topic, String(count++), { qos: 1 })))
        })()
        const own: unknown[] = []
        for (let i = 0; i < 5; i++) {
          const others = Array.from({ length: 5 }, (_, j) => c.publish(`${topic}/own`, String(j), { qos: 1 }).then(r => own.push(r.reasonCode < 0x80)))
          await c.renew()
          await Promise.all(others)
          await new Promise(resolve => setTimeout(resolve, 100))
        }
        on = false
        await publishing
        const end = Date.now() + 20_000 // AWS IoT Core sends 10 stored messages a second
        while (new Set(got).size < count && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 20))
        return { count, distinct: [...new Set(got)], own: own.filter(o => o === true).length, links: (await c.stats()).links }
      }, { publisher, topic })
      expect(got.distinct).toEqual(Array.from({ length: got.count }, (_, i) => i))
      expect(got).toMatchObject({ own: 25, links: 6 })
      const events = await texts(seen)
      expect(events.filter(e => !['state reconnecting', 'offline', 'reconnect 1', 'connect resumed', 'state connected'].includes(e))).toEqual([])
    })
  })
}

test('maxConnectionAge replaces the link, losing nothing', async ({ shared, mosquitto, topic }) => {
  const client = await connected(shared, { url: mosquitto, maxConnectionAge: 400, reconnect: soon })
  const seen = await record(client)
  const got = await client.evaluate(async (c, topic) => {
    const got: number[] = []
    await c.subscribe(topic, { qos: 1 }, m => { got.push(Number(m.text())) })
    let count = 0
    while ((await c.stats()).links < 4) {
      await c.publish(topic, String(count++), { qos: 1 })
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    const end = Date.now() + 10_000
    while (new Set(got).size < count && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 20))
    return { count, distinct: [...new Set(got)] }
  }, topic)
  expect(got.distinct).toEqual(Array.from({ length: got.count }, (_, i) => i))
  expect((await texts(seen)).filter(e => /closed|failed|error/.test(e))).toEqual([])
})

test('close while reconnecting ends it at once', async ({ shared, scripted, proxied, topic }) => {
  const { url, proxy } = await proxied((await scripted({})).url)
  const client = await connected(shared, { url, reconnect: { minDelay: 500, maxDelay: 500 } })
  const seen = await record(client)
  await proxy.refuse()
  proxy.cut()
  await until(seen, 'reconnect 1 transport-closed')
  const ended = await client.evaluate(async (c, topic) => {
    const waiting = [window.failure(() => c.publish(topic, '', { qos: 1 })), window.failure(() => c.subscribe(topic)), window.failure(() => c.renew())]
    const before = performance.now()
    await c.close()
    return { took: performance.now() - before, codes: (await Promise.all(waiting)).map(f => f?.code), state: c.state }
  }, topic)
  expect(ended).toMatchObject({ codes: ['closed', 'transport-closed', 'closed'], state: 'closed' })
  expect(ended.took).toBeLessThan(1500)
  const made = proxy.connections()
  await proxy.accept()
  await shared.evaluate(() => new Promise(resolve => setTimeout(resolve, 1000)))
  expect(proxy.connections()).toBe(made)
  expect((await texts(seen)).slice(-2)).toEqual(['state closed', 'close'])
})
