// mqtt.js, with aws4fetch for what it does not sign.
// @ts-check
import mqtt from 'mqtt'
import { Routes } from './routes.js'
import { sign, urlOf } from './sign.js'

/** @type {import('./index.js').Lane} */
export const mqttJs = {
  async open(server) {
    const client = await connectMqttJs(server), routes = new Routes()
    client.on('message', (topic, payload) => routes.deliver(topic, payload))
    return {
      publish(topic, payload, qos, done) {
        client.publish(topic, payload, { qos }, error => {
          if (error) throw error
          done?.()
        })
      },
      subscribe(filter, received) {
        routes.add(filter, received)
        return client.subscribeAsync(filter)
      },
      close: () => client.endAsync(),
    }
  },
  presign: sign,
}

/**
 * @param {import('./index.js').Server} server
 * @param {number} [keepalive] in seconds
 */
export async function connectMqttJs(server, keepalive = 60) {
  const url = await urlOf(server)
  // The page's policy, like most, has no place for the Worker that its timers start by default.
  return mqtt.connectAsync(url, { protocolVersion: 5, keepalive, reconnectPeriod: 0, timerVariant: 'native', transformWsUrl: () => url })
}
