/** Connections that do not come about, because the server refuses them or does not answer. */
import type { Plan } from '../../scripted-server.mjs'
import type { Scenario, Theme } from '../types'

/** Every reason code of CONNACK. */
const codes = [128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 140, 144, 149, 151, 153, 154, 155, 156, 157, 159]

const refusedBy = (reasonCode: number): Scenario => ({
  name: `refused with ${reasonCode}`, on: ['scripted'],
  plans: [{ connack: { reasonCode, properties: { reasonString: 'no' } } }],
  run: async t => {
    const client = t.connect()
    client.on('error', e => t.note('kind', e instanceof Error, e instanceof t.mqtt.ErrorWithReasonCode, (e as { code?: number }).code))
    await t.seen(client, 'close')
    await t.sleep(150)
    t.note('after', client.connected, client.reconnecting, client.disconnecting, await t.server.connections())
  },
})

/** The server answers late, or never, and with what. */
const onConnect = (...packets: object[]): Plan => ({
  connack: false, on: (packet, connection) => { if (packet.cmd === 'connect') connection.send(...packets) },
})

export const refused: Theme = {
  name: 'refused',
  scenarios: [
    ...codes.map(refusedBy),
    {
      name: 'refused again and again with reconnectOnConnackError', on: ['scripted'], plans: [{ connack: { reasonCode: 137 } }],
      run: async t => { await t.seen(t.connect({ reconnectOnConnackError: true }), 'reconnect', 2) },
    },
    {
      name: 'refused once with reconnectOnConnackError', on: ['scripted'], plans: [{ connack: { reasonCode: 136 } }, {}],
      run: async t => { await t.seen(t.connect({ reconnectOnConnackError: true }), 'connect') },
    },
    {
      name: 'refused after a drop', on: ['scripted'], plans: [{}, { connack: { reasonCode: 135 } }],
      run: async t => {
        const client = await t.connected()
        await t.server.cut()
        await t.seen(client, 'close', 2)
        await t.sleep(150)
        t.note('after', client.connected, client.reconnecting, await t.server.connections())
      },
    },
    {
      name: 'refused, then reconnect()', on: ['scripted'], plans: [{ connack: { reasonCode: 136 } }, {}],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'close')
        client.reconnect()
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'refused, then end', on: ['scripted'], plans: [{ connack: { reasonCode: 135 } }],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'close')
        const ended = t.cb('end')
        client.end(ended)
        await ended.called
      },
    },
    {
      name: 'refused, with what waits', on: ['scripted'], plans: [{ connack: { reasonCode: 135 } }],
      run: async t => {
        const client = t.connect()
        client.publish(t.topic(), 'a', t.cb('publish 0'))
        client.publish(t.topic(), 'b', { qos: 1 }, t.cb('publish 1'))
        client.subscribe(t.topic(), t.cb('subscribe'))
        await t.seen(client, 'close')
        await t.sleep(100)
      },
    },
    {
      name: 'refused with reconnectPeriod 0', on: ['scripted'], plans: [{ connack: { reasonCode: 135 } }],
      run: async t => {
        const client = t.connect({ reconnectPeriod: 0 })
        await t.seen(client, 'close')
        await t.sleep(100)
      },
    },
    {
      name: 'refused by the server for its password', on: ['mosquitto'],
      run: async t => {
        const client = t.connect({ username: 'somebody', password: 'wrong' })
        await t.seen(client, 'close')
        await t.sleep(100)
      },
    },
    {
      name: 'refused by the server for its policy', on: ['gateway', 'aws'],
      run: async t => {
        const client = t.connect({ clientId: t.id('refused') })
        await t.seen(client, 'close')
        await t.sleep(100)
      },
    },
    {
      name: 'an error handler is not needed', on: ['scripted'], plans: [{ connack: { reasonCode: 135 } }],
      run: async t => {
        const client = t.mqtt.connect(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 })
        t.after(() => client.end(true))
        let closed = 0
        client.on('close', () => { closed++ })
        await t.until(() => closed === 1, 'close')
        t.note('listeners', client.listenerCount('error'))
      },
    },
    {
      name: 'connectTimeout', on: ['scripted'], plans: [{ connack: false }],
      run: async t => {
        const client = t.connect({ connectTimeout: 150 })
        await t.seen(client, 'reconnect')
      },
    },
    {
      name: 'connectTimeout, then better', on: ['scripted'], plans: [{ connack: false }, {}],
      run: async t => {
        const client = t.connect({ connectTimeout: 900 })
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'connectTimeout with reconnectPeriod 0', on: ['scripted'], plans: [{ connack: false }],
      run: async t => {
        const client = t.connect({ connectTimeout: 150, reconnectPeriod: 0 })
        await t.seen(client, 'close')
        await t.sleep(100)
        t.note('after', client.connected, client.reconnecting)
      },
    },
    {
      name: 'cut before CONNACK', on: ['scripted'],
      plans: [{ connack: false, on: (_, connection) => { connection.cut() } }, {}],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'CONNACK twice', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
        await t.seen(client, 'error')
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'a server that says DISCONNECT before CONNACK', on: ['scripted'],
      plans: [{ connack: false, on: (_, connection) => {
        connection.send({ cmd: 'disconnect', reasonCode: 137 })
        setTimeout(() => connection.cut(), 20)
      } }, {}],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'AUTH that was not asked for', on: ['scripted'], plans: [onConnect({ cmd: 'auth', reasonCode: 24, properties: { authenticationMethod: 'm' } }), {}],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'error')
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'authenticationData without method', on: ['scripted'],
      run: async t => {
        const client = t.connect({ properties: { authenticationData: new Uint8Array([1]) as never } })
        await t.seen(client, 'error')
      },
    },
    {
      name: 'connectAsync refused', on: ['scripted'], plans: [{ connack: { reasonCode: 135 } }],
      run: async t => { await t.outcome('connectAsync', t.mqtt.connectAsync(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 })) },
    },
    {
      name: 'connectAsync that times out', on: ['scripted'], plans: [{ connack: false }],
      run: async t => { await t.outcome('connectAsync', t.mqtt.connectAsync(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60, connectTimeout: 150 })) },
    },
  ],
}
