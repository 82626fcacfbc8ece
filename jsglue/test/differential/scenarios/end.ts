/** How a page ends a connection, and what it can do with the client afterwards. */
import { plain, type Run, type Theme } from '../types'

export const end: Theme = {
  name: 'end',
  scenarios: [
    {
      name: 'end', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('end')
        t.call('end', () => client.end(cb))
        t.note('at once', client.disconnecting, client.disconnected)
        await cb.called
        await t.sleep(50)
        t.note('after', client.connected, client.reconnecting, client.disconnecting, client.disconnected)
      },
    },
    {
      name: 'end without callback', on: plain,
      run: async t => {
        const client = await t.connected()
        t.call('end', () => client.end())
        await t.seen(client, 'end')
      },
    },
    {
      name: 'end by force', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('end')
        t.call('end', () => client.end(true, cb))
        await cb.called
        await t.sleep(50)
        t.note('after', client.connected, client.disconnecting, client.disconnected)
      },
    },
    ...([
      ['end(false, {}, cb)', [false, {}]], ['end(true, {}, cb)', [true, {}]], ['end({}, cb)', [{}]], ['end(false, cb)', [false]],
      ['end(null, null, cb)', [null, null]], ['end(undefined, undefined, cb)', [undefined, undefined]],
    ] as const).map(([name, args]) => ({
      name, on: ['mosquitto'] as const,
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('end')
        t.call('end', () => (client.end as (...all: unknown[]) => unknown)(...args.map(a => a), cb))
        await cb.called
      },
    })),
    {
      name: 'DISCONNECT on the wire', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        await t.until(async () => (await t.server.got('disconnect')).length > 0, 'DISCONNECT')
        t.wire(await t.server.got('disconnect'))
      },
    },
    {
      name: 'DISCONNECT with reason and properties on the wire', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.endAsync(false, { reasonCode: 4, properties: { sessionExpiryInterval: 60, reasonString: 'bye', userProperties: { a: 'b' } } })
        await t.until(async () => (await t.server.got('disconnect')).length > 0, 'DISCONNECT')
        t.wire(await t.server.got('disconnect'))
      },
    },
    {
      name: 'no DISCONNECT by force', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.endAsync(true)
        await t.sleep(50)
        t.wire(await t.server.got())
      },
    },
    {
      name: 'end twice', on: plain,
      run: async t => {
        const client = await t.connected()
        const [first, second] = [t.cb('first'), t.cb('second')]
        client.end(first)
        client.end(second)
        await Promise.all([first.called, second.called])
        await t.seen(client, 'end')
        const third = t.cb('third')
        client.end(third)
        await third.called
        await t.sleep(50)
      },
    },
    {
      name: 'end in the connect handler', on: plain,
      run: async t => {
        const client = t.connect()
        const cb = t.cb('end')
        client.on('connect', () => { client.end(cb) })
        await cb.called
      },
    },
    {
      name: 'end with QoS 1 under way', on: plain,
      run: async t => {
        const client = await t.connected()
        const [published, ended] = [t.cb('publish'), t.cb('end')]
        client.publish(t.topic(), 'x', { qos: 1 }, published)
        client.end(ended)
        await Promise.all([published.called, ended.called])
      },
    },
    {
      name: 'end with QoS 2 under way', on: plain,
      run: async t => {
        const client = await t.connected()
        const [published, ended] = [t.cb('publish'), t.cb('end')]
        client.publish(t.topic(), 'x', { qos: 2 }, published)
        client.end(ended)
        await Promise.all([published.called, ended.called])
      },
    },
    {
      name: 'end with QoS 0 just published', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic())
        const client = await t.connected()
        const ended = t.cb('end')
        client.publish(t.topic(), 'x')
        client.end(ended)
        await ended.called
        await t.seen(peer, 'message')
      },
    },
    {
      name: 'end with a subscribe under way', on: plain,
      run: async t => {
        const client = await t.connected()
        const [subscribed, ended] = [t.cb('subscribe'), t.cb('end')]
        client.subscribe(t.topic(), subscribed)
        client.end(ended)
        await Promise.all([subscribed.called, ended.called])
      },
    },
    {
      name: 'end by force with QoS 1 under way', on: ['scripted'], plans: [{ puback: false }],
      run: async t => {
        const client = await t.connected()
        const ended = t.cb('end')
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        client.end(true, ended)
        await ended.called
        await t.sleep(50)
      },
    },
    {
      name: 'end by force with QoS 1 under way and reconnectPeriod 0', on: ['scripted'], plans: [{ puback: false }],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        const ended = t.cb('end')
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        client.end(true, ended)
        await ended.called
        await t.sleep(50)
      },
    },
    {
      name: 'end by force with a subscribe under way', on: ['scripted'], plans: [{ suback: false }],
      run: async t => {
        const client = await t.connected()
        const [subscribed, ended] = [t.cb('subscribe'), t.cb('end')]
        client.subscribe(t.topic(), { qos: 1 }, subscribed)
        client.end(true, ended)
        await Promise.all([subscribed.called, ended.called])
      },
    },
    {
      name: 'end with QoS 1 that is never acknowledged', on: ['scripted'], plans: [{ puback: false }],
      run: async t => {
        const client = await t.connected()
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        await t.sleep(30)
        await t.outcome('end', client.endAsync(), 300)
      },
    },
    {
      name: 'end while away with QoS 1', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 60_000 })
        await t.server.cut()
        await t.seen(client, 'close')
        client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish'))
        await t.outcome('end', client.endAsync(), 600)
      },
    },
    {
      name: 'end while away with QoS 0', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 60_000 })
        await t.server.cut()
        await t.seen(client, 'close')
        client.publish(t.topic(), 'x', t.cb('publish'))
        await t.outcome('end', client.endAsync(), 600)
      },
    },
    {
      name: 'publish after end', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        const cb = t.cb('publish')
        t.call('publish', () => client.publish(t.topic(), 'x', cb))
        await cb.called
        await t.outcome('async', client.publishAsync(t.topic(), 'x', { qos: 1 }))
        t.call('publish without callback', () => client.publish(t.topic(), 'x'))
        await t.seen(client, 'error')
      },
    },
    {
      name: 'subscribe after end', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        const cb = t.cb('subscribe')
        t.call('subscribe', () => client.subscribe(t.topic(), cb))
        await cb.called
        await t.outcome('async', client.subscribeAsync(t.topic()))
        t.call('subscribe without callback', () => client.subscribe(t.topic()))
        await t.sleep(30)
      },
    },
    {
      name: 'unsubscribe after end', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic(), cb)
        await cb.called
        await t.outcome('async', client.unsubscribeAsync(t.topic()))
      },
    },
    {
      name: 'publish while ending', on: plain,
      run: async t => {
        const client = await t.connected()
        const [ended, published] = [t.cb('end'), t.cb('publish')]
        client.end(ended)
        client.publish(t.topic(), 'x', { qos: 1 }, published)
        await Promise.all([ended.called, published.called])
      },
    },
    {
      name: 'reconnect() after end', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        await client.endAsync()
        t.call('reconnect', () => client.reconnect())
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('other'), 'x', { qos: 1 })
        client.publish(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
        t.note('after', client.connected, client.disconnecting, client.disconnected)
      },
    },
    {
      name: 'reconnect() while ending', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('end')
        client.end(cb)
        client.reconnect()
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'end, reconnect() and end', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        client.reconnect()
        await t.seen(client, 'connect', 2)
        await client.endAsync()
        await t.seen(client, 'end', 2)
      },
    },
    {
      name: 'connect() after end', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        await client.endAsync()
        t.call('connect', () => client.connect())
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'publish after end with reconnectPeriod 0', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        await client.endAsync()
        t.note('after', client.disconnecting, client.disconnected)
        t.call('publish', () => client.publish(t.topic(), 'x', { qos: 1 }, t.cb('publish')))
        await t.sleep(80)
      },
    },
    {
      name: 'endAsync', on: plain,
      run: async t => {
        const client = await t.connected()
        await t.outcome('end', client.endAsync())
        await t.outcome('again', client.endAsync())
      },
    },
    {
      name: 'endAsync by force', on: plain,
      run: async t => {
        const client = await t.connected()
        await t.outcome('end', client.endAsync(true))
      },
    },
    {
      name: 'end before connect', on: plain,
      run: async t => {
        const client = t.connect({ apart: ['close'] })
        const cb = t.cb('end')
        client.end(cb)
        await cb.called
        await t.sleep(100)
        t.note('after', client.connected, client.disconnecting, client.disconnected)
      },
    },
    {
      name: 'end before connect with what waits', on: ['scripted'],
      run: async t => {
        const client = t.connect({ apart: ['close'] })
        client.publish(t.topic(), 'zero', t.cb('QoS 0'))
        client.subscribe(t.topic(), t.cb('subscribe'))
        client.end(true, t.cb('end', 'callback of end'))
        await t.seen(client, 'end')
        await t.sleep(80)
      },
    },
    {
      name: 'end in a message handler, by force', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        const cb = t.cb('end')
        client.on('message', () => { client.end(true, cb) })
        client.publish(t.topic(), 'x')
        await cb.called
      },
    },
    {
      name: 'order of end, with packets', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true })
        await t.seen(client, 'connect')
        client.publish(t.topic(), 'x', { qos: 1 })
        const cb = t.cb('end')
        client.end(cb)
        await cb.called
      },
    },
  ],
}
