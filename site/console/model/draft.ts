/** The message that is being written: the publish view shows it, and other views hand theirs over. */
import type { PublishProperties, QoS } from 'iotwasm'
import { Observable } from './observable'
import { fromBytes, type Encoding } from './payload-encoding'

export interface Message {
  topic: string
  payload: string
  encoding: Encoding
  qos: QoS
  retain: boolean
  properties: PublishProperties
}

export class Draft extends Observable {
  message: Message = { topic: 'demo/hello', payload: '{"hello":"world"}', encoding: 'text', qos: 0, retain: false, properties: {} }

  change(change: Partial<Message>): void {
    this.message = { ...this.message, ...change }
    this.changed()
  }

  /** Takes a message as it was sent or received: bytes that are no text are written in Base64. */
  take({ payload, ...rest }: Omit<Message, 'payload' | 'encoding'> & { payload: Uint8Array }): void {
    this.change({ ...rest, ...fromBytes(payload) })
  }
}
