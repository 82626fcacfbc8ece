/** A received message, decoded as far as it is looked at. */
import * as check from './arguments'
import type { Message as MessageType, QoS, ReceivedProperties } from './types'
import type { Reader } from './wire'

const decoder = /* @__PURE__ */ new TextDecoder()

export class Message implements MessageType {
  #acknowledge: ((reasonCode: number) => void) | undefined

  constructor(
    readonly topic: string,
    readonly payload: Uint8Array,
    readonly qos: QoS,
    readonly retain: boolean,
    readonly dup: boolean,
    readonly receivedAt: number,
    readonly properties: ReceivedProperties,
    acknowledge?: (reasonCode: number) => void,
  ) {
    this.#acknowledge = acknowledge
  }

  text(): string { return decoder.decode(this.payload) }
  json<T>(): T { return JSON.parse(this.text()) as T }

  ack(reasonCode = 0): void {
    check.integer(0, 255)(reasonCode, 'reasonCode')
    this.#acknowledge?.(reasonCode)
    this.#acknowledge = undefined
  }
}

export function readMessage(r: Reader, acknowledge?: (reasonCode: number) => void): Message {
  return new Message(r.name(), r.bytes(), r.u8() as QoS, r.bool(), r.bool(), r.f64(), r.properties() as ReceivedProperties, acknowledge)
}
