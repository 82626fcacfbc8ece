/** What waits while there is no connection, and what was under way when one ended. */
import type { Plan } from '../../scripted-server.mjs'
import { plain, type Run, type Theme } from '../types'

/** A connection that ends at the first PUBLISH, before it is acknowledged. */
const cutsAtPublish: Plan = { puback: false, on: (packet, connection) => { if (packet.cmd === 'publish') connection.cut() } }

/** A connected client whose link was cut, and which has some time until it tries again. */
async function away(t: Run, options: object = {}): Promise<ReturnType<Run['connect']>> {
  const client = await t.connected({ reconnectPeriod: 400, ...options })
  await t.server.cut()
  await t.seen(client, 'close')
  return client
}

export const queue: Theme = {
  name: 'queue',
  scenarios: [
    {
      name: 'publish before connect', on: [...plain, 'aws'],
      run: async t => {
        const client = t.connect()
        const all = [t.cb('subscribe'), t.cb('QoS 0'), t.cb('QoS 1')]
        client.subscribe(t.topic(), { qos: 1 }, all[0])
        client.publish(t.topic(), 'zero', all[1])
        client.publish(t.topic(), 'one', { qos: 1 }, all[2])
        await Promise.all(all.map(cb => cb.called))
        await t.sleep(100)
      },
    },
    {
      name: 'QoS 0 before connect, in order', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic(), { qos: 0 })
        const client = t.connect()
        for (let i = 0; i < 10; i++) client.publish(t.topic(), String(i), t.cb(`publish ${i}`))
        await t.seen(client, 'connect')
        await t.seen(peer, 'message', 10)
      },
    },
    {
      name: 'QoS 1 before connect, in order', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic(), { qos: 0 })
        const client = t.connect()
        const all = Array.from({ length: 10 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: 1 }, cb))
        await Promise.all(all.map(cb => cb.called))
        await t.seen(client, 'connect')
        await t.seen(peer, 'message', 10)
      },
    },
    {
      name: 'QoS 0 before connect without a queue', on: plain,
      run: async t => {
        const client = t.connect({ queueQoSZero: false })
        const [zero, one] = [t.cb('QoS 0'), t.cb('QoS 1')]
        client.publish(t.topic(), 'x', zero)
        client.publish(t.topic(), 'x', { qos: 1 }, one)
        await Promise.all([zero.called, one.called])
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'QoS 0 while away', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer', reconnectPeriod: 40 })
        await peer.subscribeAsync(t.topic(), { qos: 0 })
        const client = await t.connected({ reconnectPeriod: 1500 })
        await t.server.cut()
        await t.seen(peer, 'connect', 2)
        await t.seen(client, 'close')
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', cb)
        t.note('queue', client.queue.length)
        await cb.called
        await t.seen(peer, 'message')
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'QoS 0 while away without a queue', on: plain,
      run: async t => {
        const client = await away(t, { queueQoSZero: false })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', cb)
        await cb.called
        await t.outcome('async', client.publishAsync(t.topic(), 'x'))
      },
    },
    {
      name: 'QoS 1 while away', on: [...plain, 'scripted'],
      run: async t => {
        const client = await away(t)
        const all = Array.from({ length: 3 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: 1 }, cb))
        await Promise.all(all.map(cb => cb.called))
        await t.seen(client, 'connect', 2)
        if (t.on === 'scripted') t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'QoS 2 while away', on: plain,
      run: async t => {
        const client = await away(t)
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'all QoS while away, and their order', on: ['scripted'],
      run: async t => {
        const client = await away(t)
        const all = Array.from({ length: 6 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: i % 3 as 0 | 1 | 2 }, cb))
        await Promise.all(all.map(cb => cb.called))
        await t.seen(client, 'connect', 2)
        await t.until(async () => (await t.server.got('publish')).length === 6, 'all of them')
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'publish with properties while away', on: ['scripted'],
      run: async t => {
        const client = await away(t)
        const [zero, one] = [t.cb('QoS 0'), t.cb('QoS 1')]
        const properties = { contentType: 'a/b', userProperties: { a: 'b', m: ['1', '2'] }, messageExpiryInterval: 100 }
        client.publish(t.topic(), 'x', { qos: 1, properties }, one)
        await one.called
        client.publish(t.topic(), 'x', { qos: 0, properties }, zero)
        await zero.called
        await t.until(async () => (await t.server.got('publish')).length === 2, 'both')
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'QoS 1 under way at a drop', on: ['scripted'], plans: [cutsAtPublish, {}],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('publish', 0))
        t.wire(await t.server.got('publish', 1))
      },
    },
    {
      name: 'QoS 1 under way at a drop, with a session', on: ['scripted'], plans: [cutsAtPublish, { connack: { sessionPresent: true } }],
      run: async t => {
        const client = await t.connected({ clean: false, properties: { sessionExpiryInterval: 60 } })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('publish', 1))
      },
    },
    {
      name: 'QoS 1 under way at a drop with reconnectPeriod 0', on: ['scripted'], plans: [cutsAtPublish, {}],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        await t.seen(client, 'close')
        await t.sleep(80)
      },
    },
    {
      name: 'QoS 0 under way at a drop', on: ['scripted'], plans: [cutsAtPublish, {}],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', cb)
        await cb.called
        await t.seen(client, 'connect', 2)
        await t.sleep(50)
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'QoS 2 under way at a drop, before PUBREC', on: ['scripted'], plans: [cutsAtPublish, {}],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('publish', 1))
        t.wire(await t.server.got('pubrel', 1))
      },
    },
    {
      name: 'QoS 2 under way at a drop, after PUBREC, with a session', on: ['scripted'],
      plans: [{ pubcomp: false, on: (packet, connection) => { if (packet.cmd === 'pubrel') connection.cut() } }, { connack: { sessionPresent: true } }],
      run: async t => {
        const client = await t.connected({ clean: false, properties: { sessionExpiryInterval: 60 } })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 2 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('publish', 1))
        t.wire(await t.server.got('pubrel', 1))
      },
    },
    {
      name: 'several under way at a drop', on: ['scripted'],
      plans: [{ puback: false, on: (packet, connection) => { if (packet.cmd === 'publish' && String(packet.payload) === '3') connection.cut() } }, {}],
      run: async t => {
        const client = await t.connected()
        const all = Array.from({ length: 4 }, (_, i) => t.cb(`publish ${i}`))
        all.forEach((cb, i) => client.publish(t.topic(), String(i), { qos: 1 }, cb))
        await Promise.all(all.map(cb => cb.called))
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('publish', 1))
      },
    },
    {
      name: 'under way at a drop, and refused when sent again', on: ['scripted'], plans: [cutsAtPublish, { pubackCode: 135 }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'publish in the connect handler', on: ['scripted'],
      run: async t => {
        const client = t.connect()
        const all = [t.cb('queued'), t.cb('in the handler')]
        client.publish(t.topic(), 'queued', all[0])
        client.on('connect', () => { client.publish(t.topic(), 'in the handler', all[1]) })
        await Promise.all(all.map(cb => cb.called))
        await t.until(async () => (await t.server.got('publish')).length === 2, 'both')
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'publish in the close handler', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.once('close', () => { client.publish(t.topic(), 'x', { qos: 1 }, cb) })
        await t.server.cut()
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'publish in the offline handler', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.once('offline', () => { client.publish(t.topic(), 'x', { qos: 1 }, cb) })
        await t.server.cut()
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'subscribe and publish while away, on the wire', on: ['scripted'],
      run: async t => {
        const client = await away(t)
        const all = [t.cb('subscribe'), t.cb('publish')]
        client.subscribe(t.topic(), { qos: 1 }, all[0])
        client.publish(t.topic(), 'x', { qos: 0 }, all[1])
        await Promise.all(all.map(cb => cb.called))
        await t.until(async () => (await t.server.got('publish')).length === 1, 'publish')
        t.wire(await t.server.got())
      },
    },
    {
      name: 'outgoing of the client', on: ['scripted'], plans: [{ puback: false }],
      run: async t => {
        const client = await t.connected()
        t.note('empty', Object.keys((client as unknown as { outgoing: object }).outgoing).length, client.queue)
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        t.note('one', Object.keys((client as unknown as { outgoing: object }).outgoing).length)
        await t.sleep(30)
        t.note('still one', Object.keys((client as unknown as { outgoing: object }).outgoing).length)
      },
    },
    {
      name: 'PUBACK is lost', on: ['gateway'],
      run: async t => {
        await t.server.fault({ fault: 'puback', action: 'drop', times: 1 })
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 0 })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        await t.seen(client, 'message')
        await t.server.cut()
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'PUBACK is refused by a fault', on: ['gateway'],
      run: async t => {
        await t.server.fault({ fault: 'puback', action: 'refuse', reasonCode: 151, times: 1 })
        const client = await t.connected()
        await t.outcome('first', client.publishAsync(t.topic(), 'x', { qos: 1 }))
        await t.outcome('second', client.publishAsync(t.topic(), 'x', { qos: 1 }))
      },
    },
    {
      name: 'SUBACK is late', on: ['gateway'],
      run: async t => {
        await t.server.fault({ fault: 'suback', action: 'delay', delayMs: 60 })
        const client = await t.connected()
        await t.outcome('subscribe', client.subscribeAsync(t.topic(), { qos: 1 }))
        client.publish(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'messages come in pieces', on: ['gateway'],
      run: async t => {
        await t.server.fault({ fault: 'frames', action: 'split', bytes: 3 })
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.publish(t.topic(), 'in pieces', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'a message comes twice', on: ['gateway'],
      run: async t => {
        await t.server.fault({ fault: 'publish', action: 'duplicate', copies: 1, times: 1 })
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 0 })
        client.publish(t.topic(), 'x', { qos: 0 })
        await t.seen(client, 'message', 2)
      },
    },
  ],
}
