// An MQTT 5 server over WebSocket that does what a test tells it to, right or
// wrong, and keeps what clients sent.
// @ts-check
import { once } from 'node:events'
import { createServer } from 'node:http'
import mqtt from 'mqtt-packet'
import { WebSocketServer } from 'ws'

/**
 * What the server does on one connection. What is left out it does as a good
 * server would, granting everything.
 *
 * @typedef {object} Plan
 * @property {number} [upgrade] HTTP status that refuses the upgrade
 * @property {{ reasonCode?: number, sessionPresent?: boolean, properties?: object } | false} [connack] false: none
 * @property {((topics: string[]) => number[]) | false} [suback] reason codes; false: none
 * @property {((topics: string[]) => number[]) | false} [unsuback] the same
 * @property {boolean} [puback] false: none
 * @property {number} [pubackCode] reason code of each PUBACK and PUBREC
 * @property {boolean} [pubcomp] false: none
 * @property {(packet: Packet, connection: Connection) => void} [on] each packet, after it was answered
 */

/** @typedef {any} Packet of mqtt-packet */

/**
 * @typedef {object} Connection
 * @property {string} url of the upgrade, from its path on
 * @property {string | undefined} subprotocol
 * @property {Packet[]} packets that came
 * @property {(cmd: string) => Packet[]} of this type
 * @property {(...packets: Packet[]) => void} send all in one WebSocket message
 * @property {(bytes: Uint8Array) => void} write sends what is no packet of MQTT 5
 * @property {() => void} cut
 * @property {Promise<void>} closed
 * @property {() => boolean} isOpen
 */

/**
 * @typedef {object} Scripted
 * @property {number} port
 * @property {string} url
 * @property {Connection[]} connections each upgrade, also a refused one
 * @property {() => Connection} last
 * @property {() => Promise<void>} stop
 */

/**
 * @param {...Plan} plans for the first connection, the second and so on; the last is for all that follow
 * @returns {Promise<Scripted>}
 */
export async function startScripted(...plans) {
  /** @type {Connection[]} */
  const connections = []
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  http.on('upgrade', (request, socket, head) => {
    const plan = plans[Math.min(connections.length, plans.length - 1)] ?? {}
    /** @type {Packet[]} */
    const packets = []
    /** @type {Connection} */
    const connection = {
      url: request.url ?? '', subprotocol: request.headers['sec-websocket-protocol'], packets,
      of: cmd => packets.filter(p => p.cmd === cmd),
      send: () => undefined, write: () => undefined, cut: () => socket.destroy(), closed: Promise.resolve(), isOpen: () => false,
    }
    connections.push(connection)
    socket.on('error', () => undefined)
    if (plan.upgrade) {
      socket.end(`HTTP/1.1 ${plan.upgrade} Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, webSocket => {
      connection.send = (...out) => webSocket.send(Buffer.concat(out.map(p => mqtt.generate(p, { protocolVersion: 5 }))))
      connection.write = bytes => webSocket.send(bytes)
      connection.isOpen = () => webSocket.readyState === webSocket.OPEN
      connection.closed = new Promise(resolve => webSocket.once('close', () => resolve()))
      webSocket.on('error', () => undefined)
      const parser = mqtt.parser({ protocolVersion: 5 })
      parser.on('error', () => webSocket.terminate())
      parser.on('packet', packet => {
        packets.push(packet)
        answer(packet, plan, connection)
        plan.on?.(packet, connection)
        if (packet.cmd === 'disconnect') webSocket.close(1000)
      })
      webSocket.on('message', data => parser.parse(/** @type {Buffer} */ (data)))
    })
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
  return {
    port,
    url: `ws://127.0.0.1:${port}/mqtt`,
    connections,
    last: () => /** @type {Connection} */ (connections.at(-1)),
    stop: async () => {
      for (const c of connections) c.cut()
      await new Promise(resolve => http.close(resolve))
    },
  }
}

/**
 * @param {Packet} packet
 * @param {Plan} plan
 * @param {Connection} connection
 */
function answer(packet, plan, { send }) {
  switch (packet.cmd) {
    case 'connect':
      if (plan.connack === false) return
      return send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, ...plan.connack })
    case 'subscribe': {
      if (plan.suback === false) return
      const topics = packet.subscriptions.map((/** @type {{ topic: string }} */ s) => s.topic)
      return send({ cmd: 'suback', messageId: packet.messageId, granted: plan.suback?.(topics) ?? packet.subscriptions.map((/** @type {{ qos: number }} */ s) => s.qos) })
    }
    case 'unsubscribe':
      if (plan.unsuback === false) return
      return send({ cmd: 'unsuback', messageId: packet.messageId, granted: plan.unsuback?.(packet.unsubscriptions) ?? packet.unsubscriptions.map(() => 0) })
    case 'publish':
      if (packet.qos === 0 || plan.puback === false) return
      return send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId, reasonCode: plan.pubackCode ?? 0 })
    case 'pubrel':
      if (plan.pubcomp === false) return
      return send({ cmd: 'pubcomp', messageId: packet.messageId, reasonCode: 0 })
    case 'pingreq': return send({ cmd: 'pingresp' })
  }
}
