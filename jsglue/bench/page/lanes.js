// What is compared: each lane opens connections of one library, behind one small
// interface.
// @ts-check
import * as iotwasm from '/pkg/index.js'
import mqtt from './mqtt.esm.js'

/**
 * @typedef {{ url: string } | { endpoint: string, region: string, credentials: { accessKeyId: string, secretAccessKey: string } }} Server
 *
 * @typedef {object} Connection
 * @property {(topic: string, payload: string, qos: 0 | 1, done?: () => void) => void} publish `done` is told of the PUBACK, for QoS 0 of the sending
 * @property {(topic: string, received: (payload: Uint8Array) => void) => Promise<void>} subscribe
 * @property {() => Promise<unknown>} close
 */

/** @type {Record<string, (server: Server) => Promise<Connection>>} */
export const lanes = {
  'iotwasm Worker': server => openIotwasm(server, true),
  'iotwasm page': server => openIotwasm(server, false),
  'mqtt.js': openMqttJs,
}

/**
 * @param {Server} server
 * @param {boolean} worker
 */
export const connectIotwasm = (server, worker) => iotwasm.connect({ ...server, worker, limits: false })

/**
 * @param {Server} server
 * @param {number} [keepalive] in seconds
 */
export async function connectMqttJs(server, keepalive = 60) {
  const url = 'url' in server ? server.url : await iotwasm.presign({ ...server, worker: true })
  // The page's policy, like most, has no place for the Worker that its timers start by default.
  return mqtt.connectAsync(url, { protocolVersion: 5, keepalive, reconnectPeriod: 0, timerVariant: 'native', transformWsUrl: () => url })
}

/**
 * @param {Server} server
 * @param {boolean} worker
 * @returns {Promise<Connection>}
 */
async function openIotwasm(server, worker) {
  const client = await connectIotwasm(server, worker)
  return {
    publish(topic, payload, qos, done) {
      const published = client.publish(topic, payload, { qos })
      if (done) published.then(done)
    },
    subscribe: async (topic, received) => { await client.subscribe(topic, message => received(message.payload)) },
    close: () => client.close(),
  }
}

/**
 * @param {Server} server
 * @returns {Promise<Connection>}
 */
async function openMqttJs(server) {
  const client = await connectMqttJs(server)
  return {
    publish(topic, payload, qos, done) {
      client.publish(topic, payload, { qos }, error => {
        if (error) throw error
        done?.()
      })
    },
    async subscribe(topic, received) {
      client.on('message', (name, payload) => { if (name === topic) received(payload) })
      await client.subscribeAsync(topic)
    },
    close: () => client.endAsync(),
  }
}
