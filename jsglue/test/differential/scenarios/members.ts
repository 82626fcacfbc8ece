/** The rest of the client and of the module: events' methods, promises, stores, identifiers, aliases, helpers. */
import { plain, type Theme } from '../types'

export const members: Theme = {
  name: 'members',
  scenarios: [
    {
      name: 'exports', on: ['mosquitto'],
      run: t => {
        const all = t.mqtt as unknown as Record<string, unknown>
        for (const name of ['connect', 'connectAsync', 'Client', 'MqttClient', 'Store', 'DefaultMessageIdProvider', 'UniqueMessageIdProvider', 'KeepaliveManager', 'ReasonCodes', 'ErrorWithReasonCode', 'ErrorWithSubackPacket', 'validateTopic', 'validateTopics', 'MQTTJS_VERSION', 'default']) {
          t.note(name, typeof all[name])
        }
        t.note('default', typeof t.mqtt.default?.connect, t.mqtt.Client === t.mqtt.MqttClient)
      },
    },
    {
      name: 'ReasonCodes', on: ['mosquitto'],
      run: t => { t.note('codes', t.mqtt.ReasonCodes) },
    },
    {
      name: 'validateTopic', on: ['mosquitto'],
      run: t => {
        for (const filter of ['a', 'a/b', 'a/+', '+', '#', 'a/#', 'a#', 'a/#/b', 'a+', '+a/b', '', '/', '$share/g/a']) t.note(filter, t.mqtt.validateTopic(filter))
        t.note('topics', t.mqtt.validateTopics(['a', 'b#']), t.mqtt.validateTopics(['a']), t.mqtt.validateTopics([]))
      },
    },
    {
      name: 'errors of the module', on: ['mosquitto'],
      run: t => {
        const error = new t.mqtt.ErrorWithReasonCode('said', 135)
        t.note('error', error, error instanceof Error, error.code, String(error))
        const denied = new t.mqtt.ErrorWithSubackPacket('said', { cmd: 'suback', granted: [1] } as never)
        t.note('denied', denied, denied instanceof Error)
      },
    },
    {
      name: 'on, once, off and removeAllListeners', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        const listener = (): void => { t.note('on') }
        t.call('on', () => client.on('message', listener))
        t.call('once', () => client.once('message', () => { t.note('once') }))
        t.call('prepend', () => client.prependListener('message', () => { t.note('prepended') }))
        await client.publishAsync(t.topic(), '1', { qos: 1 })
        await t.seen(client, 'message', 1)
        t.note('count', client.listenerCount('message'), client.eventNames().includes('message'))
        t.call('off', () => client.off('message', listener))
        t.note('count', client.listenerCount('message'))
        await client.publishAsync(t.topic(), '2', { qos: 1 })
        await t.seen(client, 'message', 2)
        t.call('removeAllListeners', () => client.removeAllListeners('message'))
        t.note('count', client.listenerCount('message'), client.listeners('message').length)
      },
    },
    {
      name: 'emit by the page', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        t.note('emit', client.emit('message', t.topic(), 'x' as never, {} as never), (client.emit as (event: string) => boolean)('nothing'))
        ;(client as unknown as { addListener(event: string, handler: () => void): void }).addListener('message', () => { t.note('added') })
        client.emit('message', t.topic(), 'x' as never, {} as never)
        t.call('setMaxListeners', () => client.setMaxListeners(50))
        t.note('getMaxListeners', client.getMaxListeners())
      },
    },
    {
      name: 'emitted error without handlers', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        t.call('emit', () => client.emit('error', new Error('by the page')))
      },
    },
    {
      name: 'this of a handler', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic())
        client.on('message', function (this: unknown) { t.note('this', this === client) })
        client.publish(t.topic(), 'x')
        await t.seen(client, 'message')
      },
    },
    {
      name: 'connectAsync', on: plain,
      run: async t => {
        const client = await t.mqtt.connectAsync(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 })
        t.watch(client)
        t.note('connected', client.connected, client instanceof t.mqtt.MqttClient)
        await t.outcome('publish', client.publishAsync(t.topic(), 'x', { qos: 1 }))
      },
    },
    {
      name: 'connectAsync by an object', on: ['mosquitto'],
      run: async t => {
        const { hostname, port, pathname } = new URL(t.url)
        const client = await t.mqtt.connectAsync({ protocol: 'ws', hostname, port: Number(port), path: pathname, protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 } as never)
        t.watch(client)
        t.note('connected', client.connected)
      },
    },
    {
      name: 'connectAsync without protocol', on: ['mosquitto'],
      run: async t => { await t.outcome('connectAsync', (async () => t.mqtt.connectAsync('nowhere'))()) },
    },
    {
      name: 'all promises', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        await t.outcome('subscribe', client.subscribeAsync(t.topic(), { qos: 1 }))
        await t.outcome('subscribe many', client.subscribeAsync([t.topic('a'), t.topic('b')]))
        await t.outcome('subscribe a map', client.subscribeAsync({ [t.topic('c')]: { qos: 1 } }))
        await t.outcome('publish', client.publishAsync(t.topic(), 'x', { qos: 1 }))
        await t.outcome('unsubscribe', client.unsubscribeAsync([t.topic('a'), t.topic('b')]))
        await t.seen(client, 'message')
        await t.outcome('end', client.endAsync())
      },
    },
    {
      name: 'chained calls', on: plain,
      run: async t => {
        const client = t.connect()
        const cb = t.cb('publish')
        client.on('connect', () => undefined).subscribe(t.topic(), { qos: 1 }).publish(t.topic(), 'x', cb)
        await cb.called
        await t.seen(client, 'message')
      },
    },
    {
      name: 'outgoingStore given', on: ['scripted'],
      run: async t => {
        const store = new t.mqtt.Store()
        const put = store.put.bind(store)
        const del = store.del.bind(store)
        store.put = (packet, cb) => {
          t.note('put', packet)
          return put(packet, cb)
        }
        store.del = (packet, cb) => {
          t.note('del', packet.messageId !== undefined)
          return del(packet, cb)
        }
        const client = await t.connected({ outgoingStore: store })
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
      },
    },
    {
      name: 'incomingStore given', on: ['scripted'],
      plans: [{ on: ({ cmd, messageId }, connection) => { if (cmd === 'pubrec') connection.send({ cmd: 'pubrel', messageId }) } }],
      run: async t => {
        const store = new t.mqtt.Store()
        const put = store.put.bind(store)
        store.put = (packet, cb) => {
          t.note('put', packet)
          return put(packet, cb)
        }
        const client = await t.connected({ incomingStore: store })
        await t.server.send({ cmd: 'publish', qos: 2, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.seen(client, 'message')
        await t.until(async () => (await t.server.got('pubcomp')).length === 1, 'pubcomp')
      },
    },
    {
      name: 'a store on its own', on: ['mosquitto'],
      run: async t => {
        const store = new t.mqtt.Store()
        await new Promise<void>(resolve => store.put({ cmd: 'publish', messageId: 1, topic: 'a', payload: 'x', qos: 1, dup: false, retain: false }, () => resolve()))
        await new Promise<void>(resolve => store.get({ messageId: 1 } as never, (...args: unknown[]) => {
          t.note('get', ...args)
          resolve()
        }))
        await new Promise<void>(resolve => store.del({ messageId: 1 } as never, (...args: unknown[]) => {
          t.note('del', ...args)
          resolve()
        }))
        await new Promise<void>(resolve => store.get({ messageId: 1 } as never, (...args: unknown[]) => {
          t.note('get again', ...args)
          resolve()
        }))
        store.close(() => t.note('closed'))
      },
    },
    {
      name: 'messageIdProvider given', on: ['scripted'],
      run: async t => {
        const provider = new t.mqtt.UniqueMessageIdProvider()
        const client = await t.connected({ messageIdProvider: provider })
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 1 }, cb)
        t.note('id', client.getLastMessageId() === provider.getLastAllocated(), provider.getLastAllocated())
        await cb.called
      },
    },
    {
      name: 'providers on their own', on: ['mosquitto'],
      run: t => {
        const unique = new t.mqtt.UniqueMessageIdProvider()
        t.note('unique', unique.allocate(), unique.allocate(), unique.getLastAllocated(), unique.register(2), unique.register(7))
        unique.deallocate(1)
        t.note('again', unique.allocate())
        unique.clear()
        t.note('cleared', unique.allocate())
        const standard = new t.mqtt.DefaultMessageIdProvider()
        const first = standard.allocate()!
        t.note('default', standard.allocate() === first % 65535 + 1, standard.getLastAllocated() !== first, standard.register(5))
      },
    },
    {
      name: 'topic alias by hand', on: ['scripted'], plans: [{ connack: { properties: { topicAliasMaximum: 3 } } }],
      run: async t => {
        const client = await t.connected()
        await client.publishAsync(t.topic(), 'x', { qos: 1, properties: { topicAlias: 1 } })
        await client.publishAsync('', 'y', { qos: 1, properties: { topicAlias: 1 } })
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'topic alias beyond the maximum', on: ['scripted'], plans: [{ connack: { properties: { topicAliasMaximum: 3 } } }],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 0, properties: { topicAlias: 9 } }, cb)
        await cb.called
      },
    },
    {
      name: 'topic alias where there is none', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const cb = t.cb('publish')
        client.publish(t.topic(), 'x', { qos: 0, properties: { topicAlias: 1 } }, cb)
        await cb.called
      },
    },
    {
      name: 'autoUseTopicAlias', on: ['scripted'], plans: [{ connack: { properties: { topicAliasMaximum: 3 } } }],
      run: async t => {
        const client = await t.connected({ autoUseTopicAlias: true })
        await client.publishAsync(t.topic(), 'x', { qos: 1, properties: { topicAlias: 1 } })
        await client.publishAsync(t.topic(), 'y', { qos: 1 })
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'autoAssignTopicAlias', on: ['scripted'], plans: [{ connack: { properties: { topicAliasMaximum: 2 } } }],
      run: async t => {
        const client = await t.connected({ autoAssignTopicAlias: true })
        for (const name of ['a', 'b', 'a', 'c', 'b', 'a']) await client.publishAsync(t.topic(name), 'x', { qos: 1 })
        t.wire(await t.server.got('publish'))
      },
    },
    {
      name: 'aliases with a broker', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected({ autoAssignTopicAlias: true })
        await client.subscribeAsync(t.topic('#'), { qos: 1 })
        for (const name of ['a', 'b', 'a', 'b']) await client.publishAsync(t.topic(name), name, { qos: 1 })
        await t.seen(client, 'message', 4)
      },
    },
    {
      name: 'order of packets at connect with what waits', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true })
        const subscribed = t.cb('subscribe')
        client.subscribe(t.topic(), { qos: 1 }, subscribed)
        client.publish(t.topic(), 'zero', t.cb('publish'))
        await subscribed.called
        await t.until(() => t.count(client, 'packetreceive') >= 2, 'suback')
      },
    },
    {
      name: 'order of packets of QoS 1 both ways', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true })
        await t.seen(client, 'connect')
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 3, topic: t.topic(), payload: 'y' })
        await t.seen(client, 'packetsend', 2)
        await t.until(async () => (await t.server.got('puback')).length === 1, 'puback')
      },
    },
    {
      name: 'order of packets of QoS 2 out', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true })
        await t.seen(client, 'connect')
        await client.publishAsync(t.topic(), 'x', { qos: 2 })
      },
    },
    {
      name: 'order of packets of QoS 2 in', on: ['scripted'],
      plans: [{ on: ({ cmd, messageId }, connection) => { if (cmd === 'pubrec') connection.send({ cmd: 'pubrel', messageId }) } }],
      run: async t => {
        const client = t.connect({ packets: true })
        await t.seen(client, 'connect')
        await t.server.send({ cmd: 'publish', qos: 2, messageId: 3, topic: t.topic(), payload: 'y' })
        await t.until(async () => (await t.server.got('pubcomp')).length === 1, 'pubcomp')
      },
    },
    {
      name: 'order of packets after a drop with subscriptions', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true, reconnectPeriod: 300 })
        await t.seen(client, 'connect')
        await client.subscribeAsync([t.topic('a'), t.topic('b')], { qos: 1 })
        await t.server.cut()
        await t.seen(client, 'close')
        client.publish(t.topic(), 'queued')
        await t.seen(client, 'connect', 2)
        await t.until(async () => (await t.server.got('subscribe')).length >= 1 && (await t.server.got('publish')).length === 1, 'what waited')
        await t.sleep(50)
      },
    },
    {
      name: 'pingreq is seen by pages', on: ['scripted'],
      run: async t => {
        const client = t.connect({ packets: true, keepalive: 1 })
        await t.seen(client, 'connect')
        await t.until(async () => (await t.server.got('pingreq')).length === 1, 'ping')
        await t.until(() => t.count(client, 'packetreceive') === 2, 'answer')
      },
    },
    {
      name: 'sendPing by the page', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        t.call('sendPing', () => client.sendPing())
        await t.until(async () => (await t.server.got('pingreq')).length === 1, 'ping')
      },
    },
    {
      name: 'two clients side by side', on: plain,
      run: async t => {
        const [one, two] = await Promise.all([t.connected({ as: 'one' }), t.connected({ as: 'two' })])
        await Promise.all([one.subscribeAsync(t.topic('one'), { qos: 1 }), two.subscribeAsync(t.topic('two'), { qos: 1 })])
        await Promise.all([one.publishAsync(t.topic('two'), 'of one', { qos: 1 }), two.publishAsync(t.topic('one'), 'of two', { qos: 1 })])
        await t.seen(one, 'message')
        await t.seen(two, 'message')
        await one.endAsync()
        t.note('two', two.connected)
      },
    },
    {
      name: 'request and response', on: plain,
      run: async t => {
        const [asks, answers] = [await t.connected({ as: 'asks' }), await t.connected({ as: 'answers' })]
        await answers.subscribeAsync(t.topic('requests'), { qos: 1 })
        await asks.subscribeAsync(t.topic('responses'), { qos: 1 })
        answers.on('message', (_, payload, { properties }) => {
          answers.publish(properties!.responseTopic!, `re: ${payload.toString()}`, { qos: 1, properties: { correlationData: properties!.correlationData! } })
        })
        asks.publish(t.topic('requests'), 'what', { qos: 1, properties: { responseTopic: t.topic('responses'), correlationData: new TextEncoder().encode('7') as never } })
        await t.seen(asks, 'message')
      },
    },
    {
      name: 'timerVariant native', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ timerVariant: 'native', keepalive: 1 })
        await t.until(async () => (await t.server.got('pingreq')).length === 1, 'ping')
        t.note('connected', client.connected)
      },
    },
    {
      name: 'a message that expired while away', on: ['gateway'],
      run: async t => {
        const options = { clean: false, clientId: t.id('s'), properties: { sessionExpiryInterval: 60 } }
        const first = await t.connected({ as: 'first', ...options })
        await first.subscribeAsync(t.topic(), { qos: 1 })
        await first.endAsync()
        const peer = await t.connected({ as: 'peer' })
        await peer.publishAsync(t.topic(), 'expires', { qos: 1, properties: { messageExpiryInterval: 1 } })
        await peer.publishAsync(t.topic(), 'stays', { qos: 1 })
        await t.sleep(1200)
        const second = await t.connected({ as: 'second', apart: ['message'], ...options })
        await t.seen(second, 'message')
      },
    },
  ],
}
