/** A control packet as the program tells of it. */
import type { Packet, PacketType, QoS } from './types'
import type { Properties, Reader } from './wire'

/** By their numbers in MQTT 5, section 2.1.2. */
const types: readonly (PacketType | undefined)[] = [
  undefined, 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP',
  'SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT',
]

/** A packet with what `TraceDetail.whole` adds. */
export interface TracedPacket extends Packet {
  readonly payload: Uint8Array
  readonly properties: Properties
}

export function readPacket(r: Reader): TracedPacket {
  const direction = r.bool() ? 'sent' : 'received'
  const type = types[r.u8()]!
  const id = r.u16(), topic = r.text(), qos = r.u8() as QoS, retain = r.bool(), dup = r.bool(), payloadBytes = r.u32()
  const reasonCodes = [...r.bytes()], at = r.f64()
  return {
    direction, type, at,
    ...(id > 0 && { id }),
    ...(type === 'PUBLISH' && { topic, qos, retain, dup, payloadBytes }),
    ...((type === 'SUBSCRIBE' || type === 'UNSUBSCRIBE') && { filters: topic.split('\n') }),
    ...(reasonCodes.length > 0 && { reasonCodes }),
    payload: r.bytes(), properties: r.properties(),
  }
}

/** What `TraceDetail.headers` tells. */
export function tracedHeader({ payload, properties, ...packet }: TracedPacket): Packet { return packet }
