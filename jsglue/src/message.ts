/** A received message, decoded as far as it is looked at. */
import type { Message as MessageType, QoS, ReceivedProperties } from './types'
import type { Reader } from './wire'

const decoder = /* @__PURE__ */ new TextDecoder()

export class Message implements MessageType {
  constructor(
    readonly topic: string,
    readonly payload: Uint8Array,
    readonly qos: QoS,
    readonly retain: boolean,
    readonly dup: boolean,
    readonly receivedAt: number,
    readonly properties: ReceivedProperties,
  ) {}

  text(): string { return decoder.decode(this.payload) }
  json<T>(): T { return JSON.parse(this.text()) as T }
}

export function readMessage(r: Reader): Message {
  return new Message(r.text(), r.bytes(), r.u8() as QoS, r.bool(), r.bool(), r.f64(), r.properties() as ReceivedProperties)
}
