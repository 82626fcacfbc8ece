// paho-mqtt, which speaks MQTT 3.1.1 only. It keeps what is unacknowledged in
// localStorage, as it does for everybody.
// @ts-check
import Paho from 'paho-mqtt'
import { Routes } from './routes.js'
import { urlOf } from './sign.js'

/** @type {import('./index.js').Lane} */
export const paho = {
  async open(server) {
    const client = await connectPaho(server), routes = new Routes()
    client.onMessageArrived = message => routes.deliver(message.destinationName, /** @type {Uint8Array} */ (message.payloadBytes))
    /** @type {WeakMap<Paho.Message, () => void>} */
    const waiting = new WeakMap()
    client.onMessageDelivered = message => waiting.get(message)?.()
    return {
      publish(topic, payload, qos, done) {
        const message = new Paho.Message(payload)
        message.destinationName = topic
        message.qos = qos
        if (done) waiting.set(message, done)
        client.send(message)
      },
      subscribe(filter, received) {
        routes.add(filter, received)
        return new Promise((resolve, reject) => client.subscribe(filter, { onSuccess: resolve, onFailure: reject }))
      },
      close: async () => client.disconnect(),
    }
  },
  cannot: { presign: 'signs no URLs' },
}

/** @param {import('./index.js').Server} server */
export async function connectPaho(server) {
  const client = new Paho.Client(await urlOf(server), crypto.randomUUID())
  await new Promise((resolve, reject) => client.connect({
    mqttVersion: 4, keepAliveInterval: 60, onSuccess: resolve, onFailure: ({ errorMessage }) => reject(new Error(errorMessage)),
  }))
  return client
}
