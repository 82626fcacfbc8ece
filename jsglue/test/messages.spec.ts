/** Messages and subscriptions: what goes over the wire, which limits are kept, what a page sees of it. */
import type { LogEntry, Packet, PublishOptions } from '../src/types'
import { record, until } from './events'
import { connected, expect, test } from './fixtures'

const soon = { minDelay: 20, maxDelay: 100 }
const endpointOf = (server: { port: number }) => ({ endpoint: `ws://127.0.0.1:${server.port}`, region: 'us-east-1', credentials: { accessKeyId: 'AKID', secretAccessKey: 'none' } })
const topicsOf = (packets: { topic: string }[]) => packets.map(p => p.topic)
const payloads = (packets: { payload: unknown }[]) => packets.map(p => String(p.payload))

test.describe('flow control', () => {
  test('a Receive Maximum of 1 lets one message out at a time, in order', async ({ shared, scripted }) => {
    const server = await scripted({ connack: { properties: { receiveMaximum: 1 } }, puback: false })
    const client = await connected(shared, { url: server.url })
    const all = await client.evaluateHandle(c => {
      const settled: string[] = []
      const publish = (payload: string, qos: 0 | 1) => c.publish('t', payload, { qos }).then(() => { settled.push(payload) })
      return { settled, all: Promise.all([publish('1', 1), publish('2', 1), publish('3', 0), publish('4', 1)]) }
    })
    const sent = () => server.last().of('publish')
    await client.evaluate(async c => { await c.subscribe('after') }) // whatever was to be sent has been
    expect(payloads(sent())).toEqual(['1'])
    expect(await client.evaluate(async c => { const { inFlight, waiting } = await c.stats(); return { inFlight, waiting } })).toEqual({ inFlight: 1, waiting: 3 })
    server.last().send({ cmd: 'puback', messageId: sent()[0].messageId, reasonCode: 0 })
    await expect.poll(() => payloads(sent())).toEqual(['1', '2', '3']) // QoS 0 is not counted, and yet keeps its place
    server.last().send({ cmd: 'puback', messageId: sent()[1].messageId, reasonCode: 0x10 })
    await expect.poll(() => payloads(sent())).toEqual(['1', '2', '3', '4'])
    server.last().send({ cmd: 'puback', messageId: sent()[3].messageId, reasonCode: 0 })
    await all.evaluate(a => a.all)
    expect(await all.evaluate(a => a.settled)).toEqual(['1', '3', '2', '4'])
  })

  test('a message over the Maximum Packet Size is refused before it is sent', async ({ shared, scripted }) => {
    const server = await scripted({ connack: { properties: { maximumPacketSize: 1024 } } })
    const client = await connected(shared, { url: server.url })
    const seen = await client.evaluate(async c => ({
      // 1024 = 1 byte of header, 2 of length, 2 + 1 of topic, 1 of properties, and the payload
      over: await window.failure(() => c.publish('t', 'x'.repeat(1018))),
      fits: await window.failure(() => c.publish('t', 'x'.repeat(1017))),
      over1: await window.failure(() => c.publish('t', 'x'.repeat(1016), { qos: 1 })),
      fits1: await window.failure(() => c.publish('t', 'x'.repeat(1015), { qos: 1 })),
      properties: await window.failure(() => c.publish('t', '', { properties: { contentType: 'x'.repeat(1020) } })),
      negotiated: c.negotiated.maximumPacketSize,
    }))
    expect(seen).toMatchObject({ fits: undefined, fits1: undefined, negotiated: 1024 })
    for (const f of [seen.over, seen.over1, seen.properties]) expect(f).toMatchObject({ code: 'invalid-argument', field: 'payload', retryable: false })
    expect(server.last().of('publish').map(p => p.length + 3)).toEqual([1024, 1024])
  })

  test('SUBSCRIBE and UNSUBSCRIBE keep the Maximum Packet Size', async ({ shared, scripted }) => {
    const server = await scripted({ connack: { properties: { maximumPacketSize: 1024 } } })
    const client = await connected(shared, { url: server.url })
    const seen = await client.evaluate(async c => {
      const filters = Array.from({ length: 10 }, (_, i) => `${i}`.padEnd(300, 'x'))
      const subscription = await c.subscribe(filters)
      await subscription.unsubscribe()
      return { filters, granted: subscription.granted.length, over: await window.failure(() => c.subscribe('x'.repeat(1020))) }
    })
    expect(seen.granted).toBe(10)
    expect(seen.over).toMatchObject({ code: 'invalid-argument', field: 'filter', retryable: false })
    const sent = server.last().packets.filter(p => ['subscribe', 'unsubscribe'].includes(p.cmd))
    for (const p of sent) expect(p.length + 3).toBeLessThanOrEqual(1024)
    expect(server.last().of('subscribe').flatMap(p => topicsOf(p.subscriptions))).toEqual(seen.filters)
    expect(server.last().of('unsubscribe').flatMap(p => p.unsubscriptions)).toEqual(seen.filters)
  })

  test('AWS endpoints: 100 publishes a second', async ({ shared, options, topic }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, topic) => {
      const got: number[] = []
      await c.subscribe(topic, { qos: 1 }, m => { got.push(Number(m.text())) })
      const before = performance.now()
      await Promise.all(Array.from({ length: 300 }, (_, i) => c.publish(topic, String(i), { qos: i % 2 as 0 | 1 })))
      const took = performance.now() - before
      while (got.length < 300) await new Promise(resolve => setTimeout(resolve, 20))
      return { took, got }
    }, topic)
    expect(seen.took).toBeGreaterThan(1500)
    expect(seen.got).toEqual(Array.from({ length: 300 }, (_, i) => i))
  })

  test('AWS limits are kept before anything is sent', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await connected(shared, endpointOf(server))
    const seen = await client.evaluate(async c => {
      const publish = (topic: string, payload: string | Uint8Array, options?: PublishOptions) => window.failure(() => c.publish(topic, payload, options))
      const failures = {
        slashes: await publish('1/2/3/4/5/6/7/8/9', ''), bytes: await publish('é'.repeat(129), ''), payload: await publish('t', new Uint8Array(128 * 1024 + 1)),
        text: await publish('t', 'é'.repeat(64 * 1024 + 1)), retain: await publish('$aws/things/t/shadow/update', '{}', { retain: true }),
        filter: await window.failure(() => c.subscribe('1/2/3/4/5/6/7/8/#')),
        delayed: await window.failure(() => c.publishDelayed([{ topic: 't', payload: '' }, { topic: '1/2/3/4/5/6/7/8/9', payload: '' }])),
      }
      const fits = [
        await publish('1/2/3/4/5/6/7/8', ''), await publish('é'.repeat(128), ''), await publish('t', new Uint8Array(128 * 1024)), await publish('t', 'é'.repeat(64 * 1024)),
        await publish('$aws/rules/rule/1/2/3/4/5/6/7/8', ''), await window.failure(() => c.subscribe('$share/group/1/2/3/4/5/6/7/8')),
      ]
      const filters = Array.from({ length: 49 }, (_, i) => `f/${i}`)
      await c.subscribe(filters)
      await c.subscribe(filters) // the same ones again are no more
      return { failures, fits, many: await window.failure(() => c.subscribe('one/more')) }
    })
    expect(seen.fits).toEqual(Array.from({ length: 6 }, () => undefined))
    expect(Object.fromEntries(Object.entries(seen.failures).map(([k, f]) => [k, f?.field]))).toEqual({
      slashes: 'topic', bytes: 'topic', payload: 'payload', text: 'payload', retain: 'retain', filter: 'filter', delayed: 'steps[1].topic',
    })
    for (const f of Object.values(seen.failures)) expect(f).toMatchObject({ code: 'invalid-argument', retryable: false })
    expect(seen.many).toMatchObject({ code: 'quota-exceeded', field: 'filter' })
    expect(server.last().of('publish')).toHaveLength(5)
  })

  test('SUBSCRIBE and UNSUBSCRIBE hold 8 filters with an endpoint', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await connected(shared, endpointOf(server))
    const filters = Array.from({ length: 20 }, (_, i) => `f/${i}`)
    await client.evaluate(async (c, filters) => { await (await c.subscribe(filters, { qos: 1 })).unsubscribe() }, filters)
    expect(server.last().of('subscribe').map(p => p.subscriptions.length)).toEqual([8, 8, 4])
    expect(server.last().of('subscribe').flatMap(p => topicsOf(p.subscriptions))).toEqual(filters)
    expect(server.last().of('unsubscribe').map(p => p.unsubscriptions.length)).toEqual([8, 8, 4])
  })
})

test.describe('offline', () => {
  test('the queue is bounded: it rejects, drops the oldest, or lets go of what is too old', async ({ shared, scripted, proxied }) => {
    const { url, proxy } = await proxied((await scripted({})).url)
    const queues = [{ maxMessages: 3 }, { maxMessages: 3, overflow: 'drop-oldest' as const }, { maxBytes: 3 * 108 }, { maxAge: 300 }]
    const clients = []
    for (const queue of queues) clients.push(await connected(shared, { url, queue, reconnect: { minDelay: 60_000 } }))
    const seen = await Promise.all(clients.map(c => record(c)))
    await proxy.refuse()
    proxy.cut()
    for (const s of seen) await until(s, /^reconnect/)
    const outcomes = []
    for (const client of clients) {
      outcomes.push(await client.evaluate(async c => {
        const five = Array.from({ length: 5 }, (_, i) => window.failure(() => c.publish('t', String(i).padEnd(100, '.'), { qos: 1 })))
        await new Promise(resolve => setTimeout(resolve, 600))
        const { waiting, dropped } = await c.stats()
        await c.close()
        return { codes: (await Promise.all(five)).map(f => f?.code), waiting, dropped }
      }))
    }
    const [closed, quota, timeout] = ['closed', 'quota-exceeded', 'timeout']
    expect(outcomes).toEqual([
      { codes: [closed, closed, closed, quota, quota], waiting: 3, dropped: 2 },
      { codes: [quota, quota, closed, closed, closed], waiting: 3, dropped: 2 },
      { codes: [closed, closed, closed, quota, quota], waiting: 3, dropped: 2 },
      { codes: [timeout, timeout, timeout, timeout, timeout], waiting: 0, dropped: 5 },
    ])
  })

  test('a publish that takes too long says whether it was sent', async ({ shared, scripted }) => {
    const server = await scripted({ connack: { properties: { receiveMaximum: 1 } }, puback: false })
    const client = await connected(shared, { url: server.url })
    const [sent, waiting] = await client.evaluate(c => Promise.all(['sent', 'waiting'].map(p => window.failure(() => c.publish('t', p, { qos: 1, timeout: 300 })))))
    for (const f of [sent, waiting]) expect(f).toMatchObject({ code: 'timeout', retryable: true })
    expect(sent!.message).toContain('whether it arrived is unknown')
    expect(waiting!.message).toContain('not sent')
    server.last().send({ cmd: 'puback', messageId: server.last().of('publish')[0].messageId, reasonCode: 0 })
    await client.evaluate(async c => { void c.publish('t', 'next', { qos: 1 }).catch(() => undefined); await c.subscribe('after') })
    expect(payloads(server.last().of('publish'))).toEqual(['sent', 'next'])
  })

  test('what is in flight when the link ends is sent again on a present session, with DUP', async ({ shared, scripted }) => {
    const server = await scripted({ puback: false }, { connack: { sessionPresent: true }, pubcomp: false }, { connack: { sessionPresent: true } })
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const all = await client.evaluateHandle(c => ({ all: Promise.all([c.publish('t', '1', { qos: 1 }), c.publish('t', '2', { qos: 2 })]) }))
    await expect.poll(() => server.connections[0].of('publish').length).toBe(2)
    server.connections[0].cut()
    await expect.poll(() => server.connections[1]?.of('pubrel').length).toBe(1)
    server.connections[1].cut() // before the PUBCOMP
    expect((await all.evaluate(a => a.all)).map(r => r.reasonCode)).toEqual([0, 0])
    const [first, again] = server.connections.map(c => c.of('publish'))
    expect(again.map(p => [String(p.payload), p.dup, p.messageId])).toEqual(first.map(p => [String(p.payload), true, p.messageId]))
    expect(server.connections[2].of('publish')).toEqual([])
    expect(server.connections[2].of('pubrel').map(p => p.messageId)).toEqual([first[1].messageId])
  })

  test('on a lost session QoS 1 goes out anew and QoS 2 fails as unknown', async ({ shared, scripted }) => {
    const server = await scripted({ puback: false }, {})
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const all = await client.evaluateHandle(c => ({ one: c.publish('t', '1', { qos: 1 }), two: window.failure(() => c.publish('t', '2', { qos: 2 })) }))
    await expect.poll(() => server.connections[0].of('publish').length).toBe(2)
    server.connections[0].cut()
    expect(await all.evaluate(async a => (await a.one).reasonCode)).toBe(0)
    const two = await all.evaluate(a => a.two)
    expect(two).toMatchObject({ code: 'transport-closed', retryable: true })
    expect(two!.message).toContain('unknown')
    expect(server.last().of('publish').map(p => [String(p.payload), p.dup])).toEqual([['1', false]])
  })
})

test.describe('received messages', () => {
  test('are acknowledged by the page where it wants to, in the order of the messages', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await connected(shared, { url: server.url })
    const messages = await client.evaluateHandle(async c => {
      const messages: import('../src/types').Message[] = []
      await c.subscribe('manual', { qos: 2, manualAck: true }, m => { messages.push(m) })
      await c.subscribe('automatic', { qos: 1 })
      return messages
    })
    const publish = (topic: string, messageId: number, qos: number) => ({ cmd: 'publish', topic, messageId, qos, payload: '', dup: false, retain: false })
    server.last().send(publish('automatic', 9, 1), publish('manual', 1, 1), publish('manual', 2, 2), publish('manual', 3, 1), publish('manual', 4, 1))
    await expect.poll(() => messages.evaluate(m => m.length)).toBe(4)
    const acknowledged = () => server.last().packets.filter(p => p.cmd === 'puback' || p.cmd === 'pubrec').map(p => [p.messageId, p.reasonCode])
    await messages.evaluate(m => { m[2]!.ack(); m[1]!.ack() })
    await client.evaluate(async c => { await c.subscribe('a') })
    expect(acknowledged()).toEqual([[9, 0]])
    await messages.evaluate(m => { m[0]!.ack(0x99); m[0]!.ack() })
    await expect.poll(acknowledged).toEqual([[9, 0], [1, 0x99], [2, 0], [3, 0]])
    // The fourth is the next link's.
    const seen = await record(client)
    server.last().cut()
    await until(seen, 'state connected')
    await messages.evaluate(m => { m[3]!.ack() })
    await client.evaluate(async c => { await c.subscribe('b') })
    expect(acknowledged()).toEqual([])
  })

  test('of QoS 2 come once, however often the server sends them', async ({ shared, scripted }) => {
    const server = await scripted({}, { connack: { sessionPresent: true } })
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const seen = await record(client)
    const got = await client.evaluateHandle(async c => {
      const got: string[] = []
      await c.subscribe('t', { qos: 2 }, m => { got.push(m.text()) })
      return got
    })
    const publish = (dup: boolean, payload: string) => ({ cmd: 'publish', topic: 't', messageId: 5, qos: 2, payload, dup, retain: false })
    server.last().send(publish(false, 'once'))
    await expect.poll(() => server.last().of('pubrec').length).toBe(1)
    server.last().cut() // the server does not know that it arrived
    await until(seen, 'connect resumed')
    server.last().send(publish(true, 'once'))
    await expect.poll(() => server.last().of('pubrec').length).toBe(1)
    server.last().send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
    await expect.poll(() => server.last().of('pubcomp').length).toBe(1)
    server.last().send(publish(false, 'another'))
    await expect.poll(() => got.jsonValue()).toEqual(['once', 'another'])
  })

  test('tell which filter they matched, and what its wildcards stood for', async ({ shared, options, topic }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, topic) => {
      const seen: unknown[] = []
      const end = new Promise<void>(resolve => {
        void c.subscribe([`${topic}/+/b/+`, `${topic}/exact`, `${topic}/all/#`], (m, match) => {
          seen.push([match.filter.slice(topic.length), ...match.wildcards])
          if (m.text() === 'end') resolve()
        })
      })
      for (const t of ['/a/b/c', '/exact', '/all/x', '/all/x/y', '//b/']) await c.publish(topic + t, '', { qos: 1 })
      await c.publish(`${topic}/exact`, 'end', { qos: 1 })
      await end
      return seen
    }, topic)
    expect(seen).toEqual([['/+/b/+', 'a', 'c'], ['/exact'], ['/all/#', 'x'], ['/all/#', 'x/y'], ['/+/b/+', '', ''], ['/exact']])
  })

  test('wait for a slow iterator as its buffer says, and what it misses is counted', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await connected(shared, { url: server.url })
    const readers = await client.evaluateHandle(async c => {
      const kinds = [{ buffer: 3 }, { buffer: 3, overflow: 'drop-newest' as const }, { overflow: 'latest' as const }, {}]
      return Promise.all(kinds.map(async k => {
        const subscription = await c.subscribe('t', k)
        return { subscription, iterator: subscription[Symbol.asyncIterator]() }
      }))
    })
    const publish = (payload: string) => ({ cmd: 'publish', topic: 't', qos: 0, payload, dup: false, retain: false })
    server.last().send(...Array.from({ length: 10 }, (_, i) => publish(String(i))))
    const seen = await readers.evaluate(async readers => {
      while (readers[0]!.subscription.dropped < 7) await new Promise(resolve => setTimeout(resolve, 10))
      const out = []
      for (const { subscription, iterator } of readers) {
        const dropped = subscription.dropped
        await subscription.unsubscribe()
        const got: string[] = []
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) got.push(next.value.text())
        out.push([got.join(''), dropped])
      }
      return out
    })
    expect(seen).toEqual([['789', 7], ['012', 7], ['9', 9], ['0123456789', 0]])
  })
})

test.describe('subscriptions', () => {
  test('one refused filter does not forget the others', async ({ shared, scripted }) => {
    const refusing = { suback: (topics: string[]) => topics.map(t => t.startsWith('secret') ? 0x87 : 0) }
    const server = await scripted(refusing)
    const client = await connected(shared, { url: server.url, reconnect: soon })
    const seen = await record(client)
    const got = await client.evaluateHandle(async c => {
      const got: string[] = []
      const subscription = await c.subscribe(['a', 'secret/b', 'c'], m => { got.push(m.topic) })
      return { got, granted: subscription.granted, all: await window.failure(() => c.subscribe(['secret/1', 'secret/2'])) }
    })
    const granted = await got.evaluate(g => g.granted)
    expect(granted).toEqual([{ filter: 'a', reasonCode: 0, qos: 0 }, { filter: 'secret/b', reasonCode: 0x87 }, { filter: 'c', reasonCode: 0, qos: 0 }])
    expect(await got.evaluate(g => g.all)).toMatchObject({ code: 'subscribe-refused', reasonCode: 0x87, retryable: false, hint: expect.stringContaining('iot:Subscribe') as unknown })
    expect((await seen.jsonValue()).map(e => [e.text, e.reasonCode])).toEqual([['error subscribe-refused', 0x87]])
    server.last().cut()
    await until(seen, 'state connected')
    await client.evaluate(async c => { await c.subscribe('after') })
    expect(server.last().of('subscribe').map(p => topicsOf(p.subscriptions))).toEqual([['a', 'c'], ['after']])
    const publish = (topic: string) => ({ cmd: 'publish', topic, qos: 0, payload: '', dup: false, retain: false })
    server.last().send(publish('a'), publish('c'))
    await expect.poll(() => got.evaluate(g => g.got)).toEqual(['a', 'c'])
  })

  test('with resubscribe: false nothing is asked for again; a kept session needs nothing either', async ({ shared, scripted }) => {
    for (const [resubscribe, sessionPresent] of [[false, false], [true, true]]) {
      const server = await scripted({}, { connack: { sessionPresent } })
      const client = await connected(shared, { url: server.url, reconnect: soon, resubscribe })
      const seen = await record(client)
      await client.evaluate(async c => { await c.subscribe('a') })
      server.last().cut()
      await until(seen, 'state connected')
      await client.evaluate(async c => { await c.publish('t', '', { qos: 1 }) })
      expect(server.last().packets.map(p => p.cmd)).toEqual(['connect', 'publish'])
    }
  })

  test('identifiers where the server has them', async ({ shared, mosquitto, topic }) => {
    const client = await connected(shared, { url: mosquitto })
    const ids = await client.evaluate(async (c, topic) => {
      const first = (await c.subscribe(topic, { properties: { subscriptionIdentifier: 268435455 } }))[Symbol.asyncIterator]().next()
      await c.publish(topic, '')
      return (await first).value.properties.subscriptionIdentifiers
    }, topic)
    expect(ids).toEqual([268435455])
  })

  test('are refused before they are sent where the server cannot do what they ask for', async ({ shared, options, scripted }) => {
    const client = await connected(shared, options)
    const refused = await client.evaluate(c => window.failure(() => c.subscribe('t', { properties: { subscriptionIdentifier: 1 } })))
    expect(refused).toMatchObject({ code: 'invalid-argument', field: 'properties.subscriptionIdentifier' })
    const server = await scripted({ connack: { properties: { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false, retainAvailable: false, maximumQoS: 0 } } })
    const poor = await connected(shared, { url: server.url })
    const fields = await poor.evaluate(async c => [
      await window.failure(() => c.subscribe('a/+')), await window.failure(() => c.subscribe(['b', '$share/g/b'])),
      await window.failure(() => c.publish('t', '', { retain: true })), await window.failure(() => c.publish('t', '', { qos: 1 })),
    ].map(f => f?.field))
    expect(fields).toEqual(['filter', 'filter[1]', 'retain', 'qos'])
    expect(server.last().packets.map(p => p.cmd)).toEqual(['connect'])
  })

  for (const server of ['gateway', 'mosquitto'] as const) {
    test.describe(server, () => {
      test.use({ server })

      test('shared: each message goes to one of the group', async ({ shared, options, topic }) => {
        const clients = await Promise.all([1, 2, 3].map(() => connected(shared, { ...options, limits: false })))
        const seen = await clients[0].evaluate(async (publisher, { group, topic }) => {
          const got: number[][] = [[], []]
          for (const [i, c] of group.entries()) await c.subscribe(`$share/group/${topic}/+`, { qos: 1 }, m => { got[i]!.push(Number(m.text())) })
          for (let i = 0; i < 40; i++) await publisher.publish(`${topic}/a`, String(i), { qos: 1 })
          while (got.flat().length < 40) await new Promise(resolve => setTimeout(resolve, 20))
          await new Promise(resolve => setTimeout(resolve, 200))
          return got
        }, { group: clients.slice(1), topic })
        expect(seen.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
      })

      test('request: each answer finds its request', async ({ shared, options, topic }) => {
        const [asking, answering] = [await connected(shared, options), await connected(shared, options)]
        const seen = await asking.evaluate(async (c, { answering, topic }) => {
          const asked: import('../src/types').Message[] = []
          await answering.subscribe(topic, { qos: 1 }, m => {
            if (asked.push(m) < 5) return
            for (const q of asked.reverse()) {
              void answering.publish(q.properties.responseTopic!, `answer ${q.text()}`, { qos: 1, properties: { correlationData: q.properties.correlationData! } })
            }
          })
          const answers = Promise.all(Array.from({ length: 5 }, async (_, i) => (await c.request(topic, String(i), { qos: 1 })).text()))
          return {
            answers: await answers, responseTopics: [...new Set(asked.map(q => q.properties.responseTopic!.slice(topic.length)))],
            none: (await window.failure(() => c.request(`${topic}/nobody`, '', { timeout: 300 })))?.code, clientId: c.clientId,
          }
        }, { answering, topic })
        expect(seen).toEqual({ answers: [0, 1, 2, 3, 4].map(i => `answer ${i}`), responseTopics: [`/response/${seen.clientId}`], none: 'timeout', clientId: seen.clientId })
      })
    })
  }
})

test.describe('topic aliases', () => {
  test('replace topic names on the way out', async ({ shared, scripted, mosquitto, topic }) => {
    const server = await scripted({ connack: { properties: { topicAliasMaximum: 2 } } })
    const client = await connected(shared, { url: server.url, topicAliases: true, reconnect: soon })
    const seen = await record(client)
    const publish = () => client.evaluate(async c => { for (const t of ['a', 'a', 'b', 'a', 'c', 'c', 'b']) await c.publish(t, t, { qos: 1 }) })
    await publish()
    const sent = () => server.last().of('publish').map(p => [p.topic, p.properties?.topicAlias])
    const expected = [['a', 1], ['', 1], ['b', 2], ['', 1], ['c', 2], ['', 2], ['b', 1]]
    expect(sent()).toEqual(expected)
    server.last().cut()
    await until(seen, 'state connected')
    await publish()
    expect(sent()).toEqual(expected) // a new link knows none

    const real = await connected(shared, { url: mosquitto, topicAliases: true, properties: { topicAliasMaximum: 5 } })
    const got = await real.evaluate(async (c, topic) => {
      const got: string[] = []
      await c.subscribe(`${topic}/#`, { qos: 1 }, m => { got.push(`${m.topic.slice(topic.length)} ${m.text()}`) })
      for (let i = 0; i < 30; i++) await c.publish(`${topic}/${i % 12}`, String(i), { qos: 1 })
      while (got.length < 30) await new Promise(resolve => setTimeout(resolve, 20))
      return got
    }, topic)
    expect(got).toEqual(Array.from({ length: 30 }, (_, i) => `/${i % 12} ${i}`))
  })

  test('of the server are resolved; one that it never set ends the link', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await connected(shared, { url: server.url, properties: { topicAliasMaximum: 5 }, reconnect: soon })
    expect(server.last().of('connect')[0].properties).toMatchObject({ topicAliasMaximum: 5 })
    const got = await client.evaluateHandle(async c => {
      const got: string[] = []
      await c.subscribe('#', m => { got.push(m.topic) })
      return got
    })
    const publish = (topic: string, topicAlias: number) => ({ cmd: 'publish', topic, qos: 0, payload: '', dup: false, retain: false, properties: { topicAlias } })
    server.last().send(publish('a', 1), publish('', 1), publish('b', 1), publish('', 1), publish('c', 5), publish('', 5))
    await expect.poll(() => got.jsonValue()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    const seen = await record(client)
    server.last().send(publish('', 3))
    await until(seen, 'close protocol-error')
    expect(server.last().of('disconnect').map(p => p.reasonCode)).toEqual([0x94])
    expect(await got.jsonValue()).toHaveLength(6)
  })
})

test('everything that CONNECT, SUBSCRIBE, UNSUBSCRIBE and DISCONNECT can carry goes out', async ({ shared, scripted }) => {
  const server = await scripted({})
  await shared.evaluate(async url => {
    const client = await window.iotwasm.connect({
      url, clientId: 'me', username: 'user', password: new Uint8Array([1, 2]), keepAlive: 77, cleanStart: false, sessionExpiryInterval: 99,
      properties: { receiveMaximum: 7, maximumPacketSize: 70000, topicAliasMaximum: 3, requestResponseInformation: true, requestProblemInformation: false, userProperties: { a: ['1', '2'], b: '3' } },
      will: {
        topic: 'will', payload: 'gone', qos: 1, retain: true,
        properties: {
          willDelayInterval: 5, payloadFormatIndicator: true, messageExpiryInterval: 6, contentType: 'text/plain', responseTopic: 'r', correlationData: new Uint8Array([9]), userProperties: { w: 'x' },
        },
      },
    })
    const subscription = await client.subscribe('a/+', { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2, properties: { subscriptionIdentifier: 4, userProperties: { s: '1' } } })
    await subscription.unsubscribe({ properties: { userProperties: { u: '1' } } })
    await client.close({ reasonCode: 4, properties: { reasonString: 'enough', userProperties: { d: '1' }, sessionExpiryInterval: 11 } })
  }, server.url)
  const { of } = server.last()
  const [connect] = of('connect')
  expect(connect).toMatchObject({ clientId: 'me', username: 'user', keepalive: 77, clean: false })
  expect([...connect.password]).toEqual([1, 2])
  expect({ ...connect.properties, userProperties: { ...connect.properties.userProperties } }).toEqual({
    sessionExpiryInterval: 99, receiveMaximum: 7, maximumPacketSize: 70000, topicAliasMaximum: 3, requestResponseInformation: true, requestProblemInformation: false,
    userProperties: { a: ['1', '2'], b: '3' },
  })
  expect(connect.will).toMatchObject({ topic: 'will', qos: 1, retain: true })
  expect(String(connect.will.payload)).toBe('gone')
  expect(connect.will.properties).toMatchObject({ willDelayInterval: 5, payloadFormatIndicator: true, messageExpiryInterval: 6, contentType: 'text/plain', responseTopic: 'r', userProperties: { w: 'x' } })
  expect([...connect.will.properties.correlationData]).toEqual([9])
  const [subscribe] = of('subscribe')
  expect(subscribe.subscriptions).toMatchObject([{ topic: 'a/+', qos: 1, nl: true, rap: true, rh: 2 }])
  expect(subscribe.properties).toMatchObject({ subscriptionIdentifier: 4, userProperties: { s: '1' } })
  expect(of('unsubscribe')[0].properties).toMatchObject({ userProperties: { u: '1' } })
  await expect.poll(() => of('disconnect')).toMatchObject([{ reasonCode: 4, properties: { reasonString: 'enough', userProperties: { d: '1' }, sessionExpiryInterval: 11 } }])
})

test('the CONNACK and what holds by it are there to see', async ({ shared, scripted }) => {
  const properties = {
    sessionExpiryInterval: 10, receiveMaximum: 20, maximumQoS: 1, retainAvailable: false, maximumPacketSize: 3000, assignedClientIdentifier: 'assigned', topicAliasMaximum: 4,
    reasonString: 'welcome', userProperties: { a: ['1', '2'] }, wildcardSubscriptionAvailable: false, subscriptionIdentifiersAvailable: false, sharedSubscriptionAvailable: false,
    serverKeepAlive: 33, responseInformation: 'answers/here', serverReference: 'other',
  }
  const server = await scripted({ connack: { properties } }, { connack: { sessionPresent: true, properties } }, {})
  const client = await connected(shared, { url: server.url, reconnect: soon })
  const seen = await client.evaluate(c => ({ connack: c.connack, negotiated: c.negotiated, clientId: c.clientId }))
  expect(seen.connack).toEqual({ sessionPresent: false, reasonCode: 0, properties })
  expect(seen.negotiated).toEqual({
    keepAlive: 33, sessionExpiryInterval: 10, receiveMaximum: 20, maximumQoS: 1, retainAvailable: false, maximumPacketSize: 3000, topicAliasMaximum: 4,
    wildcardSubscriptionAvailable: false, subscriptionIdentifiersAvailable: false, sharedSubscriptionAvailable: false,
  })
  expect(seen.clientId).toBe('assigned')
  const events = await record(client)
  server.last().cut()
  await until(events, 'connect resumed')
  expect(server.last().of('connect')[0].clientId).toBe('assigned')
  server.last().cut()
  await until(events, 'connect')
  expect(await client.evaluate(c => c.negotiated.maximumPacketSize === Infinity && c.negotiated)).toMatchObject({
    keepAlive: 60, sessionExpiryInterval: 300, receiveMaximum: 65535, maximumQoS: 2, retainAvailable: true, topicAliasMaximum: 0,
    wildcardSubscriptionAvailable: true, subscriptionIdentifiersAvailable: true, sharedSubscriptionAvailable: true,
  })
})

test('packets are told without what is secret, while somebody listens', async ({ shared, options, topic }) => {
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const packets: Packet[] = []
    const off = c.on('packet', p => packets.push(p))
    await c.subscribe(topic, { qos: 1 })
    await c.publish(topic, 'the payload', { qos: 1, properties: { contentType: 'hidden', userProperties: { hidden: 'hidden' } } })
    while (!packets.some(p => p.direction === 'sent' && p.type === 'PUBACK')) await new Promise(resolve => setTimeout(resolve, 10))
    await c.renew()
    off()
    const before = packets.length
    await c.publish(topic, 'x', { qos: 1 })
    return { packets, quiet: packets.length === before }
  }, topic)
  const kinds = seen.packets.map(p => `${p.direction} ${p.type}`)
  for (const kind of ['sent SUBSCRIBE', 'received SUBACK', 'sent PUBLISH', 'received PUBLISH', 'received PUBACK', 'sent PUBACK', 'sent DISCONNECT', 'sent CONNECT', 'received CONNACK']) {
    expect(kinds).toContain(kind)
  }
  const find = (kind: string) => seen.packets[kinds.indexOf(kind)]
  expect(find('sent SUBSCRIBE')).toMatchObject({ filters: [topic] })
  expect(find('received SUBACK')).toMatchObject({ reasonCodes: [1], id: find('sent SUBSCRIBE').id })
  expect(find('sent PUBLISH')).toMatchObject({ topic, qos: 1, retain: false, dup: false, payloadBytes: 11 })
  expect(find('received PUBACK')).toMatchObject({ id: find('sent PUBLISH').id })
  expect(find('received CONNACK')).toMatchObject({ reasonCodes: [0] })
  for (const p of seen.packets) expect(Math.abs(p.at - Date.now())).toBeLessThan(60_000)
  expect(JSON.stringify(seen.packets)).not.toMatch(/the payload|hidden/)
  expect(seen.quiet).toBe(true)
})

test('the log hears what its level says', async ({ shared, scripted }) => {
  const heard: Record<string, LogEntry[]> = {}
  for (const logLevel of ['error', 'warn', 'info', 'debug', undefined] as const) {
    const server = await scripted({ suback: t => t.map(f => f === 'no' ? 0x87 : 0) })
    const entries = await shared.evaluateHandle(() => [] as LogEntry[])
    const client = await entries.evaluateHandle(async (entries, { url, logLevel, soon }) => {
      const client = await window.iotwasm.connect({ url, clientId: 'me', reconnect: soon, ...(logLevel && { logLevel }), log: e => entries.push(e) })
      window.clients.push(client)
      await client.subscribe(['yes', 'no'])
      await client.publish('t', 'secret payload', { qos: 1 })
      return client
    }, { url: server.url, logLevel, soon })
    const seen = await record(client)
    server.last().cut()
    await until(seen, 'state connected')
    await client.evaluate(c => c.close())
    heard[String(logLevel)] = await entries.jsonValue()
  }
  const levels = Object.fromEntries(Object.entries(heard).map(([name, entries]) => [name, [...new Set(entries.map(e => e.level))].sort()]))
  expect(levels).toEqual({ error: ['error'], warn: ['error', 'warn'], info: ['error', 'info', 'warn'], debug: ['debug', 'error', 'info', 'warn'], undefined: ['error', 'info', 'warn'] })
  expect(heard['debug'].some(e => e.packet?.type === 'PUBLISH')).toBe(true)
  expect(heard['debug'].filter(e => e.packet?.type === 'CONNECT').length).toBeGreaterThan(0)
  expect(JSON.stringify(heard)).not.toContain('secret payload')
  for (const e of Object.values(heard).flat()) expect(e.clientId).toBe('me')
})

test('stats', async ({ shared, mosquitto, topic }) => {
  const client = await connected(shared, { url: mosquitto, keepAlive: 1 })
  const [first, second] = await client.evaluate(async (c, topic) => {
    const first = await c.stats()
    let got = 0
    await c.subscribe([topic, `${topic}/other`], { qos: 1 }, () => { got++ })
    for (let i = 0; i < 20; i++) await c.publish(topic, 'x'.repeat(1000), { qos: 1 })
    while (got < 20) await new Promise(resolve => setTimeout(resolve, 10))
    await new Promise(resolve => setTimeout(resolve, 2000)) // a PINGREQ and its answer
    return [first, await c.stats()]
  }, topic)
  expect(first).toMatchObject({ messagesSent: 0, messagesReceived: 0, links: 1, subscriptions: 0, messagesSentPerSecond: 0 })
  expect(second).toMatchObject({ messagesSent: 20, messagesReceived: 20, links: 1, subscriptions: 2, waiting: 0, waitingBytes: 0, inFlight: 0, dropped: 0 })
  expect(second.bytesSent).toBeGreaterThan(20_000)
  expect(second.bytesReceived).toBeGreaterThan(20_000)
  expect(second.packetsSent).toBeGreaterThanOrEqual(1 + 20 + 20)
  expect(second.packetsReceived).toBeGreaterThanOrEqual(2 + 20 + 20)
  expect(second.messagesSentPerSecond).toBeGreaterThan(0)
  expect(second.messagesSentPerSecond).toBeLessThan(20)
  expect(second.pubackRoundTrip).toBeGreaterThan(0)
  expect(second.pingRoundTrip).toBeGreaterThan(0)
  expect(Math.abs(second.connectedAt! - Date.now())).toBeLessThan(60_000)
})
