/** A control packet as the program tells of it. */
import type { Packet, PacketType, QoS } from './types'
import type { Reader } from './wire'

/** By their numbers in MQTT 5, section 2.1.2. */
const types: readonly (PacketType | undefined)[] = [
  undefined, 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP',
  'SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT',
]

export function readPacket(r: Reader): Packet {
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
  }
}
