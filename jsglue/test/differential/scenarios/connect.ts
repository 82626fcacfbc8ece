/** How a page asks for a connection, and what it is told when it has one. */
import { plain, type Run, type Theme } from '../types'

export const connect: Theme = {
  name: 'connect',
  scenarios: [
    {
      name: 'connect by url and options', on: plain,
      run: async t => { await t.connected() },
    },
    {
      name: 'connect by an object', on: ['mosquitto'],
      run: async t => {
        const { hostname, port, pathname } = new URL(t.url)
        const client = t.watch(t.mqtt.connect({ protocol: 'ws', hostname, port: Number(port), path: pathname, protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 }))
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'connect by an object with host', on: ['mosquitto'],
      run: async t => {
        const { hostname, port, pathname } = new URL(t.url)
        const client = t.watch(t.mqtt.connect({ protocol: 'ws', host: hostname, port: Number(port), path: pathname, protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 }))
        await t.seen(client, 'connect')
        t.note('host', client.options.host, client.options.hostname, client.options.path, client.options.protocol)
      },
    },
    {
      name: 'connect by url alone', on: plain,
      run: async t => {
        const client = t.watch(t.mqtt.connect(t.url))
        await t.seen(client, 'connect')
        t.note('clientId', client.options.clientId)
        t.note('options', client.options.keepalive, client.options.reconnectPeriod, client.options.clean, client.options.resubscribe, client.options.connectTimeout, client.options.protocolId)
      },
    },
    {
      name: 'options that connect fills in', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        const { protocol, path, host, port, hostname, query, keepalive, reschedulePings, protocolId, protocolVersion, connectTimeout, clean, resubscribe, subscribeBatchSize, writeCache, timerVariant } = client.options
        t.note('options', { protocol, path, host, port: typeof port, hostname, query, keepalive, reschedulePings, protocolId, protocolVersion, connectTimeout, clean, resubscribe, subscribeBatchSize, writeCache, timerVariant })
      },
    },
    {
      name: 'options are a copy of those given with a url', on: ['mosquitto'],
      run: async t => {
        const options = { protocolVersion: 5 as const, clientId: t.id(), reconnectPeriod: 60 }
        const client = t.watch(t.mqtt.connect(t.url, options))
        await t.seen(client, 'connect')
        t.note('options', options, client.options === options)
      },
    },
    {
      name: 'clientId in the url', on: ['mosquitto'],
      run: async t => {
        const client = t.watch(t.mqtt.connect(`${t.url}?clientId=${t.id('in-url')}`, { protocolVersion: 5, clientId: t.id('in-options'), reconnectPeriod: 60 }))
        await t.seen(client, 'connect')
        t.note('clientId', client.options.clientId)
      },
    },
    {
      name: 'user and password in the url', on: ['mosquitto'],
      run: async t => {
        const client = t.watch(t.mqtt.connect(t.url.replace('ws://', 'ws://somebody:secret@'), { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 }))
        await t.seen(client, 'connect')
        t.note('options', client.options.username, client.options.password, client.options.host)
      },
    },
    {
      name: 'user in the url', on: ['scripted'],
      run: async t => {
        const client = t.watch(t.mqtt.connect(t.url.replace('ws://', 'ws://somebody@'), { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 }))
        await t.seen(client, 'connect')
        t.note('options', client.options.username, client.options.password)
        t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'user and password as options', on: ['mosquitto', 'scripted'],
      run: async t => {
        await t.connected({ username: 'somebody', password: 'secret' })
        if (t.on === 'scripted') t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'missing protocol', on: ['mosquitto'],
      run: t => {
        t.call('no protocol', () => t.mqtt.connect('127.0.0.1/mqtt', {}))
        t.call('nothing', () => t.mqtt.connect('localhost', { reconnectPeriod: 0 }))
      },
    },
    {
      name: 'unclean without clientId', on: ['mosquitto'],
      run: t => { t.call('connect', () => t.mqtt.connect(t.url, { clean: false })) },
    },
    {
      name: 'connect returns a client at once', on: plain,
      run: async t => {
        const client = t.connect()
        t.note('at once', client.connected, client.reconnecting, client.disconnecting, client.disconnected)
        t.note('instance', client instanceof t.mqtt.MqttClient, client instanceof t.mqtt.Client)
        await t.seen(client, 'connect')
        t.note('connected', client.connected, client.reconnecting, client.disconnecting, client.disconnected)
      },
    },
    {
      name: 'state within the connect handler', on: plain,
      run: async t => {
        const client = t.connect()
        client.on('connect', function (this: unknown) { t.note('connect', client.connected, client.reconnecting, this === client) })
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'keepalive of the options', on: [...plain, 'scripted'],
      run: async t => {
        const client = await t.connected({ keepalive: 33 })
        t.note('keepalive', client.keepalive, client.options.keepalive)
        if (t.on === 'scripted') t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'keepalive 0', on: plain,
      run: async t => {
        const client = await t.connected({ keepalive: 0 })
        t.note('keepalive', client.keepalive)
      },
    },
    {
      name: 'serverKeepAlive wins', on: ['scripted'],
      plans: [{ connack: { properties: { serverKeepAlive: 17 } } }],
      run: async t => {
        const client = await t.connected({ keepalive: 60 })
        t.note('keepalive', client.keepalive, client.options.keepalive)
      },
    },
    {
      name: 'every property of CONNACK', on: ['scripted'],
      plans: [{ connack: { properties: {
        sessionExpiryInterval: 100, receiveMaximum: 20, maximumQoS: 1, retainAvailable: true, maximumPacketSize: 100000, assignedClientIdentifier: 'assigned',
        topicAliasMaximum: 5, reasonString: 'welcome', userProperties: { one: '1', many: ['a', 'b'] }, wildcardSubscriptionAvailable: true, subscriptionIdentifiersAvailable: true,
        sharedSubscriptionAvailable: false, serverKeepAlive: 99, responseInformation: 'answers', serverReference: 'other',
      } } }],
      run: async t => {
        const client = await t.connected({ packets: true })
        t.note('serverProperties', client.serverProperties)
      },
    },
    {
      name: 'CONNACK without properties', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        t.note('serverProperties', client.serverProperties)
      },
    },
    {
      name: 'sessionPresent is told', on: ['scripted'],
      plans: [{ connack: { sessionPresent: true } }],
      run: async t => { await t.connected({ clean: false }) },
    },
    {
      name: 'assigned client identifier', on: plain,
      run: async t => {
        const client = await t.connected({ clientId: '' })
        t.note('clientId', client.options.clientId, typeof client.serverProperties?.assignedClientIdentifier)
      },
    },
    {
      name: 'every property of CONNECT', on: ['scripted'],
      run: async t => {
        await t.connected({ properties: {
          sessionExpiryInterval: 300, receiveMaximum: 50, maximumPacketSize: 20000, topicAliasMaximum: 7, requestResponseInformation: true, requestProblemInformation: true,
          userProperties: { who: 'page', many: ['a', 'b'] },
        } })
        t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'CONNECT without properties', on: ['scripted'],
      run: async t => {
        await t.connected()
        t.wire(await t.server.got('connect'))
        t.note('subprotocol', await t.server.subprotocol())
      },
    },
    {
      name: 'will on the wire', on: ['scripted'],
      run: async t => {
        await t.connected({ will: { topic: t.topic('will'), payload: 'gone' as never, qos: 1, retain: true } })
        t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'will with every property on the wire', on: ['scripted'],
      run: async t => {
        await t.connected({ will: {
          topic: t.topic('will'), payload: new Uint8Array([0, 1, 255]) as never, qos: 2, retain: false,
          properties: {
            willDelayInterval: 3, payloadFormatIndicator: false, messageExpiryInterval: 60, contentType: 'text/plain', responseTopic: t.topic('answers'),
            correlationData: new Uint8Array([1, 2, 3]) as never, userProperties: { a: 'b' },
          },
        } })
        t.wire(await t.server.got('connect'))
      },
    },
    {
      name: 'will is sent after a drop', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic('will'), { qos: 1 })
        const client = t.connect({ as: 'quiet', reconnectPeriod: 0, will: {
          topic: t.topic('will'), payload: 'gone' as never, qos: 1, retain: false,
          properties: { contentType: 'text/plain', userProperties: { a: 'b' }, payloadFormatIndicator: true, responseTopic: t.topic('answers'), correlationData: new TextEncoder().encode('id') as never },
        } })
        await t.seen(client, 'connect')
        client.end(true)
        await t.seen(peer, 'message')
        await t.seen(client, 'end')
      },
    },
    {
      name: 'no will after end', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic('#'), { qos: 1 })
        const client = await t.connected({ will: { topic: t.topic('will'), payload: 'gone' as never, qos: 1, retain: false } })
        await client.endAsync()
        await peer.publishAsync(t.topic('last'), 'last', { qos: 1 })
        await t.seen(peer, 'message')
      },
    },
    {
      name: 'will of end with reason 4', on: plain,
      run: async t => {
        const peer = await t.connected({ as: 'peer' })
        await peer.subscribeAsync(t.topic('will'), { qos: 1 })
        const client = await t.connected({ will: { topic: t.topic('will'), payload: 'gone' as never, qos: 1, retain: false } })
        await client.endAsync(false, { reasonCode: 4 })
        await t.seen(peer, 'message')
      },
    },
    {
      name: 'session is present again', on: plain,
      run: async t => {
        const options = { clean: false, clientId: t.id('s'), properties: { sessionExpiryInterval: 60 } }
        const first = await t.connected({ as: 'first', ...options })
        await first.subscribeAsync(t.topic('x'), { qos: 1 })
        await first.endAsync()
        const peer = await t.connected({ as: 'peer' })
        await peer.publishAsync(t.topic('x'), 'while away', { qos: 1 })
        const second = await t.connected({ as: 'second', apart: ['message'], ...options })
        await t.seen(second, 'message')
        second.unsubscribe(t.topic('x'))
      },
    },
    {
      name: 'a clean client with a session has a new one after a drop', on: plain,
      run: async t => {
        const client = await t.connected({ clean: true, properties: { sessionExpiryInterval: 60 } })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'an unclean client has its session after a drop', on: plain,
      run: async t => {
        const client = await t.connected({ clean: false, properties: { sessionExpiryInterval: 60 } })
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'a clean client ends the session', on: plain,
      run: async t => {
        const options = { clientId: t.id('s'), properties: { sessionExpiryInterval: 60 } }
        const first = await t.connected({ as: 'first', ...options, clean: false })
        await first.endAsync()
        const second = await t.connected({ as: 'second', ...options, clean: true })
        await second.endAsync()
      },
    },
    ...([4, 3] as const).map(protocolVersion => ({
      name: `protocolVersion ${protocolVersion}`, on: protocolVersion === 4 ? plain : ['mosquitto'] as const, // the gateway has no 3
      run: async (t: Run) => {
        const client = await t.connected(protocolVersion === 4 ? { protocolVersion } : { protocolVersion, protocolId: 'MQIsdp' })
        const [subscribed, published] = [t.cb('subscribe'), t.cb('publish')]
        client.subscribe(t.topic(), { qos: 1 }, subscribed)
        await subscribed.called
        client.publish(t.topic(), 'hello', { qos: 1 }, published)
        await t.seen(client, 'message')
        await published.called
        const ended = t.cb('end')
        client.end(ended)
        await ended.called
      },
    })),
    {
      name: 'manualConnect waits for connect()', on: plain,
      run: async t => {
        const client = t.connect({ manualConnect: true, packets: true })
        await t.sleep(60)
        t.note('before', client.connected, await t.server.connections())
        t.call('connect', () => client.connect())
        await t.seen(client, 'connect')
        const ended = t.cb('end')
        client.end(ended)
        await ended.called
      },
    },
    {
      name: 'createWebsocket makes the socket', on: plain,
      run: async t => {
        const client = await t.connected({ createWebsocket: (url: string, protocols: string[], options: { clientId?: string }) => {
          t.note('createWebsocket', url, protocols, options.clientId)
          return new WebSocket(url, protocols)
        } })
        await client.endAsync()
      },
    },
    {
      name: 'transformWsUrl is called for each attempt', on: plain,
      run: async t => {
        let calls = 0
        const client = t.connect({ transformWsUrl: (url, options, of) => {
          t.note('transformWsUrl', url, options.clientId, of instanceof t.mqtt.MqttClient, ++calls)
          return t.url
        } })
        await t.seen(client, 'connect')
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'transformWsUrl changes the user name', on: ['scripted'],
      run: async t => {
        let calls = 0
        const client = t.connect({ username: 'first', transformWsUrl: (url, options) => {
          options.username = `user ${++calls}`
          options.password = `password ${calls}`
          return `${url}?attempt=${calls}`
        } })
        await t.seen(client, 'connect')
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        t.wire(await t.server.got('connect', 0))
        t.wire(await t.server.got('connect', 1))
        t.note('options', client.options.username)
      },
    },
    {
      name: 'transformWsUrl changes the client identifier', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ transformWsUrl: (url, options) => {
          options.clientId = t.id('changed')
          return url
        } })
        t.wire(await t.server.got('connect'))
        t.note('clientId', client.options.clientId)
      },
    },
    {
      name: 'transformWsUrl that throws', on: ['scripted'],
      run: async t => {
        t.call('connect', () => t.mqtt.connect(t.url, { reconnectPeriod: 0, transformWsUrl: () => { throw new Error('no url') } }))
        await t.sleep(50)
      },
    },
    {
      name: 'log is called', on: ['mosquitto'],
      run: async t => {
        let lines = 0
        const client = await t.connected({ log: () => { lines++ } })
        t.note('lines', lines > 0)
        const before = lines
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        t.note('more', lines > before)
      },
    },
  ],
}
