/** WebSockets that do not open. */
import { plain, type Theme } from '../types'

export const handshake: Theme = {
  name: 'handshake',
  scenarios: [
    {
      name: 'handshake refused with 403, then better', on: ['scripted'], plans: [{ upgrade: 403 }, { upgrade: 403 }, {}],
      run: async t => {
        const client = t.connect()
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'handshake refused with reconnectPeriod 0', on: ['scripted'], plans: [{ upgrade: 403 }],
      run: async t => {
        const client = t.connect({ reconnectPeriod: 0 })
        await t.seen(client, 'close')
        await t.sleep(100)
        t.note('after', client.connected, client.reconnecting, await t.server.connections())
      },
    },
    {
      name: 'bad signature', on: ['gateway', 'aws'],
      run: async t => {
        const client = t.connect({ reconnectPeriod: 250, transformWsUrl: () => t.badUrl })
        await t.seen(client, 'close', 3)
      },
    },
    {
      name: 'bad signature, then a good one', on: ['gateway', 'aws'],
      run: async t => {
        let calls = 0
        const client = t.connect({ transformWsUrl: () => calls++ ? t.url : t.badUrl })
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'dead port', on: ['mosquitto'],
      run: async t => {
        await t.server.refuse()
        const client = t.connect({ reconnectPeriod: 250 })
        await t.seen(client, 'close', 3)
        t.note('while away', client.connected, client.reconnecting)
      },
    },
    {
      name: 'dead port that comes to life', on: plain,
      run: async t => {
        await t.server.refuse()
        const client = t.connect({ reconnectPeriod: 600 })
        await t.seen(client, 'close')
        await t.server.accept()
        await t.seen(client, 'connect')
      },
    },
    {
      name: 'connectAsync without retries to 403', on: ['scripted'], plans: [{ upgrade: 403 }],
      run: async t => { await t.outcome('connectAsync', t.mqtt.connectAsync(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 }, false)) },
    },
    {
      name: 'connectAsync with retries to 403', on: ['scripted'], plans: [{ upgrade: 403 }, {}],
      run: async t => {
        const client = t.mqtt.connectAsync(t.url, { protocolVersion: 5, clientId: t.id(), reconnectPeriod: 60 })
        await t.outcome('connectAsync', client)
        await (await client).endAsync(true)
      },
    },
    {
      name: 'offline is told once per outage', on: ['scripted'], plans: [{}, { upgrade: 503 }, { upgrade: 503 }, { upgrade: 503 }, {}],
      run: async t => {
        const client = await t.connected()
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'servers are tried in turn', on: ['mosquitto'],
      run: async t => {
        const { hostname, port } = new URL(t.url)
        const client = t.connect({ servers: [{ host: hostname, port: 1, protocol: 'ws' }, { host: hostname, port: Number(port), protocol: 'ws' }] })
        await t.seen(client, 'connect')
      },
    },
  ],
}
