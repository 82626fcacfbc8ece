/** SUBSCRIBE and UNSUBSCRIBE in all their forms. */
import { plain, type Run, type Theme } from '../types'

export const subscribe: Theme = {
  name: 'subscribe',
  scenarios: [
    {
      name: 'subscribe a string', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        t.call('subscribe', () => client.subscribe(t.topic(), cb))
        await cb.called
      },
    },
    ...([0, 1, 2] as const).map(qos => ({
      name: `subscribe at QoS ${qos}`, on: plain,
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos }, cb)
        await cb.called
      },
    })),
    {
      name: 'subscribe an array', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe([t.topic('a'), t.topic('b'), t.topic('c/#')], { qos: 1 }, cb)
        await cb.called
      },
    },
    {
      name: 'subscribe a map', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe({ [t.topic('a')]: { qos: 0 }, [t.topic('b')]: { qos: 1, nl: true, rap: true, rh: 2 }, [t.topic('c')]: { qos: 2 } }, cb)
        await cb.called
      },
    },
    {
      name: 'subscribe with nl, rap and rh', on: [...plain, 'scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1, nl: true, rap: true, rh: 1 }, cb)
        await cb.called
        if (t.on === 'scripted') t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'subscribe with properties', on: [...plain, 'scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1, properties: { subscriptionIdentifier: 7, userProperties: { a: 'b', many: ['c', 'd'] } } }, cb)
        await cb.called
        if (t.on === 'scripted') t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'no local', on: plain,
      run: async t => {
        const client = await t.connected()
        const peer = await t.connected({ as: 'peer' })
        await client.subscribeAsync(t.topic(), { qos: 1, nl: true })
        await client.publishAsync(t.topic(), 'own', { qos: 1 })
        await peer.publishAsync(t.topic(), 'of another', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'retain as published', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync({ [t.topic('kept')]: { qos: 1, rap: true }, [t.topic('not')]: { qos: 1, rap: false } })
        await client.publishAsync(t.topic('kept'), 'x', { qos: 1, retain: true })
        await t.seen(client, 'message', 1)
        await client.publishAsync(t.topic('not'), 'x', { qos: 1, retain: true })
        await t.seen(client, 'message', 2)
      },
    },
    ...([0, 1, 2] as const).map(rh => ({
      name: `retain handling ${rh}`, on: plain,
      run: async (t: Run) => {
        const client = await t.connected()
        await client.publishAsync(t.topic(), 'retained', { qos: 1, retain: true })
        await client.subscribeAsync(t.topic(), { qos: 0, rh })
        await client.publishAsync(t.topic(), 'new', { qos: 1 })
        await t.until(() => t.count(client, 'message') === (rh === 2 ? 1 : 2), 'messages')
        await client.subscribeAsync(t.topic(), { qos: 1, rh })
        await client.publishAsync(t.topic(), 'newer', { qos: 1 })
        await t.until(() => t.count(client, 'message') === [4, 3, 2][rh], 'messages again')
      },
    })),
    {
      name: 'subscription identifier of messages', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('a'), { qos: 1, properties: { subscriptionIdentifier: 5 } })
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'subscribe without callback', on: plain,
      run: async t => {
        const client = await t.connected()
        t.call('subscribe', () => client.subscribe(t.topic()))
        t.call('subscribe with options', () => client.subscribe(t.topic('b'), { qos: 1 }))
        await client.subscribeAsync(t.topic('c'))
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'subscribe again at the same QoS', on: plain,
      run: async t => {
        const client = await t.connected({ packets: true })
        await client.subscribeAsync(t.topic(), { qos: 1 })
        const cb = t.cb('again')
        client.subscribe(t.topic(), { qos: 1 }, cb)
        await cb.called
        await t.outcome('async', client.subscribeAsync(t.topic(), { qos: 1 }))
      },
    },
    {
      name: 'subscribe again at a lower QoS', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        const cb = t.cb('again')
        client.subscribe(t.topic(), { qos: 0 }, cb)
        await cb.called
      },
    },
    {
      name: 'subscribe again at a higher QoS', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 0 })
        const cb = t.cb('again')
        client.subscribe(t.topic(), { qos: 1 }, cb)
        await cb.called
      },
    },
    {
      name: 'subscribe again some of an array', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync([t.topic('a'), t.topic('b')], { qos: 1 })
        const cb = t.cb('again')
        client.subscribe([t.topic('a'), t.topic('c')], { qos: 1 }, cb)
        await cb.called
      },
    },
    {
      name: 'subscribe again with reconnectPeriod 0', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        await client.subscribeAsync(t.topic(), { qos: 1 })
        await t.outcome('again', client.subscribeAsync(t.topic(), { qos: 1 }))
      },
    },
    {
      name: 'subscribe again with resubscribe false', on: plain,
      run: async t => {
        const client = await t.connected({ resubscribe: false })
        await client.subscribeAsync(t.topic(), { qos: 1 })
        await t.outcome('again', client.subscribeAsync(t.topic(), { qos: 1 }))
      },
    },
    ...(['a#', 'a/#/b', 'a+/b', '#/a'] as const).map(filter => ({
      name: `invalid filter ${filter}`, on: ['mosquitto'] as const,
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        t.call('subscribe', () => client.subscribe(filter, cb))
        await cb.called
        await t.outcome('async', client.subscribeAsync([t.topic(), filter]))
        const unsubscribed = t.cb('unsubscribe')
        t.call('unsubscribe', () => client.unsubscribe(filter, unsubscribed))
        await unsubscribed.called
      },
    })),
    {
      name: 'empty list of filters', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe([], cb)
        await cb.called
        const unsubscribed = t.cb('unsubscribe')
        client.unsubscribe([], unsubscribed)
        await unsubscribed.called
      },
    },
    {
      name: 'invalid filter while offline', on: ['mosquitto'],
      run: async t => {
        await t.server.refuse()
        const client = t.connect({ reconnectPeriod: 60_000 })
        const cb = t.cb('subscribe')
        client.subscribe('a#', cb)
        await cb.called
        await t.seen(client, 'close')
      },
    },
    {
      name: 'denied by the server', on: ['gateway', 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic('denied'), { qos: 1 }, cb)
        await cb.called
        await t.outcome('async', client.subscribeAsync(t.topic('denied'), { qos: 1 }))
      },
    },
    {
      name: 'kind of the error of a denied filter', on: ['gateway'],
      run: async t => {
        const client = await t.connected()
        const error = await client.subscribeAsync(t.topic('denied'), { qos: 1 }).catch((e: unknown) => e)
        t.note('kind', error instanceof Error, error instanceof t.mqtt.ErrorWithSubackPacket, 'code' in (error as object))
      },
    },
    {
      name: 'denied in part', on: ['gateway', 'aws'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe([t.topic('a'), t.topic('denied'), t.topic('b')], { qos: 1 }, cb)
        await cb.called
        await client.publishAsync(t.topic('b'), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    ...[128, 131, 135, 143, 145, 151, 158, 161, 162].map(code => ({
      name: `denied with ${code}`, on: ['scripted'] as const, plans: [{ suback: (topics: string[]) => topics.map(() => code) }],
      run: async (t: Run) => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1 }, cb)
        await cb.called
      },
    })),
    {
      name: 'a denied filter of several, then a drop', on: ['scripted'], plans: [{ suback: topics => topics.map(topic => topic.endsWith('denied') ? 135 : 1) }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe([t.topic('a'), t.topic('denied')], { qos: 1 }, cb)
        await cb.called
        await client.subscribeAsync(t.topic('b'), { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'a denied filter, asked for again', on: ['scripted'], plans: [{ suback: topics => topics.map(() => 135) }],
      run: async t => {
        const client = await t.connected()
        await t.outcome('first', client.subscribeAsync(t.topic('denied'), { qos: 1 }))
        await t.outcome('second', client.subscribeAsync(t.topic('denied'), { qos: 1 }))
        t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'a lower QoS than asked for', on: ['scripted'], plans: [{ suback: topics => topics.map(() => 0) }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 2 }, cb)
        await cb.called
        await t.outcome('again', client.subscribeAsync(t.topic(), { qos: 1 }))
      },
    },
    {
      name: 'SUBACK with too few codes', on: ['scripted'], plans: [{ suback: () => [0] }, {}],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe([t.topic('a'), t.topic('b')], cb)
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'SUBACK with properties', on: ['scripted'],
      plans: [{ suback: false, unsuback: false, on: ({ cmd, messageId }, connection) => {
        const properties = { reasonString: 'as it is', userProperties: { a: 'b', many: ['c', 'd'] } }
        if (cmd === 'subscribe') connection.send({ cmd: 'suback', messageId, granted: [1], properties })
        if (cmd === 'unsubscribe') connection.send({ cmd: 'unsuback', messageId, granted: [0], properties })
      } }],
      run: async t => {
        const client = await t.connected()
        const [subscribed, unsubscribed] = [t.cb('subscribe'), t.cb('unsubscribe')]
        client.subscribe(t.topic(), { qos: 1 }, subscribed)
        await subscribed.called
        client.unsubscribe(t.topic(), unsubscribed)
        await unsubscribed.called
      },
    },
    {
      name: 'batches', on: ['scripted', 'mosquitto'],
      run: async t => {
        const client = await t.connected({ subscribeBatchSize: 2 })
        const cb = t.cb('subscribe')
        client.subscribe(['a', 'b', 'c', 'd', 'e'].map(n => t.topic(n)), { qos: 1 }, cb)
        await cb.called
        if (t.on === 'scripted') t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'a batch is denied', on: ['scripted'], plans: [{ suback: topics => topics.map(topic => topic.endsWith('c') ? 135 : 1) }],
      run: async t => {
        const client = await t.connected({ subscribeBatchSize: 2 })
        const cb = t.cb('subscribe')
        client.subscribe(['a', 'b', 'c', 'd', 'e'].map(n => t.topic(n)), { qos: 1 }, cb)
        await cb.called
        await t.sleep(50)
      },
    },
    {
      name: 'subscribe while connecting', on: [...plain, 'aws'],
      run: async t => {
        const client = t.connect()
        const [first, second] = [t.cb('first'), t.cb('second')]
        client.subscribe(t.topic('a'), { qos: 1 }, first)
        client.subscribe([t.topic('b'), t.topic('c')], second)
        await Promise.all([first.called, second.called])
      },
    },
    {
      name: 'subscribe while offline', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 400 })
        await t.server.cut()
        await t.seen(client, 'close')
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1 }, cb)
        await cb.called
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'subscribe under way at a drop', on: ['scripted'], plans: [{ on: (packet, connection) => { if (packet.cmd === 'subscribe') connection.cut() }, suback: false }, {}],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1 }, cb)
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'unsubscribe under way at a drop', on: ['scripted'], plans: [{ on: (packet, connection) => { if (packet.cmd === 'unsubscribe') connection.cut() }, unsuback: false }, {}],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic(), cb)
        await cb.called
        await t.seen(client, 'connect', 2)
      },
    },
    ...[17, 128, 131, 135, 143, 145].map(code => ({
      name: `unsubscribe answered with ${code}`, on: ['scripted'] as const, plans: [{ unsuback: (topics: string[]) => topics.map(() => code) }],
      run: async (t: Run) => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic(), cb)
        await cb.called
        await t.outcome('async', client.unsubscribeAsync(t.topic()))
      },
    })),
    {
      name: 'unsubscribe a string', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        const cb = t.cb('unsubscribe')
        t.call('unsubscribe', () => client.unsubscribe(t.topic(), cb))
        await cb.called
      },
    },
    {
      name: 'unsubscribe an array', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync([t.topic('a'), t.topic('b')])
        const cb = t.cb('unsubscribe')
        client.unsubscribe([t.topic('a'), t.topic('b'), t.topic('not held')], cb)
        await cb.called
      },
    },
    {
      name: 'unsubscribe with properties', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic(), { properties: { userProperties: { a: 'b' } } }, cb)
        await cb.called
        t.wire(await t.server.got('unsubscribe'))
      },
    },
    {
      name: 'unsubscribe what is not held', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic('not'), cb)
        await cb.called
      },
    },
    {
      name: 'unsubscribe without callback', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        t.call('unsubscribe', () => client.unsubscribe(t.topic()))
        await t.outcome('again', client.unsubscribeAsync(t.topic()))
      },
    },
    {
      name: 'unsubscribed messages do not come', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync([t.topic('a'), t.topic('b')], { qos: 1 })
        await client.unsubscribeAsync(t.topic('a'))
        await client.publishAsync(t.topic('a'), 'no', { qos: 1 })
        await client.publishAsync(t.topic('b'), 'yes', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'unsubscribe, then subscribe again', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        await client.unsubscribeAsync(t.topic())
        await t.outcome('again', client.subscribeAsync(t.topic(), { qos: 1 }))
      },
    },
    {
      name: 'unsubscribe while offline', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 400 })
        await client.subscribeAsync([t.topic('a'), t.topic('b')], { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'close')
        const cb = t.cb('unsubscribe')
        client.unsubscribe(t.topic('a'), cb)
        await cb.called
        await client.publishAsync(t.topic('a'), 'no', { qos: 1 })
        await client.publishAsync(t.topic('b'), 'yes', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'resubscribe after a drop', on: [...plain, 'scripted'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync([t.topic('a'), t.topic('b')], { qos: 1, rap: true })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('c'), 'x', { qos: 1 })
        if (t.on === 'scripted') return t.wire(await t.server.got('subscribe'))
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'resubscribe with its properties', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('a'), { qos: 1, nl: true, rh: 1, properties: { subscriptionIdentifier: 3, userProperties: { a: 'b' } } })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('c'), 'x', { qos: 1 })
        t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'no resubscribe when the option is false', on: ['scripted', 'mosquitto'],
      run: async t => {
        const client = await t.connected({ resubscribe: false })
        await client.subscribeAsync(t.topic('a'), { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await t.sleep(80)
        if (t.on === 'scripted') t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'no resubscribe where the session is present', on: ['scripted'], plans: [{}, { connack: { sessionPresent: true } }],
      run: async t => {
        const client = await t.connected({ clean: false, properties: { sessionExpiryInterval: 60 } })
        await client.subscribeAsync(t.topic('a'), { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('c'), 'x', { qos: 1 })
        t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'resubscribe where the session is lost', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ clean: false, properties: { sessionExpiryInterval: 60 } })
        await client.subscribeAsync(t.topic('a'), { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('c'), 'x', { qos: 1 })
        t.wire(await t.server.got('subscribe'))
      },
    },
    {
      name: 'resubscribe after reconnect()', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('a'), { qos: 1 })
        client.reconnect()
        await t.seen(client, 'connect', 2)
        await client.publishAsync(t.topic('c'), 'x', { qos: 1 })
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'shared subscription', on: plain,
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('subscribe')
        client.subscribe(`$share/g/${t.topic()}`, { qos: 1 }, cb)
        await cb.called
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'nine filters at once to AWS', on: ['aws'],
      run: async t => {
        const client = await t.connected({ subscribeBatchSize: 8 })
        await t.outcome('subscribe', client.subscribeAsync(Array.from({ length: 9 }, (_, i) => t.topic(`n${i}`)), { qos: 1 }))
      },
    },
    {
      name: 'subscribe in the connect handler', on: plain,
      run: async t => {
        const client = t.connect()
        const cb = t.cb('subscribe')
        client.on('connect', () => { client.subscribe(t.topic(), { qos: 1 }, cb) })
        await cb.called
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await t.sleep(50)
      },
    },
    {
      name: 'options are not changed', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        const [filters, options] = [[t.topic('a'), t.topic('b')], { qos: 1 as const, properties: { userProperties: { a: 'b' } } }]
        await client.subscribeAsync(filters, options)
        const map = { [t.topic('c')]: { qos: 1 as const } }
        await client.subscribeAsync(map)
        t.note('given', filters, options, map)
      },
    },
  ],
}
