/** The face of mqtt.js. What it exports is what types.ts declares. */
import { parseConnect } from './address'
import { MqttClient } from './client'
import { ErrorWithReasonCode, ErrorWithSubackPacket } from './errors'
import { DefaultMessageIdProvider, UniqueMessageIdProvider } from './message-ids'
import { ReasonCodes } from './reason-codes'
import { Store } from './store'
import { validateTopic, validateTopics } from './topics'
import type { IClientOptions } from './types'
import { MQTTJS_VERSION } from './version'

function connect(url?: string | IClientOptions, options?: IClientOptions): MqttClient {
  return new MqttClient(parseConnect(url, options))
}

function connectAsync(url?: string | IClientOptions, options?: IClientOptions, allowRetries = true): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    const client = connect(url, options)
    const connected = (): void => { settled(); resolve(client) }
    const failed = (error: Error): void => { settled(); client.end(); reject(error) }
    const closed = async (): Promise<void> => {
      settled()
      let cause: unknown
      client.once('handshakeError', error => { cause = error }).end()
      await client._explaining
      reject(new Error("Couldn't connect to server", { cause }))
    }
    const settled = (): void => {
      client.off('connect', connected).off('end', connected).off('error', failed).off('close', closed)
    }
    client.on('connect', connected).on('end', connected).on('error', failed)
    if (!allowRetries) client.on('close', closed)
  })
}

const mqtt = {
  connect, connectAsync, Client: MqttClient, MqttClient, Store, DefaultMessageIdProvider, UniqueMessageIdProvider,
  ReasonCodes, ErrorWithReasonCode, ErrorWithSubackPacket, validateTopic, validateTopics, MQTTJS_VERSION,
}

export {
  connect, connectAsync, MqttClient as Client, MqttClient, Store, DefaultMessageIdProvider, UniqueMessageIdProvider,
  ReasonCodes, ErrorWithReasonCode, ErrorWithSubackPacket, validateTopic, validateTopics, MQTTJS_VERSION,
}
export default mqtt
