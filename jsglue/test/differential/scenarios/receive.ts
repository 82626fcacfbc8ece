/** What a page is told of messages that come. */
import { plain, type Run, type Theme } from '../types'

const from = (name: string, packet: object, more: object[] = []) => ({
  name, on: ['scripted'] as const,
  run: async (t: Run) => {
    const client = await t.connected({ properties: { topicAliasMaximum: 5 } })
    await t.server.send({ cmd: 'publish', qos: 0, topic: t.topic(), payload: 'x', ...packet }, ...more.map(m => ({ cmd: 'publish', qos: 0, payload: 'x', ...m })))
    await t.seen(client, 'message', 1 + more.length)
  },
})

export const receive: Theme = {
  name: 'receive',
  scenarios: [
    {
      name: 'order of many', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('#'), { qos: 1 })
        for (let i = 0; i < 30; i++) client.publish(t.topic(`n${i % 3}`), String(i), { qos: 1 })
        await t.seen(client, 'message', 30)
      },
    },
    {
      name: 'what a payload can do', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.on('message', (topic, payload) => {
          t.note('text', payload.toString(), String(payload), `${payload}`, payload.toString('utf8'))
          t.note('hex', payload.toString('hex'), payload.toString('base64'))
          t.note('parsed', JSON.parse(payload as never), typeof topic)
          t.note('as bytes', payload.length, payload[0], payload instanceof Uint8Array, payload.byteLength)
          t.note('decoded', new TextDecoder().decode(payload))
        })
        client.publish(t.topic(), '{"a":"ü"}', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'further ways of a payload', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.on('message', (_, payload) => {
          t.note('latin1', payload.toString('latin1'), payload.toString('ascii').length, payload.toString('utf-8'))
          t.note('part', payload.toString('utf8', 1, 4), payload.slice(0, 2), payload.subarray(1, 3))
          t.note('concatenated', 'payload: ' + payload)
          t.note('json', JSON.stringify(payload))
          t.note('slice text', payload.slice(1).toString(), payload.subarray(0, 2).toString())
          t.call('equals', () => payload.equals(payload))
          t.call('readUInt16BE', () => payload.readUInt16BE(0))
          t.call('includes', () => payload.includes(104))
          t.call('indexOf', () => payload.indexOf(108))
        })
        client.publish(t.topic(), 'hello', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'payload that is no text', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.on('message', (_, payload) => t.note('text', payload.toString(), payload.toString('hex')))
        client.publish(t.topic(), new Uint8Array([0, 255, 195, 40, 65]) as never, { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'payload with a byte order mark', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.on('message', (_, payload) => t.note('text', payload.toString(), payload.toString().length))
        client.publish(t.topic(), '\ufeffx', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'arguments are the packet’s', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        client.on('message', (topic, payload, packet) => t.note('same', topic === packet.topic, payload === packet.payload))
        client.publish(t.topic(), 'x', { qos: 1 })
        await t.seen(client, 'message')
      },
    },
    {
      name: 'overlapping subscriptions', on: plain,
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('#'), { qos: 0 })
        await client.subscribeAsync(t.topic('a'), { qos: 0 })
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await client.publishAsync(t.topic('last'), 'x', { qos: 1 })
        await t.until(() => t.count(client, 'message') >= 2, 'messages')
        await t.sleep(50)
      },
    },
    {
      name: 'overlapping subscriptions with identifiers', on: ['gateway'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic('#'), { qos: 0, properties: { subscriptionIdentifier: 1 } })
        await client.subscribeAsync(t.topic('a'), { qos: 0, properties: { subscriptionIdentifier: 2 } })
        await client.publishAsync(t.topic('a'), 'x', { qos: 1 })
        await client.publishAsync(t.topic('last'), 'x', { qos: 1 })
        await t.until(() => t.count(client, 'message') >= 2, 'messages')
        await t.sleep(50)
      },
    },
    from('message with dup and retain', { qos: 1, messageId: 9, dup: true, retain: true }),
    from('message with properties', { properties: { payloadFormatIndicator: true, messageExpiryInterval: 5, responseTopic: 'r', contentType: 'c', userProperties: { a: 'b', m: ['1', '2'] }, subscriptionIdentifier: 4 } }),
    from('message with several subscription identifiers', { properties: { subscriptionIdentifier: [4, 5] } }),
    from('empty message', { payload: '' }),
    from('message with an alias', { properties: { topicAlias: 2 } }, [{ topic: '', properties: { topicAlias: 2 } }, { topic: '', properties: { topicAlias: 2 } }]),
    {
      name: 'an alias that is changed', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ properties: { topicAliasMaximum: 5 } })
        const [a, b] = [t.topic('a'), t.topic('b')]
        await t.server.send(...[a, '', b, ''].map(topic => ({ cmd: 'publish', qos: 0, topic, payload: 'x', properties: { topicAlias: 1 } })))
        await t.seen(client, 'message', 4)
      },
    },
    ...([['not asked for', {}, 't', 1], ['unknown', { topicAliasMaximum: 5 }, '', 3], ['too high', { topicAliasMaximum: 5 }, 't', 6]] as const).map(([kind, properties, topic, topicAlias]) => ({
      name: `an alias that is ${kind}`, on: ['scripted'] as const,
      run: async (t: Run) => {
        const client = await t.connected({ properties })
        await t.server.send({ cmd: 'publish', qos: 0, topic, payload: 'x', properties: { topicAlias } })
        await t.seen(client, 'error')
        await t.seen(client, 'connect', 2)
      },
    })),
    {
      name: 'aliases are forgotten at a drop', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ properties: { topicAliasMaximum: 5 } })
        await t.server.send({ cmd: 'publish', qos: 0, topic: t.topic(), payload: 'x', properties: { topicAlias: 1 } })
        await t.seen(client, 'message')
        await t.server.cut()
        await t.seen(client, 'connect', 2)
        await t.server.send({ cmd: 'publish', qos: 0, topic: '', payload: 'y', properties: { topicAlias: 1 } })
        await t.seen(client, 'connect', 3)
      },
    },
    {
      name: 'QoS 1 is acknowledged', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.seen(client, 'message')
        await t.until(async () => (await t.server.got('puback')).length === 1, 'puback')
        t.wire(await t.server.got('puback'))
      },
    },
    {
      name: 'QoS 2 is acknowledged', on: ['scripted'],
      plans: [{ on: ({ cmd, messageId }, connection) => { if (cmd === 'pubrec') connection.send({ cmd: 'pubrel', messageId }) } }],
      run: async t => {
        await t.connected()
        await t.server.send({ cmd: 'publish', qos: 2, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.until(async () => (await t.server.got('pubcomp')).length === 1, 'pubcomp')
        t.wire(await t.server.got('pubrec'))
        t.wire(await t.server.got('pubcomp'))
      },
    },
    {
      name: 'QoS 2 before PUBREL', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'publish', qos: 2, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.until(async () => (await t.server.got('pubrec')).length === 1, 'pubrec')
        await t.sleep(30)
        t.note('messages', t.count(client, 'message'))
      },
    },
    {
      name: 'QoS 2 twice before PUBREL', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const packet = { cmd: 'publish', qos: 2, messageId: 9, topic: t.topic(), payload: 'x' }
        await t.server.send(packet, { ...packet, dup: true })
        await t.until(async () => (await t.server.got('pubrec')).length === 2, 'pubrec')
        await t.server.send({ cmd: 'pubrel', messageId: 9 })
        await t.until(async () => (await t.server.got('pubcomp')).length === 1, 'pubcomp')
        t.note('messages', t.count(client, 'message'))
      },
    },
    {
      name: 'QoS 1 twice', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        const packet = { cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' }
        await t.server.send(packet, { ...packet, dup: true })
        await t.seen(client, 'message', 2)
        await t.until(async () => (await t.server.got('puback')).length === 2, 'puback')
      },
    },
    {
      name: 'messages in the batch of CONNACK', on: ['scripted'],
      plans: [{ connack: false, on: ({ cmd }, connection) => {
        if (cmd !== 'connect') return
        connection.send({ cmd: 'connack', reasonCode: 0, sessionPresent: true }, { cmd: 'publish', qos: 0, topic: 'stored', payload: '1' }, { cmd: 'publish', qos: 1, messageId: 1, topic: 'stored', payload: '2' })
      } }],
      run: async t => {
        const client = await t.connected({ clean: false, apart: ['message'] })
        await t.seen(client, 'message', 2)
      },
    },
    {
      name: 'handleMessage', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        client.handleMessage = (packet, done) => {
          t.note('handleMessage', packet)
          setTimeout(done, 20)
        }
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' }, { cmd: 'publish', qos: 0, topic: t.topic(), payload: 'y' })
        await t.seen(client, 'message', 2)
        await t.until(async () => (await t.server.got('puback')).length === 1, 'puback')
      },
    },
    {
      name: 'handleMessage with an error', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        client.handleMessage = (_, done) => done(new Error('by the page'))
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.seen(client, 'message')
        await t.sleep(60)
        t.note('still', client.connected)
        t.wire(await t.server.got('puback'))
      },
    },
    {
      name: 'customHandleAcks', on: ['scripted'],
      run: async t => {
        await t.connected({ customHandleAcks: (topic, message, packet, done) => {
          t.note('customHandleAcks', topic, message, packet)
          done(0)
        } })
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.until(async () => (await t.server.got('puback')).length === 1, 'puback')
        t.wire(await t.server.got('puback'))
      },
    },
    {
      name: 'customHandleAcks with a code', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ customHandleAcks: (_topic, _message, _packet, done) => done(null as never, 135) })
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.until(async () => (await t.server.got('puback')).length === 1, 'puback')
        t.wire(await t.server.got('puback'))
        t.note('messages', t.count(client, 'message'))
      },
    },
    {
      name: 'customHandleAcks with an error', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ customHandleAcks: (_topic, _message, _packet, done) => done(new Error('by the page')) })
        await t.server.send({ cmd: 'publish', qos: 1, messageId: 9, topic: t.topic(), payload: 'x' })
        await t.seen(client, 'error')
      },
    },
    {
      name: 'a shadow of AWS', on: ['aws'],
      run: async t => {
        const client = await t.connected()
        const update = `$aws/things/${t.id('thing')}/shadow/update`
        await client.subscribeAsync([`${update}/accepted`], { qos: 1 })
        client.on('message', (_, payload) => t.note('version', (JSON.parse(payload.toString()) as { version: number }).version))
        client.publish(update, '{"state":{"reported":{"on":true}}}', { qos: 1 }, t.cb('publish'))
        await t.until(() => t.count(client, 'message') > 0, 'message')
      },
    },
    {
      name: 'message to a client that ends in its handler', on: ['mosquitto'],
      run: async t => {
        const client = await t.connected()
        await client.subscribeAsync(t.topic(), { qos: 1 })
        const cb = t.cb('end')
        client.on('message', () => { client.end(cb) })
        client.publish(t.topic(), 'x', { qos: 0 })
        await cb.called
      },
    },
  ],
}
