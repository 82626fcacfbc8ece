/** Connections that end though nobody asked for it. */
import { plain, type Scenario, type Theme } from '../types'

/** Every reason code which a server may give in DISCONNECT. */
const codes = [0, 128, 129, 130, 131, 135, 137, 139, 141, 142, 143, 144, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162]

const kickedWith = (reasonCode: number): Scenario => ({
  name: `kicked with ${reasonCode}`, on: ['gateway', 'scripted'],
  run: async t => {
    const client = await t.connected()
    await t.server.kick(t.id(), reasonCode)
    await t.seen(client, 'connect', 2)
  },
})

export const drops: Theme = {
  name: 'drops',
  scenarios: [
    ...codes.map(kickedWith),
    {
      name: 'drop and return', on: [...plain, 'aws'],
      run: async t => {
        const client = await t.connected()
        client.on('offline', () => t.note('offline', client.connected, client.reconnecting))
        client.on('close', () => t.note('close', client.connected, client.reconnecting))
        client.on('reconnect', () => t.note('reconnect', client.connected, client.reconnecting))
        client.on('connect', () => t.note('connect', client.connected, client.reconnecting))
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'drop thrice', on: plain,
      run: async t => {
        const client = await t.connected()
        for (let i = 2; i <= 4; i++) {
          await t.server.cut()
          await t.seen(client, 'connect', i)
        }
      },
    },
    {
      name: 'drop with packets', on: plain,
      run: async t => {
        const client = t.connect({ packets: true })
        await t.seen(client, 'connect')
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'drop with reconnectPeriod 0', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        await t.server.cut()
        await t.seen(client, 'close')
        await t.sleep(120)
        t.note('after', client.connected, client.reconnecting, client.disconnected, await t.server.connections())
      },
    },
    {
      name: 'drop with reconnectPeriod 0, then reconnect()', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        await t.server.cut()
        await t.seen(client, 'close')
        t.call('reconnect', () => client.reconnect())
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'kicked with a reason and properties', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ packets: true })
        await t.server.send({ cmd: 'disconnect', reasonCode: 157, properties: { reasonString: 'gone', serverReference: 'there', userProperties: { a: 'b' } } })
        await t.seen(client, 'disconnect')
        t.note('still', client.connected)
        await t.server.cut()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'kicked, and the server leaves the socket open', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'disconnect', reasonCode: 152 })
        await t.seen(client, 'disconnect')
        await t.sleep(100)
        t.note('still', client.connected, t.count(client, 'close'))
      },
    },
    {
      name: 'kicked with reconnectPeriod 0', on: ['gateway'],
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 0 })
        await t.server.kick(t.id(), 139)
        await t.seen(client, 'close')
        await t.sleep(100)
      },
    },
    {
      name: 'session taken over', on: plain,
      run: async t => {
        const first = await t.connected({ as: 'first', clientId: t.id('same'), reconnectPeriod: 0 })
        await t.connected({ as: 'second', clientId: t.id('same') })
        await t.seen(first, 'close')
        await t.sleep(80)
      },
    },
    {
      name: 'two that take over from each other', on: plain,
      run: async t => {
        const first = await t.connected({ as: 'first', clientId: t.id('same'), reconnectPeriod: 100 })
        const second = await t.connected({ as: 'second', clientId: t.id('same'), reconnectPeriod: 0 })
        await t.seen(first, 'connect', 2)
        await t.seen(second, 'close')
      },
    },
    {
      name: 'freeze is found by keepalive', on: plain,
      run: async t => {
        const client = await t.connected({ keepalive: 1 })
        client.on('offline', () => t.note('offline', client.connected))
        client.on('error', () => t.note('error', client.connected))
        await t.server.freeze()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'pings keep a connection', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ keepalive: 1, packets: true })
        await t.until(() => t.count(client, 'packetreceive') >= 3, 'second answer to a ping')
      },
    },
    {
      name: 'a server that ends in good order', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.kick(t.id(), 139)
        await t.seen(client, 'close')
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'a packet that is none', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'connect', clientId: 'x', protocolId: 'MQTT', protocolVersion: 5 })
        await t.sleep(150)
        t.note('still', client.connected)
      },
    },
    {
      name: 'an acknowledgement for nothing', on: ['scripted'],
      run: async t => {
        const client = await t.connected()
        await t.server.send({ cmd: 'puback', messageId: 77 }, { cmd: 'suback', messageId: 78, granted: [0] }, { cmd: 'unsuback', messageId: 79, granted: [0] })
        await client.publishAsync(t.topic(), 'x', { qos: 1 })
        await t.sleep(50)
        t.note('still', client.connected)
      },
    },
    {
      name: 'larger than maximumPacketSize', on: ['scripted'],
      run: async t => {
        const client = await t.connected({ properties: { maximumPacketSize: 100 } })
        await t.server.send({ cmd: 'publish', topic: t.topic(), payload: 'x'.repeat(200), qos: 0 })
        await t.seen(client, 'error')
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'reconnect() while connected', on: plain,
      run: async t => {
        const client = await t.connected()
        t.call('reconnect', () => client.reconnect())
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'reconnect() while waiting for the next attempt', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 60_000 })
        await t.server.cut()
        await t.seen(client, 'close')
        client.reconnect()
        await t.seen(client, 'connect', 2)
      },
    },
    {
      name: 'end while waiting for the next attempt', on: plain,
      run: async t => {
        const client = await t.connected({ reconnectPeriod: 60_000 })
        await t.server.cut()
        await t.seen(client, 'close')
        const ended = t.cb('end')
        client.end(ended)
        await ended.called
        await t.sleep(50)
        t.note('after', client.connected, client.reconnecting, client.disconnecting, client.disconnected)
      },
    },
    {
      name: 'end(true) while connecting', on: plain,
      run: async t => {
        const client = t.connect({ apart: ['close'] })
        const ended = t.cb('end')
        client.end(true, ended)
        await ended.called
        await t.sleep(100)
        t.note('after', client.connected, client.disconnected)
      },
    },
    {
      name: 'stream end() by the page', on: plain,
      run: async t => {
        const client = await t.connected()
        t.call('stream', () => typeof client.stream)
        client.stream.end()
        await t.seen(client, 'connect', 2)
      },
    },
  ],
}
