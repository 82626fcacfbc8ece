/** Packets in the shapes of mqtt-packet, out of what the session tells, and properties in and out of these shapes. */
import type { TracedPacket } from '../packet'
import type { Connack, ServerDisconnect } from '../types'
import type { Properties } from '../wire'
import { toPayload } from './payload'
import type * as types from './types'

type Shaped<T> = T & Record<string, unknown>

/** Properties as mqtt-packet has them; undefined where there are none. */
export function shapedProperties(p: Properties | object): types.IPublishPacket['properties'] & types.IConnackPacket['properties'] {
  const { subscriptionIdentifiers: ids, ...rest } = p as Properties
  const out: Shaped<object> = { ...rest }
  if (ids?.length) out['subscriptionIdentifier'] = ids.length === 1 ? ids[0] : ids
  for (const key of ['correlationData', 'authenticationData']) {
    if (out[key] instanceof Uint8Array) out[key] = toPayload(out[key])
  }
  // The session's have no prototype, which pages would trip over.
  if (out['userProperties']) out['userProperties'] = { ...out['userProperties'] }
  return Object.keys(out).length > 0 ? out : undefined
}

/** What mqtt-packet's parser gives every packet. */
const received = { retain: false, qos: 0, dup: false, topic: null, payload: null }

const withProperties = (p: Properties | object): { properties?: never } => {
  const properties = shapedProperties(p)
  return properties ? { properties: properties as never } : {}
}

/** The properties of a PUBLISH or SUBSCRIBE of the page, for the session; the topic alias is the session's. */
export function sessionProperties(given: object | undefined): Properties | undefined {
  if (!given) return undefined
  const { subscriptionIdentifier: id, topicAlias, correlationData, ...rest } = given as types.IPublishPacket['properties'] & object
  const out: Properties = rest
  if (id !== undefined) out.subscriptionIdentifiers = [id].flat()
  if (correlationData) out.correlationData = bytes(correlationData)
  return out
}

/** Bytes of what pages give as a Buffer, which may be text. */
export const bytes = (v: string | Uint8Array): Uint8Array => typeof v === 'string' ? new TextEncoder().encode(v) : v

export function connectPacket(o: types.IClientOptions): types.IConnectPacket {
  return {
    cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: o.clean!, clientId: o.clientId!, keepalive: o.keepalive!,
    username: o.username!, password: o.password as Uint8Array,
    ...(o.properties && { properties: { ...o.properties } }), ...(o.will && { will: { ...o.will } }),
  }
}

export function connackPacket({ sessionPresent, reasonCode, properties }: Connack): types.IConnackPacket {
  return { cmd: 'connack', retain: false, qos: 0, dup: false, topic: null, payload: null, sessionPresent, reasonCode, ...withProperties(properties) } as types.IConnackPacket
}

export function disconnectPacket({ reasonCode, properties }: ServerDisconnect): types.IDisconnectPacket {
  return { ...received, cmd: 'disconnect', reasonCode, ...withProperties(properties) } as types.IDisconnectPacket
}

export function publishPacket(p: Pick<TracedPacket, 'topic' | 'qos' | 'retain' | 'dup' | 'id' | 'payload' | 'properties'>): types.IPublishPacket {
  return {
    cmd: 'publish', retain: p.retain!, qos: p.qos!, dup: p.dup!, topic: p.topic!, payload: toPayload(p.payload),
    ...(p.id && { messageId: p.id }), ...withProperties(p.properties),
  }
}

export function ackPacket(cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', messageId: number, reasonCode: number, properties: object): types.Packet {
  return { ...received, ...(cmd === 'pubrel' && { qos: 1 }), cmd, messageId, reasonCode, ...withProperties(properties) } as types.Packet
}

export function subackPacket<C extends 'suback' | 'unsuback'>(cmd: C, messageId: number, granted: number[], properties: object) {
  return { ...received, cmd, messageId, granted, ...withProperties(properties) } as unknown as C extends 'suback' ? types.ISubackPacket : types.IUnsubackPacket
}

/** What the client knows of its own packets. */
interface Known {
  connect(): types.IConnectPacket
  /** What the page published, of a PUBLISH that is sent. */
  published(): types.Packet | undefined
  subscription(filter: string): types.ISubscription
}

/** A traced packet; what no trace tells comes from `known`. CONNACK and DISCONNECT of the server are told apart, with all of theirs. */
export function tracedPacket(p: TracedPacket, known: Known): types.Packet | undefined {
  const messageId = p.id!, sent = p.direction === 'sent', reasonCode = p.reasonCodes?.[0] ?? 0
  switch (p.type) {
    case 'CONNECT': return known.connect()
    case 'CONNACK': return reasonCode === 0 ? undefined : connackPacket({ sessionPresent: false, reasonCode, properties: p.properties })
    case 'PUBLISH': return sent && !p.dup && known.published() || publishPacket(p)
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP': {
      const cmd = p.type.toLowerCase() as 'puback'
      if (!sent) return ackPacket(cmd, messageId, reasonCode, p.properties)
      if (cmd as string === 'pubrel') return { cmd, qos: 2, messageId } as unknown as types.Packet
      return { cmd, messageId, ...(cmd === 'puback' || reasonCode ? { reasonCode } : {}) }
    }
    case 'SUBSCRIBE': return { cmd: 'subscribe', subscriptions: p.filters!.map(known.subscription), messageId, ...withProperties(p.properties) }
    case 'SUBACK': return subackPacket('suback', messageId, [...p.reasonCodes ?? []], p.properties)
    case 'UNSUBSCRIBE': return { cmd: 'unsubscribe', messageId, unsubscriptions: [...p.filters!], ...withProperties(p.properties) }
    case 'UNSUBACK': return subackPacket('unsuback', messageId, [...p.reasonCodes ?? []], p.properties)
    case 'PINGREQ': return { cmd: 'pingreq' }
    case 'PINGRESP': return { ...received, cmd: 'pingresp' } as types.Packet
    case 'DISCONNECT': return sent ? { cmd: 'disconnect', ...(reasonCode && { reasonCode }), ...withProperties(p.properties) } : undefined
  }
}
