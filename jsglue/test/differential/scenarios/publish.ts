/** PUBLISH by the page: payloads, options, properties, and what its callback is told. */
import { plain, type Run, type ServerKind, type Theme } from '../types'

/** A reason code of PUBACK and PUBREC. */
const codes = [16, 128, 131, 135, 144, 145, 151, 153]

const everyProperty = (t: Run): object => ({
  payloadFormatIndicator: true, messageExpiryInterval: 3600, responseTopic: t.topic('answers'), correlationData: new Uint8Array([1, 2, 250]),
  userProperties: { one: '1', many: ['a', 'b'] }, contentType: 'application/json',
})

/** Publishes to itself. */
const there = (name: string, payload: unknown, options: object, on: readonly ServerKind[] = plain) => ({
  name, on,
  run: async (t: Run) => {
    const client = await t.connected()
    await client.subscribeAsync(t.topic(), { qos: t.on === 'aws' ? 1 : 2 })
    const cb = t.cb('publish')
    t.call('publish', () => client.publish(t.topic(), payload as never, options, cb))
    await cb.called
    await t.seen(client, 'message')
  },
})

export const publish: Theme = {
  name: 'publish',
  scenarios: [
    there('a string at QoS 0', 'hello', { qos: 0 }, [...plain, 'aws']),
    there('a string at QoS 1', 'hello', { qos: 1 }, [...plain, 'aws']),
    there('a string at QoS 2', 'hello', { qos: 2 }),
    there('text beyond ASCII', 'grüße 漢字 😀', { qos: 1 }),
    there('an empty string', '', { qos: 1 }),
    there('bytes', new Uint8Array([0, 1, 2, 253, 254, 255]), { qos: 1 }),
    there('no bytes', new Uint8Array(0), { qos: 0 }),
    there('bytes in the midst of a buffer', new Uint8Array([9, 9, 65, 66, 9]).subarray(2, 4), { qos: 1 }),
    there('64 KiB', 'x'.repeat(65536), { qos: 1 }),
    {
      name: 'every property both ways', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        const cb = t.cb('publish')
        client.publish(t.topic(), '{}', { qos: 1, properties: { ...everyProperty(t), messageExpiryInterval: undefined } as never }, cb)
        await cb.called
        await t.seen(client, 'message')
      },
    },
    ...([
      ['payloadFormatIndicator', { payloadFormatIndicator: false }], ['contentType', { contentType: 'a/b' }], ['responseTopic', { responseTopic: 'answers' }],
      ['correlationData', { correlationData: new TextEncoder().encode('id') }], ['userProperties', { userProperties: { k: 'v' } }],
      ['userProperties of several values', { userProperties: { k: ['v', 'w'], l: 'x' } }], ['an empty object', {}],
    ] as const).map(([name, properties]) => there(`property ${name}`, 'x', { qos: 1, properties }, name.startsWith('user') ? [...plain, 'aws'] : plain)),
    {
      name: 'every property on the wire', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1, retain: true, properties: everyProperty(t) as never }, cb)
        await cb.called
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'dup on the wire', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.publishAsync(t.topic(), 'x', { qos: 1, dup: true })
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'publish without options', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        t.call('publish', () => client.publish(t.topic(), 'x', cb))
        await cb.called
      },
    },
    {
      name: 'publish without callback', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        t.call('publish', () => client.publish(t.topic(), 'x'))
        t.call('publish at QoS 1', () => client.publish(t.topic(), 'y', { qos: 1 }))
        await t.seen(client, 'message', 2)
      },
    },
    {
      name: 'QoS 0 callback and what runs first', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        let order = ''
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', (...args: unknown[]) => {
          order += 'callback '
          cb(...args)
        })
        order += 'after '
        await cb.called
        t.note('order', order)
      },
    },
    {
      name: 'callbacks of many at QoS 1', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        const all = Array.from({ length: 20 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: 1 }, cb))
        await Promise.all(all.map(cb => cb.called))
      },
    },
    {
      name: 'messages of many at all QoS', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 0 })
        for (let i = 0; i < 20; i++) client.publish(t.topic(), String(i), { qos: i % 2 as 0 | 1 })
        await t.seen(client, 'message', 20)
      },
    },
    {
      name: 'retained', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.publishAsync(t.topic(), 'kept', { qos: 1, retain: true })
        await client.subscribeAsync(t.topic(), { qos: 1 })
        await t.seen(client, 'message')
        await client.publishAsync(t.topic(), '', { qos: 1, retain: true })
        await t.seen(client, 'message', 2)
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic(), { qos: 1 })
        await peer.publishAsync(t.topic(), 'new', { qos: 1 })
        await t.seen(peer, 'message')
        await t.seen(client, 'message', 3)
      },
    },
    {
      name: 'retained with a wildcard', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.publishAsync(t.topic('a'), 'kept', { qos: 1, retain: true })
        await client.subscribeAsync(t.topic('+'), { qos: 1 })
        await t.seen(client, 'message')
        await client.publishAsync(t.topic('a'), '', { qos: 0, retain: true })
      },
    },
    ...codes.map(code => ({
      name: `PUBACK with ${code}`, on: ['scripted'] as const, plans: [{ pubackCode: code }],
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await cb.called
        await t.outcome('async', client.publishAsync(t.topic(), 'x', { qos: 1 }))
      },
    })),
    ...[128, 135, 151].map(code => ({
      name: `PUBREC with ${code}`, on: ['scripted'] as const, plans: [{ pubackCode: code }],
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await cb.called
      },
    })),
    {
      name: 'PUBREC with 16', on: ['scripted'], plans: [{ pubackCode: 16 }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await cb.called
      },
    },
    {
      name: 'PUBACK with properties', on: ['scripted'],
      plans: [{ puback: false, on: ({ cmd, messageId }, connection) => {
        if (cmd === 'publish') connection.send({ cmd: 'puback', messageId, reasonCode: 151, properties: { reasonString: 'enough', userProperties: { a: 'b' } } })
      } }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        const [error] = await cb.called
        t.note('kind', error instanceof Error, error instanceof t.mqtt.ErrorWithReasonCode)
      },
    },
    {
      name: 'publish denied', on: ['gateway', 'aws', 'mosquitto'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(t.on === 'mosquitto' ? 'denied/x' : 'denied'), 'x', { qos: 1 }, cb)
        await cb.called
        if (t.on === 'mosquitto') return // 2.0.11 sometimes cuts such a client a moment later
        await t.sleep(30)
        t.note('still', client.connected)
      },
    },
    {
      name: 'no matching subscribers', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic('nobody'), 'x', { qos: 1 }, cb)
        await cb.called
      },
    },
    {
      name: 'cbStorePut', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const [cb, put] = [t.cb('publish'), t.cb('put')]
        client.publish(t.topic(), 'x', { qos: 1, cbStorePut: put }, cb)
        await cb.called
        await put.called
      },
    },
    {
      name: 'a topic with wildcards', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        t.call('publish', () => client.publish('a/+/b', 'x', t.cb('publish')))
        t.call('publish to #', () => client.publish('a/#', 'x', t.cb('publish')))
        await t.sleep(100)
      },
    },
    {
      name: 'an empty topic', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        t.call('publish', () => client.publish('', 'x', t.cb('publish')))
        await t.sleep(100)
      },
    },
    {
      name: 'QoS 2 to AWS', on: ['aws'],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await Promise.race([t.seen(client, 'close'), cb.called])
        await t.sleep(50)
      },
    },
    {
      name: 'publishAsync at each QoS', on: plain,
      run: async t => {
        const client = await t.connected()
        await t.outcome('QoS 0', client.publishAsync(t.topic(), 'x'))
        await t.outcome('QoS 1', client.publishAsync(t.topic(), 'x', { qos: 1 }))
        await t.outcome('QoS 2', client.publishAsync(t.topic(), 'x', { qos: 2 }))
      },
    },
    {
      name: 'getLastMessageId', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const first = client.getLastMessageId()
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('one'))
        const second = client.getLastMessageId()
        const cb = t.cb('two')
        client.publish(t.topic(), 'y', { qos: 1 }, cb)
        t.note('ids', typeof first, second > 0, client.getLastMessageId() === second + 1)
        await cb.called
        const packets = await t.server.got('publish')
        t.note('count', packets.length)
      },
    },
    {
      name: 'packet of the callback', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1, retain: true, properties: { userProperties: { a: 'b' } } }, cb)
        const id = client.getLastMessageId()
        const [, packet] = await cb.called
        t.note('same id', (packet as { messageId: number }).messageId === id)
      },
    },
    {
      name: 'removeOutgoingMessage', on: ['scripted'], plans: [{ puback: false }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await t.until(async () => (await t.server.got('publish')).length === 1, 'publish at the server')
        t.call('remove', () => client.removeOutgoingMessage(client.getLastMessageId()))
        await cb.called
        t.call('remove again', () => client.removeOutgoingMessage(client.getLastMessageId()))
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await t.sleep(50)
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'payload changed after publish', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const payload = new Uint8Array([65, 66])
        const cb = t.cb('publish')
        client.publish(t.topic(), payload as never, { qos: 1 }, cb)
        await cb.called
        payload[0] = 67
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'more than the receiveMaximum of the server', on: ['scripted'], plans: [{ connack: { properties: { receiveMaximum: 2 } } }],
      run: async t => {
        const client = await t.connected()
        const all = Array.from({ length: 6 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: 1 }, cb))
        await Promise.all(all.map(cb => cb.called))
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'QoS 2 on the wire', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.publishAsync(t.topic(), 'x', { qos: 2 })
        t.wire(await t.server.got())
      },
    },
  ],
}
