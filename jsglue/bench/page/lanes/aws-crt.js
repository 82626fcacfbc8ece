// AWS's own client, the MQTT 5 one of its browser build.
// @ts-check
import 'aws-crt/dist.browser/browser/polyfills'
import { ClientSessionBehavior, Mqtt5Client, Mqtt5WebsocketUrlFactoryType } from 'aws-crt/dist.browser/browser/mqtt5'
import { create_mqtt5_websocket_url } from 'aws-crt/dist.browser/browser/ws'
import { Routes } from './routes.js'
import { urlOf } from './sign.js'

/** A flood of large messages measures nothing but that. */
const pauses = 'waits for a second whenever 512 KB are unsent, which leaves some 4 messages of 100 KB a second'

/** @type {import('./index.js').Lane} */
export const awsCrt = {
  async open(server) {
    const client = await connectAwsCrt(server), routes = new Routes()
    let closing = false
    client.on('messageReceived', ({ message }) => routes.deliver(message.topicName, new Uint8Array(/** @type {ArrayBuffer} */ (message.payload))))
    return {
      publish(topicName, payload, qos, done) {
        client.publish({ topicName, payload, qos }).then(done, error => {
          if (!closing) throw error // that was sent may be told later than that it came back
        })
      },
      subscribe(topicFilter, received) {
        routes.add(topicFilter, received)
        return client.subscribe({ subscriptions: [{ topicFilter, qos: 0 }] })
      },
      close: () => new Promise(resolve => {
        closing = true
        client.once('stopped', resolve)
        client.stop()
      }),
    }
  },
  /** It signs for the standard port only, so its URLs are not dialled here. */
  presign({ endpoint, region, credentials: { accessKeyId, secretAccessKey } }) {
    const credentials = { aws_access_id: accessKeyId, aws_secret_key: secretAccessKey, aws_region: region }
    const { hostname, port } = new URL(endpoint)
    return create_mqtt5_websocket_url({
      hostName: hostname, port: Number(port),
      websocketOptions: { urlFactoryOptions: {
        urlFactory: Mqtt5WebsocketUrlFactoryType.Sigv4, region,
        credentialsProvider: { getCredentials: () => credentials, refreshCredentials: async () => {} },
      } },
    })
  },
  cannot: { 'qos0-publish-4KB': pauses, 'qos0-publish-100KB': pauses },
}

/** @param {import('./index.js').Server} server */
export async function connectAwsCrt(server) {
  const url = await urlOf(server), { hostname, port } = new URL(url)
  const client = new Mqtt5Client({
    hostName: hostname, port: Number(port), disableMetrics: true, sessionBehavior: ClientSessionBehavior.Clean,
    connectProperties: { clientId: crypto.randomUUID(), keepAliveIntervalSeconds: 60 },
    websocketOptions: { urlFactoryOptions: { urlFactory: Mqtt5WebsocketUrlFactoryType.Custom, customUrlFactory: () => url } },
  })
  await new Promise((resolve, reject) => {
    client.once('connectionSuccess', resolve)
    client.once('connectionFailure', ({ error }) => reject(error))
    client.start()
  })
  return client
}
