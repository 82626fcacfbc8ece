/**
 * A page's TypeScript that was written for mqtt.js. `tsc -p test` compiles it against
 * mqtt.js; mqtt-parts.spec.ts compiles the same file against our declarations.
 */
import mqtt, {
  Client, connect, connectAsync, DefaultMessageIdProvider, ErrorWithReasonCode, ErrorWithSubackPacket, MqttClient, MQTTJS_VERSION, ReasonCodes, Store,
  UniqueMessageIdProvider, validateTopic, validateTopics,
} from 'mqtt'
import type {
  AckHandler, BaseMqttProtocol, ClientSubscribeCallback, CloseCallback, DoneCallback, GenericCallback, IClientOptions, IClientPublishOptions,
  IClientReconnectOptions, IClientSubscribeOptions, IClientSubscribeProperties, IClientUnsubscribeProperties, IConnackPacket, IDisconnectPacket, IPublishPacket,
  ISecureClientOptions, IStore, ISubscriptionGrant, ISubscriptionMap, ISubscriptionRequest, MqttClientEventCallbacks, MqttProtocol, OnCloseCallback,
  OnConnectCallback, OnDisconnectCallback, OnErrorCallback, OnMessageCallback, OnPacketCallback, Packet, PacketCallback, PendingCommand, StorePutCallback, Timer,
  TimerVariant, VoidCallback,
} from 'mqtt'

const secure: ISecureClientOptions = { rejectUnauthorized: false, ca: 'PEM' }

const options: IClientOptions = {
  ...secure,
  clientId: `page_${Math.random()}`,
  protocolVersion: 5,
  protocolId: 'MQTT',
  clean: true,
  keepalive: 30,
  reconnectPeriod: 2000,
  connectTimeout: 4000,
  username: 'user',
  password: Buffer.from('secret'),
  will: { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false, properties: { willDelayInterval: 5, correlationData: Buffer.from('id'), userProperties: { a: ['1', '2'] } } },
  properties: { sessionExpiryInterval: 300, receiveMaximum: 20, topicAliasMaximum: 10, requestProblemInformation: true, userProperties: { app: 'page' } },
  servers: [{ host: 'a.example', port: 443, protocol: 'wss' }, { host: 'b.example', port: 443 }],
  resubscribe: true,
  subscribeBatchSize: 8,
  queueQoSZero: false,
  transformWsUrl: (url, options, client) => {
    options.username = `${client.options.username}`
    return `${url}?token=${encodeURIComponent(options.password?.toString() ?? '')}`
  },
  createWebsocket: (url, protocols) => new WebSocket(url, protocols),
  customHandleAcks: (topic, message, _packet, done) => { done(topic === 'bad' || message.toString('hex') === 'ff' ? 135 : 0) },
  messageIdProvider: new UniqueMessageIdProvider(),
  incomingStore: new Store(),
  outgoingStore: new Store({ clean: false }),
  autoUseTopicAlias: true,
  autoAssignTopicAlias: true,
  reschedulePings: true,
  reconnectOnConnackError: true,
  timerVariant: 'worker',
  browserBufferSize: 1024,
  browserBufferTimeout: 100,
  objectMode: false,
  wsOptions: {},
  log: (...args) => { console.log(...args) },
}

const plain: IClientOptions = { log: console.log, timerVariant: { set: (f, ms) => window.setInterval(f, ms ?? 0), clear: id => { clearInterval(id) } } }

const client: MqttClient = mqtt.connect('wss://broker.example/mqtt', options)
const others: mqtt.MqttClient[] = [connect('wss://broker.example'), connect(plain), mqtt.connect({ host: 'broker.example', protocol: 'wss' } as mqtt.IClientOptions)]
const version: string = MqttClient.VERSION + MQTTJS_VERSION + MqttClient.defaultId()

client
  .on('connect', (connack: IConnackPacket) => {
    console.log(connack.sessionPresent, connack.reasonCode, connack.properties?.assignedClientIdentifier?.length, connack.properties?.serverKeepAlive)
    client.subscribe('a/#', { qos: 1 }, (err, granted) => {
      if (err instanceof ErrorWithSubackPacket) console.error(err.packet.granted[0])
      else if (err) console.error(err.message)
      for (const { topic, qos, nl, rap, rh } of granted ?? []) console.log(topic, qos, nl, rap, rh)
    })
  })
  .on('message', (topic, payload, packet) => {
    const bytes: Uint8Array = payload
    const text: string = payload.toString()
    console.log(topic, text, payload.toString('hex'), payload.length, JSON.parse(`${payload}`), payload.readUInt16BE(0), payload.readFloatLE(2), payload.slice(1).toString('base64'), payload.subarray(1, 2).equals(bytes))
    console.log(packet.qos, packet.retain, packet.dup, packet.messageId, packet.properties?.correlationData?.toString('hex'), packet.properties?.userProperties?.['a'], packet.payload.toString())
    new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getInt8(0)
    new TextDecoder().decode(payload)
  })
  .on('error', err => { console.error(err.message, 'code' in err ? ReasonCodes[err.code as keyof typeof ReasonCodes] : '') })
  .once('close', () => {})
  .on('reconnect', () => {})
  .on('offline', () => {})
  .on('end', () => {})
  .on('outgoingEmpty', () => {})
  .on('disconnect', (packet: IDisconnectPacket) => { console.log(packet.reasonCode, packet.properties?.reasonString, packet.properties?.serverReference) })
  .on('packetsend', (packet: Packet) => { if (packet.cmd === 'publish') console.log(packet.topic, packet.payload.length) })
  .on('packetreceive', packet => { if (packet.cmd === 'suback') console.log(packet.messageId, packet.granted) })
  .setMaxListeners(50)

// Handlers with their types, also by the name of Node's type.
const onMessage: OnMessageCallback = (topic, payload) => { console.log(topic, payload.toString()) }
const onBuffer = (topic: string, payload: Buffer): void => { console.log(topic, payload.readInt8(0)) }
client.on('message', onMessage).on('message', onBuffer).on('message', async (_topic: string, message: Buffer, _packet: IPublishPacket) => { await Promise.resolve(message) })
client.on('message', (_topic: string, payload: Uint8Array) => { payload.at(0) }).off('message', onMessage).removeListener('message', onBuffer)
client.prependListener('message', onMessage).prependOnceListener('message', onMessage).removeAllListeners('message').removeAllListeners()
const counts: number = client.listenerCount('message') + client.listeners('message').length + client.rawListeners('connect').length + client.getMaxListeners()
const names: (keyof MqttClientEventCallbacks)[] = client.eventNames()
const emitted: boolean = client.emit('message', 'a', Buffer.from('x'), { cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 0, dup: false, retain: false })

const typed: [OnConnectCallback, OnDisconnectCallback, OnErrorCallback, OnPacketCallback, OnCloseCallback, VoidCallback, DoneCallback, CloseCallback, GenericCallback<string>, StorePutCallback] = [
  ({ sessionPresent }) => { console.log(sessionPresent) }, ({ reasonCode }) => { console.log(reasonCode) }, err => { console.log(err instanceof ErrorWithReasonCode && err.code) }, ({ cmd }) => { console.log(cmd) },
  () => {}, () => {}, err => { console.log(err?.message) }, err => { console.log(err) }, (_err, result) => { console.log(result?.length) }, () => {},
]
const ack: AckHandler = (_topic, message: Buffer, _packet, cb) => { cb(new Error(message.toString()), 128) }
const granted: ClientSubscribeCallback = (err, granted, suback) => { console.log(err?.message, granted?.[0]?.qos === 128, suback?.properties?.reasonString) }
const published: PacketCallback = (err, packet) => { if (packet?.cmd === 'puback') console.log(err?.message, packet.reasonCode) }

const publishing: IClientPublishOptions = { qos: 1, retain: true, dup: false, properties: { messageExpiryInterval: 60, responseTopic: 'b', correlationData: Buffer.from('x'), userProperties: { a: 'b' }, contentType: 'text/plain', topicAlias: 1 }, cbStorePut: () => {} }
const subscribing: IClientSubscribeOptions = { qos: 2, nl: true, rap: true, rh: 1, properties: { subscriptionIdentifier: 1 } }
const properties: IClientSubscribeProperties = { properties: { userProperties: { a: 'b' } } }
const unsubscribing: IClientUnsubscribeProperties = properties
const request: ISubscriptionRequest = { topic: 'a', qos: 1 }
const map: ISubscriptionMap = { 'a/+': { qos: 0 }, b: { qos: 1, nl: true } } as ISubscriptionMap

client.publish('a', 'text').publish('a', Buffer.from('x')).publish('a', 'text', published).publish('a', JSON.stringify({ on: true }), publishing, published)
client.subscribe('a').subscribe(['a', 'b'], granted).subscribe(map, granted).subscribe('a', subscribing).subscribe('a', properties, granted).subscribe(request.topic, request)
client.unsubscribe('a').unsubscribe(['a', 'b'], published).unsubscribe('a', unsubscribing).unsubscribe('a', unsubscribing, published)
client.removeOutgoingMessage(client.getLastMessageId() ?? 0).reconnect()
client.handleMessage = (packet, callback) => { callback(packet.topic === 'a' ? new Error('no') : undefined) }

async function page(): Promise<void> {
  const reconnecting: IClientReconnectOptions = { incomingStore: new Store(), outgoingStore: new Store() }
  const client = await connectAsync('wss://broker.example', options, false)
  const grants: ISubscriptionGrant[] = await client.subscribeAsync(['a', 'b'], { qos: 1 })
  const packet: Packet | undefined = await client.publishAsync('a', 'x', publishing)
  await client.unsubscribeAsync('a')
  const { connected, reconnecting: again, disconnecting, disconnected, queue, outgoing, serverProperties, keepalive } = client
  console.log(grants.length, packet?.messageId, connected && again && disconnecting && disconnected, queue.length, Object.keys(outgoing), serverProperties?.maximumQoS, keepalive + 1, client.options.clientId, client.messageIdProvider.getLastAllocated())
  client.reconnect(reconnecting)
  client.end().end(true).end(false, {}, () => {}).end(() => {}).end({ reasonCode: 4 }, err => { console.log(err) })
  await client.endAsync(false, { reasonCode: 4, properties: { reasonString: 'bye' } })
  await (await mqtt.connectAsync(options)).endAsync(true)
}

/** A store of the page's own. */
class PageStore implements IStore {
  readonly #packets = new Map<number | undefined, Packet>()
  put(packet: Packet, cb: DoneCallback): this { this.#packets.set(packet.messageId, packet); cb(); return this }
  createStream() { return new Store().createStream() }
  del(packet: Pick<Packet, 'messageId'>, cb: (error?: Error, packet?: Packet) => void): this { this.#packets.delete(packet.messageId); cb(undefined); return this }
  get(packet: Pick<Packet, 'messageId'>, cb: (error?: Error, packet?: Packet) => void): this { cb(undefined, this.#packets.get(packet.messageId)); return this }
  close(cb: DoneCallback): void { cb() }
}
const stores: IClientOptions = { incomingStore: new PageStore(), outgoingStore: new PageStore() }

const ids = new DefaultMessageIdProvider(), id: number | null = ids.allocate()
const registered: boolean = ids.register(id ?? 1)
ids.deallocate(1)
ids.clear()
const valid: boolean = validateTopic('a/+') && mqtt.validateTopic('a') && validateTopics(['a', 'b#']) === null
const protocols: [MqttProtocol, BaseMqttProtocol, TimerVariant, PendingCommand] = ['wss+unix', 'wss', 'native', 'publish']
const timer: Timer | undefined = undefined
const thrown: Error[] = [new ErrorWithReasonCode('no', 135), new mqtt.ErrorWithReasonCode('no', 135)]

export { ack, Client, counts, emitted, names, others, page, protocols, registered, stores, thrown, timer, typed, valid, version }
