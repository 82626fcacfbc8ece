/** The mqtt face as a consumer compiles it; test/mqtt-types.ts holds it against mqtt.js itself. */
import mqtt, { connect, connectAsync, MqttClient } from 'iotwasm/mqtt'
import type { IConnackPacket, IPublishPacket, ISubscriptionGrant, Packet, Payload } from 'iotwasm/mqtt'
import type { IotError } from 'iotwasm'
import { expectTypeOf } from 'expect-type'

const client = connect('wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt', { aws: { credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' } } })
expectTypeOf(client).toEqualTypeOf<MqttClient>()
expectTypeOf(mqtt.connect).toEqualTypeOf(connect)
expectTypeOf(connectAsync('wss://a.example')).toEqualTypeOf<Promise<MqttClient>>()

client.on('message', (topic, payload, packet) => {
  expectTypeOf(topic).toEqualTypeOf<string>()
  expectTypeOf(payload).toEqualTypeOf<Payload>()
  expectTypeOf(payload.toString()).toEqualTypeOf<string>()
  expectTypeOf(packet).toEqualTypeOf<IPublishPacket>()
})
client.on('connect', packet => { expectTypeOf(packet).toEqualTypeOf<IConnackPacket>() })
client.on('handshakeError', error => { expectTypeOf(error).toEqualTypeOf<IotError>() })
client.publish('a', 'b', { qos: 1, delay: 2000 }, (error, packet) => {
  expectTypeOf(packet).toEqualTypeOf<Packet | undefined>()
})
expectTypeOf(client.subscribeAsync({ a: { qos: 1 } })).toEqualTypeOf<Promise<ISubscriptionGrant[]>>()
expectTypeOf(client.publishAsync('a', new Uint8Array())).toEqualTypeOf<Promise<Packet | undefined>>()

// @ts-expect-error no such event
client.on('messages', () => {})
// @ts-expect-error no QoS 3
client.publish('a', 'b', { qos: 3 })
// @ts-expect-error an object is no payload of mqtt.js
client.publish('a', { on: true })
// @ts-expect-error options of a subscription name a QoS
client.subscribe('a', { nl: true })
// @ts-expect-error a key without its secret
connect({ aws: { credentials: { accessKeyId: 'AKIA' } } })
// @ts-expect-error made by connect only
new MqttClient()
