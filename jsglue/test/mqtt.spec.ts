/** The face of mqtt.js beyond what mqtt.js has: AWS, delays, loading, crashes, and what pages do wrong. */
import { fileURLToPath } from 'node:url'
import type { JSHandle, Page } from '@playwright/test'
import type { IotError } from '../src/types'
import type * as face from '../src/mqtt/types'
import type { IClientOptions, MqttClient, Packet } from '../src/mqtt/types'
import { expect, issued, openBlank, test as base, type Gateway } from './fixtures'

/** A client that notes its events. */
type Told = MqttClient & { told: string[], failures: IotError[] }

declare global {
  interface Window {
    face: typeof face
    /** What `begin` began. */
    faces: MqttClient[]
    begin: (url: string, options?: IClientOptions) => Told
    /** A callback, and what it was called with. */
    called: () => { cb: (...args: any[]) => void, calls: unknown[][] }
    pause: (ms: number) => Promise<void>
    /** What a store has. */
    packets: (store: face.Store) => Promise<Packet[]>
  }
}

const hidden = 'hidden-1234'
const token = 'a-token-of-these-tests'

const test = base.extend<{ ours: Page }>({
  flags: ['-control-token', token],
  secrets: async ({ gateway }, use) => { await use([gateway.options.credentials.secretAccessKey, 'X-Amz-Signature', 'X-Amz-Security-Token', hidden]) },
  /** `shared`, with the face. What `begin` began is ended. */
  ours: async ({ shared }, use) => {
    await faced(shared)
    await use(shared)
    await shared.evaluate(() => Promise.all(window.faces.splice(0).map(c => c.endAsync(true))))
  },
})

/** Puts the ES module on a page as `window.face`. */
async function faced(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const path = '/pkg/mqtt.js'
    window.face ??= await import(path) as typeof face
    window.faces = []
    window.begin = ((url: string, options: IClientOptions = {}) => {
      const client = window.face.connect(url, { reconnectPeriod: 20, ...options }) as MqttClient as Told
      client.told = []
      client.failures = []
      window.faces.push(client)
      for (const event of ['connect', 'reconnect', 'offline', 'close', 'end'] as const) client.on(event, () => { client.told.push(event) })
      client.on('message', (_, payload) => { client.told.push(`message ${payload}`) })
      client.on('error', error => {
        client.told.push(`error ${error.message}`)
        client.failures.push(error as IotError)
      })
      return client
    }) as typeof window.begin
    window.called = () => {
      const calls: unknown[][] = []
      return { calls, cb: (...args: unknown[]) => { calls.push(args.map(a => a instanceof Error ? `${a.name}: ${a.message}` : a)) } }
    }
    window.packets = async store => {
      const packets: Packet[] = []
      for await (const packet of store.createStream()) packets.push(packet)
      return packets
    }
    window.pause = ms => new Promise(resolve => setTimeout(resolve, ms))
  })
}

const open = (page: Page, url: string, options: IClientOptions = {}): Promise<JSHandle<Told>> => page.evaluateHandle(({ url, options }) => window.begin(url, options), { url, options })

const soon = { timeout: 15_000, intervals: [20] }
const told = (client: JSHandle<Told>): Promise<string[]> => client.evaluate(c => c.told)
const times = (client: JSHandle<Told>, event: string, count = 1) => expect.poll(async () => (await told(client)).filter(t => t === event).length, soon).toBeGreaterThanOrEqual(count)

/** A parameter of what was dialled. */
const dialled = ({ url }: { url: string }, name: string) => new URLSearchParams(url.split('?')[1]).get(name)

async function control({ origin }: Gateway, path: string): Promise<void> {
  const answer = await fetch(`${origin}/_gateway/${path}`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })
  expect(answer.ok, `${path}: ${answer.status}`).toBe(true)
}

async function connections({ origin }: Gateway): Promise<string[]> {
  const state = await (await fetch(`${origin}/_gateway/state.json`)).json() as { connections: { clientId: string }[] }
  return state.connections.map(c => c.clientId)
}

test.describe('AWS', () => {
  test('each attempt is signed anew, with credentials that are asked for again', async ({ ours, scripted }) => {
    const [asking, keeping] = [await scripted({}), await scripted({})]
    const client = await ours.evaluateHandle(url => {
      let calls = 0
      return window.begin(url, { aws: { region: 'eu-west-1', credentials: async () => ({ accessKeyId: `AKID${++calls}`, secretAccessKey: 'hidden-1234', sessionToken: `hidden-1234-${calls}` }) } })
    }, asking.url)
    const other = await ours.evaluateHandle(url => {
      let calls = 0
      const credentials = () => ({ accessKeyId: `AKID${++calls}`, secretAccessKey: 'hidden-1234', expiration: new Date(Date.now() + 3_600_000) })
      return window.begin(url, { aws: { region: 'eu-west-1', credentials }, reconnectPeriod: 1100 })
    }, keeping.url)
    await times(client, 'connect')
    await times(other, 'connect')
    asking.last().cut()
    keeping.last().cut()
    await times(client, 'connect', 2)
    await times(other, 'connect', 2)
    const keys = (c: typeof asking) => c.connections.map(c => dialled(c, 'X-Amz-Credential')?.split('/')[0])
    expect(keys(asking)).toEqual(['AKID1', 'AKID2'])
    expect(keys(keeping)).toEqual(['AKID1', 'AKID1'])
    expect(new Set(keeping.connections.map(c => dialled(c, 'X-Amz-Date'))).size).toBe(2)
    expect(new Set(keeping.connections.map(c => dialled(c, 'X-Amz-Signature'))).size).toBe(2)
    expect(asking.connections.map(c => dialled(c, 'X-Amz-Security-Token'))).toEqual([`${hidden}-1`, `${hidden}-2`])
  })

  test('a kicked client is back with what it subscribed to', async ({ ours, ownGateway, observe, topic }) => {
    const { endpoint, region } = ownGateway.options
    const observer = await observe(ownGateway.options, topic)
    const client = await open(ours, endpoint, { clientId: 'kicked', aws: { region, credentials: await issued(ownGateway) } })
    await client.evaluate((c, topic) => c.subscribeAsync(topic, { qos: 1 }), topic)
    await control(ownGateway, `connections/kicked/disconnect?reasonCode=${0x98}`)
    await times(client, 'connect', 2)
    await client.evaluate((c, topic) => c.publishAsync(`${topic}/x`, '', { qos: 1 }), topic) // the server has the SUBSCRIBE before it
    await observer.publish(topic, 'after the kick')
    await times(client, 'message after the kick')
    expect((await told(client)).slice(0, 6)).toEqual(['connect', 'offline', 'close', 'reconnect', 'connect', 'message after the kick'])
  })

  test('a URL of the page, given later or not at all', async ({ ours, scripted }) => {
    const server = await scripted({})
    const client = await ours.evaluateHandle(url => {
      let calls = 0
      return window.begin(url, {
        transformWsUrl: async (url, options) => {
          const call = ++calls
          await window.pause(20)
          if (call === 2) throw new Error('no token today')
          options.username = `user ${call}`
          return `${url}?n=${call}`
        },
      })
    }, server.url)
    await times(client, 'connect')
    server.last().cut()
    await times(client, 'connect', 2)
    expect(server.connections.map(c => [c.url, c.of('connect')[0].username])).toEqual([['/mqtt?n=1', 'user 1'], ['/mqtt?n=3', 'user 3']])
    expect(await told(client)).toEqual(['connect', 'offline', 'close', 'reconnect', 'error the transformWsUrl function failed', 'close', 'reconnect', 'connect'])
    expect(await client.evaluate(c => c.failures.map(e => [e.code, e.field, String(e.cause)]))).toEqual([['credentials-failed', 'transformWsUrl', 'Error: no token today']])
  })

  test('a URL that never comes, or is none, is told of without its text', async ({ ours }) => {
    const failures = await ours.evaluate(() => Promise.all([
      () => new Promise<string>(() => undefined), () => 'https://hidden-1234/', () => 'no url?X-Amz-Signature=hidden-1234', () => undefined as never, () => '',
    ].map(async transformWsUrl => {
      const client = window.begin('ws://127.0.0.1:9/', { transformWsUrl, connectTimeout: 400, reconnectPeriod: 5000 })
      const error = await new Promise<IotError>(resolve => client.on('error', e => { resolve(e as IotError) }))
      await client.endAsync()
      return { code: error.code, field: error.field, all: [error.message, error.hint, error.stack, JSON.stringify(error)].join() }
    })))
    expect(failures.map(f => [f.code, f.field])).toEqual([
      ['credentials-failed', 'transformWsUrl'], ['invalid-argument', 'url'], ['invalid-argument', 'url'], ['invalid-argument', 'transformWsUrl'], ['invalid-argument', 'transformWsUrl'],
    ])
    for (const f of failures) expect(f.all).not.toMatch(/hidden|X-Amz/)
  })

  test('filters go out in eights, or as the page says', async ({ ours, scripted }) => {
    const server = await scripted({})
    const filters = Array.from({ length: 20 }, (_, i) => `f/${i}`)
    const aws = { region: 'eu-west-1', credentials: { accessKeyId: 'AKID', secretAccessKey: hidden } }
    const sent = async (options: IClientOptions) => {
      const client = await open(ours, server.url, options)
      const granted = await client.evaluate((c, filters) => c.subscribeAsync(filters), filters)
      expect(granted.map(g => g.topic)).toEqual(filters)
      return server.last().of('subscribe').map(p => p.subscriptions.length)
    }
    expect(await sent({ aws })).toEqual([8, 8, 4])
    expect(await sent({ aws, subscribeBatchSize: 5 })).toEqual([5, 5, 5, 5])
    expect(await sent({ subscribeBatchSize: 0 })).toEqual([20])
    expect(await sent({})).toEqual([20])
  })
})

test.describe('a handshake that is refused', () => {
  test('tells why, and on the console where nobody listens', async ({ blank, gateway }) => {
    await faced(blank)
    const warnings: string[] = []
    blank.on('console', m => { if (m.type() === 'warning') warnings.push(m.text()) })
    const { endpoint, region } = gateway.options
    const options = { aws: { region, credentials: { accessKeyId: 'AKIDLOCALGATEWAY', secretAccessKey: hidden } } }
    const silent = await open(blank, endpoint, options)
    await times(silent, 'close', 3)
    await expect.poll(() => warnings, soon).toHaveLength(1)
    await silent.evaluate(c => c.endAsync())
    const failed = await blank.evaluate(async ({ endpoint, options }) => {
      const client = window.begin(endpoint, options)
      const error = await new Promise<IotError>(resolve => client.on('handshakeError', resolve))
      await client.endAsync()
      const { code, field, hint, message, stack } = error
      return { code, field, hint, all: [message, hint, stack, String(error.cause), JSON.stringify(error)].join('\n'), told: client.told }
    }, { endpoint, options })
    expect(failed).toMatchObject({ code: 'handshake-failed', field: 'credentials', hint: expect.stringContaining('secret access key') })
    expect(failed.told).not.toContainEqual(expect.stringMatching(/^error/))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('secret access key')
    for (const secret of [hidden, 'X-Amz-', 'AKID']) expect(failed.all).not.toContain(secret)
  })

  test('connectAsync without retries says what it knows', async ({ ours, scripted }) => {
    const server = await scripted({ upgrade: 403 }, { upgrade: 403 }, {})
    const failed = await ours.evaluate(async url => {
      const error = await window.face.connectAsync(url, {}, false).then(() => undefined, e => e as Error)
      const { code, hint } = error!.cause as IotError
      return { message: error!.message, code, hint }
    }, server.url)
    expect(failed).toEqual({ message: "Couldn't connect to server", code: 'handshake-failed', hint: expect.stringContaining('WebSocket') })
    expect(server.connections).toHaveLength(1)
    expect(await ours.evaluate(async url => {
      const client = await window.face.connectAsync(url, { reconnectPeriod: 20 }) // with retries
      window.faces.push(client)
      return client.connected
    }, server.url)).toBe(true)
    expect(server.connections).toHaveLength(3)
  })

  test('credentials that fail reject connectAsync', async ({ ours, scripted }) => {
    const server = await scripted({})
    const failed = await ours.evaluate(url => window.face.connectAsync(url, { aws: { region: 'eu-west-1', credentials: () => Promise.reject(new Error('signed out')) } })
      .then(() => undefined, (e: IotError) => [e.code, String(e.cause)]), server.url)
    expect(failed).toEqual(['credentials-failed', 'Error: signed out'])
    expect(server.connections).toHaveLength(0)
  })
})

test.describe('publish later', () => {
  test('in the order of the times, with the callbacks of publish', async ({ ours, gateway, observe, topic }) => {
    const { endpoint, region, credentials } = gateway.options
    const observer = await observe(gateway.options, topic)
    const client = await open(ours, endpoint, { aws: { region, credentials } })
    const calls = await client.evaluate(async (c, topic) => {
      const [late, soon, now] = [window.called(), window.called(), window.called()]
      c.publish(topic, 'late', { qos: 1, delay: 500 }, late.cb)
      c.publish(topic, 'soon', { at: new Date(Date.now() + 250) }, soon.cb)
      c.publish(topic, 'now', now.cb)
      const packet = await c.publishAsync(topic, 'last', { qos: 1, delay: 700 })
      return { calls: [late, soon, now].map(w => w.calls), packet }
    }, topic)
    const packet = { cmd: 'publish', topic, qos: 1, retain: false, dup: false }
    expect(calls.calls).toEqual([[[null, expect.objectContaining({ ...packet, payload: 'late' })]], [[]], [[]]])
    expect(calls.packet).toMatchObject({ ...packet, payload: 'last' })
    await observer.count(4)
    expect(observer.texts()).toEqual(['now', 'soon', 'late', 'last'])
  })

  test('bad times, and an end before they come', async ({ ours, scripted }) => {
    const server = await scripted({})
    const client = await open(ours, server.url)
    await times(client, 'connect')
    const seen = await client.evaluate(async (c, nowhere) => {
      const bad = [{ delay: -1 }, { delay: NaN }, { delay: '5' }, { delay: 1e300 }, { at: 'tomorrow' }, { at: new Date(NaN) }, { at: new Date(), delay: 1 }]
      const fields = await Promise.all(bad.map(o => c.publishAsync('t', 'bad', o as object).then(() => 'sent', (e: IotError) => `${e.code} ${e.field}`)))
      const away = window.begin(nowhere, { reconnectPeriod: 10_000 })
      const waits = [c, away].map(c => {
        const wait = window.called()
        c.publish('t', 'late', { delay: 3_600_000, qos: 1 }, wait.cb)
        return wait
      })
      await Promise.all([c.endAsync(), away.endAsync()])
      await window.pause(50)
      return { fields, waits: waits.map(w => w.calls) }
    }, 'ws://127.0.0.1:9/')
    const invalid = (field: string) => `invalid-argument ${field}`
    expect(seen.fields).toEqual(['delay', 'delay', 'delay', 'delay', 'at', 'at', 'at'].map(invalid))
    expect(seen.waits).toEqual([[['Error: Connection closed']], [['Error: Connection closed']]])
    expect(server.last().of('publish')).toEqual([])
  })
})

test.describe('older protocols', () => {
  test('protocolVersion 4 connects with 5, and is warned of once', async ({ blank, scripted }) => {
    await faced(blank)
    const warnings: string[] = []
    blank.on('console', m => { if (m.type() === 'warning') warnings.push(m.text()) })
    const server = await scripted({})
    const codes = await blank.evaluate(async url => {
      const connack = (options: IClientOptions) => new Promise<unknown>(resolve => {
        window.begin(url, options).on('connect', ({ returnCode, reasonCode }) => { resolve([returnCode, reasonCode]) })
      })
      return Promise.all([connack({ protocolVersion: 4 }), connack({ protocolVersion: 4 }), connack({})])
    }, server.url)
    expect(codes).toEqual([[0, 0], [0, 0], [0, 0]])
    expect(server.connections.map(c => c.of('connect')[0].protocolVersion)).toEqual([5, 5, 5])
    expect(warnings).toEqual([expect.stringContaining('protocolVersion 4')])
    await blank.evaluate(() => Promise.all(window.faces.map(c => c.endAsync())))
  })

  test('a server of MQTT 3.1.1 is named', async ({ ours, scripted }) => {
    const server = await scripted({ connack: false, on: (packet, connection) => { if (packet.cmd === 'connect') connection.write(Buffer.from([0x20, 2, 0, 1])) } })
    const client = await open(ours, server.url, { reconnectPeriod: 0 })
    await times(client, 'close')
    expect(await told(client)).toEqual(['error the server answered as one of MQTT 3.1.1 does', 'close'])
    expect(await client.evaluate(c => [c.failures[0]!.code, c.failures[0]!.hint])).toEqual(['protocol-error', expect.stringContaining('MQTT 5')])
    expect(server.connections).toHaveLength(1)
  })
})

test.describe('the module', () => {
  test('that could not be loaded is loaded by a later reconnect, which is the only one', async ({ blank, gateway, scripted }) => {
    await faced(blank)
    let there = false
    await blank.context().route('**/later.wasm*', route => there ? route.fulfill({ path: fileURLToPath(new URL('../dist/iotwasm.wasm', import.meta.url)), contentType: 'application/wasm' }) : route.fulfill({ status: 404 }))
    const wasmURL = `${gateway.origin}/pkg/later.wasm?secret=${hidden}`
    const server = await scripted({})
    const client = await open(blank, server.url, { wasmURL, reconnectPeriod: 2500 })
    const publish = await client.evaluateHandle(c => {
      const publish = window.called()
      c.publish('t', 'kept', { qos: 1 }, publish.cb)
      return publish
    })
    await times(client, 'close')
    expect(await told(client)).toEqual([expect.stringMatching(/^error the wasm file could not be fetched: HTTP status 404/), 'offline', 'close'])
    expect(await client.evaluate(c => [c.failures[0]!.code, JSON.stringify(c.failures[0])])).toEqual(['load-failed', expect.not.stringContaining(hidden)])
    there = true
    await client.evaluate(c => { c.reconnect() })
    await times(client, 'connect')
    await expect.poll(() => publish.evaluate(p => p.calls), soon).toHaveLength(1)
    await blank.waitForTimeout(2600)
    expect((await told(client)).slice(3)).toEqual(['reconnect', 'connect'])
    expect(server.connections.map(c => c.of('publish').map(p => String(p.payload)))).toEqual([['kept']])
    await client.evaluate(c => c.endAsync())
  })

  test('ends while it loads', async ({ ours, scripted }) => {
    const server = await scripted({})
    const seen = await ours.evaluate(async url => {
      const [ended, published, subscribed] = [window.called(), window.called(), window.called()]
      const client = window.begin(url, { integrity: 'sha256-of-no-file' }) // a module of its own
      client.publish('t', 'x', { qos: 1 }, published.cb)
      client.subscribe('t', subscribed.cb)
      await new Promise<void>(resolve => { client.end(() => { resolve() }) })
      client.end(ended.cb)
      await window.pause(300)
      return { told: client.told, calls: [ended, published, subscribed].map(c => c.calls.length) }
    }, server.url)
    expect(seen).toEqual({ told: ['close', 'end'], calls: [1, 1, 1] })
    expect(server.connections).toHaveLength(0)
  })

  test('that crashes calls back what waits, once, and is started again', async ({ blank, scripted }) => {
    await faced(blank)
    const server = await scripted({ puback: false, suback: topics => topics.map(() => 0), on: (packet, c) => { if (packet.topic === 'held') c.send(packet) } }, {})
    const client = await open(blank, server.url)
    const seen = await client.evaluate(async c => {
      await c.subscribeAsync('held', { qos: 1 })
      await c.publishAsync('t', 'now', { delay: 0 }) // from here on the part that delays is there
      const [sent, unsent, later] = [window.called(), window.called(), window.called()]
      c.publish('t', 'sent', { qos: 1 }, sent.cb)
      c.publish('t', 'later', { delay: 3_600_000 }, later.cb)
      const roundTrip = new Promise(resolve => c.once('message', resolve))
      c.publish('held', 'round trip')
      await roundTrip
      // The batch that this turn sends becomes one that no script of ours makes.
      c.publish('t', 'unsent', unsent.cb)
      const { subarray } = Uint8Array.prototype
      Uint8Array.prototype.subarray = () => new Uint8Array([255, 0, 0, 0, 0])
      queueMicrotask(() => { Uint8Array.prototype.subarray = subarray })
      await new Promise(resolve => c.once('connect', resolve))
      await c.publishAsync('t', 'the new one works', { qos: 1 })
      return { told: c.told, calls: [sent, unsent, later].map(w => w.calls) }
    })
    const crashed = [['IotError: the module crashed']]
    expect(seen.calls).toEqual([crashed, crashed, crashed])
    expect(seen.told).toEqual(['connect', 'message round trip', 'error the module crashed', 'offline', 'close', 'reconnect', 'connect'])
    await expect.poll(() => server.connections[1].of('subscribe').map(p => p.subscriptions.map((s: { topic: string, qos: number }) => [s.topic, s.qos])), soon).toEqual([[['held', 1]]])
    expect(server.connections[1].of('publish').map(p => String(p.payload))).toEqual(['the new one works'])
    await server.connections[0].closed
    expect(blank.workers()).toHaveLength(1)
    await client.evaluate(c => c.endAsync())
  })
})

test.describe('stores of the page', () => {
  /** Opens a client on a page of its own, with a store that holds these packets. */
  const withStore = async (page: Page, url: string, packets: Packet[]) => {
    await faced(page)
    return page.evaluateHandle(({ url, packets }) => {
      const store = new window.face.Store({ clean: false })
      for (const packet of packets) store.put(packet)
      return { client: window.begin(url, { clientId: 'stored', clean: false, properties: { sessionExpiryInterval: 60 }, outgoingStore: store }), store }
    }, { url, packets })
  }

  test('the next page sends what was not acknowledged', async ({ blank, gateway, scripted }) => {
    const server = await scripted({ puback: false, connack: { properties: { topicAliasMaximum: 5 } } }, {})
    const before = await withStore(blank, server.url, [])
    const kept = await before.evaluate(async ({ client, store }) => {
      await new Promise(resolve => client.once('connect', resolve))
      client.publish('t', 'unacknowledged', { qos: 1, properties: { topicAlias: 3 } })
      client.publish('', 'by its alias', { qos: 1, properties: { topicAlias: 3 } })
      await window.pause(100)
      return JSON.parse(JSON.stringify(await window.packets(store))) as Packet[]
    })
    expect(kept).toHaveLength(2)
    await openBlank(blank, gateway.origin)
    const broken = { cmd: 'publish', messageId: 77, topic: 'with/#', payload: 'no server takes it', qos: 1 } as Packet
    const after = await withStore(blank, server.url, [broken, ...kept])
    await expect.poll(() => server.connections[1]?.of('publish').map(p => [p.topic, String(p.payload), p.qos]), soon).toEqual([['t', 'unacknowledged', 1], ['t', 'by its alias', 1]])
    const left = () => after.evaluate(async ({ store }) => (await window.packets(store)).map(p => p.messageId))
    await expect.poll(left, soon).toEqual([77])
    expect(await after.evaluate(({ client }) => client.told)).toEqual(['connect'])
    await after.evaluate(({ client }) => client.endAsync())
  })

  test('that throw fail one call, not the client', async ({ ours, scripted }) => {
    const server = await scripted({})
    const seen = await ours.evaluate(async url => {
      const full = new window.face.Store(), stuck = new window.face.Store(), unreadable = new window.face.Store()
      full.put = () => { throw new Error('the quota is exceeded') }
      stuck.del = () => { throw new Error('gone') }
      stuck.close = () => { throw new Error('closed already') }
      const calls = []
      for (const outgoingStore of [full, stuck]) {
        const client = window.begin(url, { outgoingStore }), [published, ended] = [window.called(), window.called()]
        await new Promise(resolve => client.once('connect', resolve))
        client.publish('t', 'x', { qos: 1 }, published.cb)
        await new Promise<void>(resolve => { client.end(false, {}, (...args) => { ended.cb(...args); resolve() }) })
        await window.pause(20)
        calls.push([published.calls, ended.calls])
      }
      unreadable.createStream = () => { throw new Error('no storage') }
      const client = window.begin(url, { outgoingStore: unreadable })
      await new Promise(resolve => client.once('error', resolve))
      await client.endAsync()
      return { calls, told: client.told }
    }, server.url)
    expect(seen.calls).toEqual([
      [[['Error: the quota is exceeded']], [[undefined]]],
      [[['Error: gone', expect.anything()]], [['Error: closed already']]],
    ])
    expect(seen.told).toContain('error no storage')
    await Promise.all(server.connections.map(c => c.closed)) // also that of the session which could not begin
  })
})

test('createWebsocket makes the sockets, on the thread of the page', async ({ blank, scripted }) => {
  await faced(blank)
  const server = await scripted({ on: (packet, c) => { if (packet.qos === 1) c.cut() } })
  const seen = await blank.evaluate(async url => {
    const made: unknown[] = []
    const client = window.begin(url, {
      transformWsUrl: url => `${url}?X-Amz-Signature=hidden-1234`,
      createWebsocket: (url, protocols, options) => {
        made.push([url.includes('X-Amz-Signature'), protocols, options.clientId === client.options.clientId])
        if (made.length === 2) throw new Error(`no socket to ${url}`)
        if (made.length === 3) return undefined as never
        return new WebSocket(url, protocols)
      },
    })
    const failures: string[] = []
    client.on('handshakeError', e => { failures.push(`${e.code} ${JSON.stringify(e)} ${e.message} ${e.hint}`) })
    await new Promise(resolve => client.once('connect', resolve))
    client.publish('t', 'cut', { qos: 1 })
    await new Promise(resolve => client.once('connect', resolve))
    await client.endAsync()
    while (failures.length < 2) await window.pause(10) // what explains them is loaded with the first
    return { made, failures }
  }, server.url)
  expect(seen.made).toEqual(Array.from({ length: 4 }, () => [true, ['mqtt'], true]))
  expect(seen.failures).toHaveLength(2)
  for (const failure of seen.failures) expect(failure).toMatch(/^handshake-failed (?!.*(hidden|X-Amz))/)
  expect(blank.workers()).toHaveLength(0)
})

test('a socket that a page would have made for one client is not made for another', async ({ ours, scripted }) => {
  const server = await scripted({})
  const made = await ours.evaluate(async url => {
    const made: string[] = []
    let give!: () => void
    let asked!: () => void
    const given = new Promise<void>(resolve => { give = resolve }), attempt = new Promise<void>(resolve => { asked = resolve })
    const client = window.begin(url, {
      transformWsUrl: async url => {
        asked()
        await given
        return url
      },
      createWebsocket: url => {
        made.push('by the one that ended')
        return new WebSocket(url, ['mqtt'])
      },
    })
    await attempt
    await client.endAsync()
    give()
    await window.pause(20)
    const other = window.begin(url, { worker: false })
    await new Promise(resolve => other.once('connect', resolve))
    return made
  }, server.url)
  expect(made).toEqual([])
  expect(server.connections).toHaveLength(1)
})

test('both builds, and what they export', async ({ blank, gateway, mosquitto }) => {
  const seen = await blank.evaluate(async url => {
    const path = '/pkg/mqtt.js'
    const { default: mqtt, ...named } = await import(path) as typeof face
    const client = await mqtt.connectAsync(url)
    const works = client instanceof named.MqttClient && client.connected
    await client.endAsync()
    return { works, same: Object.entries(mqtt).every(([name, value]) => (named as Record<string, unknown>)[name] === value), names: Object.keys(named).sort() }
  }, mosquitto)
  expect(seen).toMatchObject({ works: true, same: true })
  await blank.addScriptTag({ url: `${gateway.origin}/pkg/mqtt.global.js` })
  const global = await blank.evaluate(async url => {
    const { mqtt } = window as unknown as { mqtt: typeof face }
    const client = await mqtt.connectAsync(url)
    await client.endAsync()
    return { names: Object.keys(mqtt).filter(name => name !== 'default').sort(), default: typeof mqtt.default.connect }
  }, mosquitto)
  expect(global).toEqual({ names: seen.names, default: 'function' })
})

test('payloads are used as pages use them', async ({ ours, mosquitto, topic }) => {
  const client = await open(ours, mosquitto)
  const seen = await client.evaluate(async (c, topic) => {
    await c.subscribeAsync(topic)
    const received = new Promise<unknown[]>(resolve => {
      c.on('message', (_, m, packet) => { resolve([JSON.parse(m as never), m.toString(), `${m}`, JSON.parse(packet.payload.toString()), m.length, m.toString('hex').slice(0, 4)]) })
    })
    c.publish(topic, '{"größe":"☃"}')
    return received
  }, topic)
  const object = { größe: '☃' }, text = JSON.stringify(object)
  expect(seen).toEqual([object, text, text, object, Buffer.byteLength(text), '7b22'])
})

test('a client in a proxy works, and Vue makes none', async ({ ours, mosquitto, observe, topic }) => {
  const observer = await observe({ url: mosquitto }, topic)
  const seen = await ours.evaluate(async ({ url, topic }) => {
    const client = new Proxy(window.begin(url), {})
    const message = new Promise(resolve => client.on('message', (_, m) => { resolve(String(m)) }))
    await new Promise(resolve => client.once('connect', resolve))
    await client.subscribeAsync(topic)
    await client.publishAsync(topic, 'through a proxy', { qos: 1 })
    const seen = [await message, client.connected, (client as unknown as { __v_skip: boolean }).__v_skip]
    await client.unsubscribeAsync(topic)
    await client.endAsync()
    return [...seen, client.connected, client.disconnected]
  }, { url: mosquitto, topic })
  expect(seen).toEqual(['through a proxy', true, true, false, true])
  expect(observer.texts()).toEqual(['through a proxy'])
})

test('200 clients, in four rows, leave nothing behind', async ({ ours, gateway }) => {
  const workers = ours.workers().length
  const { endpoint, region, credentials } = gateway.options
  const seen = await ours.evaluate(async ({ endpoint, aws }) => {
    let listeners = 0
    const restore = [window, document].map(target => {
      const { addEventListener, removeEventListener } = target
      target.addEventListener = (...args: unknown[]) => { listeners++; addEventListener.apply(target, args as never) }
      target.removeEventListener = (...args: unknown[]) => { listeners--; removeEventListener.apply(target, args as never) }
      return () => { Object.assign(target, { addEventListener, removeEventListener }) }
    })
    const calls = window.called()
    await Promise.all(Array.from({ length: 4 }, async (_, lane) => {
      for (let i = 0; i < 50; i++) {
        const client = await window.face.connectAsync(endpoint, { clientId: `cycle-${lane}-${i}`, aws })
        client.publish('cycles', 'x', { qos: 1 }, calls.cb)
        await client.endAsync(i % 2 === 0)
      }
    }))
    for (const each of restore) each()
    return { listeners, calls: calls.calls.length }
  }, { endpoint, aws: { region, credentials } })
  expect(seen).toEqual({ listeners: 0, calls: 200 })
  await expect.poll(async () => (await connections(gateway)).filter(id => id.startsWith('cycle-')), soon).toEqual([])
  expect(ours.workers().length).toBeLessThanOrEqual(workers + 1)
})

test.describe('what pages do wrong', () => {
  /** Errors that are reported while `during` runs, rather than left to the test's fixtures. */
  const reported = (page: Page) => page.evaluateHandle(() => {
    const texts: string[] = []
    const hear = (e: ErrorEvent): void => {
      texts.push(e.message)
      e.preventDefault()
    }
    window.addEventListener('error', hear)
    return { texts, stop: () => { window.removeEventListener('error', hear) } }
  })

  test('a callback that throws keeps no other from being called, nor the end', async ({ ours, scripted }) => {
    const server = await scripted({ puback: false })
    const errors = await reported(ours)
    const seen = await ours.evaluate(async url => {
      const client = window.begin(url), [second, offline, ended] = [window.called(), window.called(), window.called()]
      await new Promise(resolve => client.once('connect', resolve))
      client.publish('t', 'first', { qos: 1 }, () => { throw new Error('of a callback') })
      client.publish('t', 'second', { qos: 1 }, second.cb)
      client.publish('t', 'third', { qos: 1, cbStorePut: () => { throw new Error('of cbStorePut') } }, second.cb)
      client.on('end', ended.cb)
      await client.endAsync(true)
      client.reconnect()
      client.options.queueQoSZero = client.queueQoSZero = false
      client.publish('t', 'nowhere', (...args) => {
        offline.cb(...args)
        throw new Error('of a refused publish')
      })
      await client.endAsync(true)
      return { second: second.calls, offline: offline.calls, ended: ended.calls.length }
    }, server.url)
    expect(seen).toEqual({ second: [['Error: Connection closed'], ['Error: Connection closed']], offline: [['Error: No connection to broker']], ended: 2 })
    expect(await errors.evaluate(e => (e.stop(), e.texts))).toEqual(['of cbStorePut', 'of a callback', 'of a refused publish'].map(t => `Uncaught Error: ${t}`))
  })

  test('handleMessage that throws, or never calls back, does not end the messages', async ({ ours, scripted }) => {
    const publish = (id: number) => ({ cmd: 'publish', topic: 't', payload: String(id), qos: 1, messageId: id })
    const server = await scripted({ on: (packet, c) => { if (packet.cmd === 'subscribe') c.send(...[1, 2, 3, 4].map(publish)) } }, { on: (packet, c) => { if (packet.cmd === 'subscribe') c.send(publish(5)) } })
    const errors = await reported(ours)
    const client = await ours.evaluateHandle(url => {
      const client = window.begin(url)
      client.handleMessage = (packet, callback) => {
        if (String(packet.payload) === '2') throw new Error('of handleMessage')
        if (String(packet.payload) !== '3') callback()
      }
      client.subscribe('t', { qos: 1 })
      return client
    }, server.url)
    await times(client, 'message 3')
    expect(await told(client)).not.toContain('message 4') // the third has no answer yet
    server.last().cut()
    await times(client, 'message 5')
    expect((await told(client)).filter(t => t.startsWith('message'))).toEqual([1, 2, 3, 4, 5].map(n => `message ${n}`))
    expect(server.connections.map(c => c.of('puback').map(p => p.messageId))).toEqual([[1], [5]])
    expect(await errors.evaluate(e => (e.stop(), e.texts))).toEqual(['Uncaught Error: of handleMessage'])
  })

  test('subscriptions that no server takes are refused, and spoil nothing', async ({ ours, scripted }) => {
    const server = await scripted({})
    const client = await open(ours, server.url)
    const seen = await client.evaluate(async c => {
      const subscribe = (topic: string, options: object) => c.subscribeAsync(topic, options as never).then(() => 'granted', (e: Error) => e.message)
      const unsubscribe = (topic: string, options: object) => c.unsubscribeAsync(topic, options as never).then(() => 'done', (e: Error) => e.message)
      return [
        await subscribe('t', { qos: 3 }), await subscribe('t', { rh: 7 }), await subscribe('', {}), await subscribe('a\0b', {}), await unsubscribe('', {}),
        /object|read/.test(await subscribe('t', { properties: { userProperties: { a: null } } })), /object|read/.test(await unsubscribe('t', { properties: { userProperties: { a: null } } })),
        await subscribe('good', {}), await unsubscribe('good', {}),
      ]
    })
    expect(seen).toEqual([
      'qos must be 0, 1 or 2', 'rh must be a whole number from 0 to 2', 'topic must not be empty', 'topic must not contain the character U+0000', 'topic must not be empty',
      true, true, 'granted', 'done',
    ])
    expect(server.connections.map(c => c.packets.map(p => p.cmd))).toEqual([['connect', 'subscribe', 'unsubscribe']])
    expect(await told(client)).toEqual(['connect'])
  })

  test('a page without packet identifiers, and a provider that throws', async ({ ours, scripted }) => {
    const server = await scripted({ puback: false })
    const seen = await ours.evaluate(async url => {
      class Two extends window.face.DefaultMessageIdProvider {
        left = 2
        override allocate() { return this.left-- > 0 ? super.allocate() : null }
      }
      class Thrower extends window.face.DefaultMessageIdProvider {
        override allocate(): number { throw new Error('no numbers') }
      }
      const ends: unknown[] = []
      for (const messageIdProvider of [new Two(), new Thrower()]) {
        const client = window.begin(url, { messageIdProvider }), waits = Array.from({ length: 5 }, () => window.called())
        await new Promise(resolve => client.once('connect', resolve))
        for (const { cb } of waits.slice(0, 3)) client.publish('t', 'x', { qos: 1 }, cb)
        client.subscribe('t', waits[3]!.cb)
        client.unsubscribe('t', waits[4]!.cb)
        await window.pause(50)
        await client.endAsync(true)
        ends.push(waits.map(w => w.calls.map(args => args[0])))
      }
      return ends
    }, server.url)
    expect(seen).toEqual([
      Array.from({ length: 5 }, () => ['Error: Connection closed']),
      Array.from({ length: 5 }, () => ['Error: no numbers']),
    ])
    expect(server.connections.map(c => c.of('publish').length)).toEqual([2, 0])
  })

  test('a graceful end ends though the server goes away, and whoever listens', async ({ ours, scripted }) => {
    const server = await scripted({ puback: false })
    const client = await open(ours, server.url)
    await times(client, 'connect')
    const ended = await client.evaluateHandle(c => {
      const ended = window.called()
      c.publish('t', 'never acknowledged', { qos: 1 }, ended.cb)
      c.end(ended.cb)
      c.removeAllListeners()
      return ended
    })
    await expect.poll(() => server.last().of('publish').length, soon).toBe(1)
    server.last().cut()
    await expect.poll(() => ended.evaluate(e => e.calls), soon).toEqual([['Error: Connection closed'], [undefined]])
    expect(server.connections).toHaveLength(1)
  })

  test('reconnect during the end waits for it', async ({ ours, scripted }) => {
    const server = await scripted({})
    const client = await open(ours, server.url)
    await client.evaluate(async c => {
      await c.subscribeAsync('held')
      c.end()
      c.reconnect()
    })
    await times(client, 'connect', 2)
    expect(await told(client)).toEqual(['connect', 'close', 'end', 'reconnect', 'connect'])
    await expect.poll(() => server.connections.map(c => c.packets.map(p => p.cmd)), soon).toEqual([['connect', 'subscribe', 'disconnect'], ['connect', 'subscribe']])
  })
})
