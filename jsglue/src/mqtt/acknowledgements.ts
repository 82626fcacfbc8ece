/**
 * Received messages on their way to the page's handlers and to their
 * acknowledgement: what `customHandleAcks` and `handleMessage` say of them, and
 * which the page's incoming store has had before.
 */
import { reportUncaught } from '../errors'
import type { Message } from '../message'
import type { MqttClient } from './client'
import { publishPacket } from './packets'
import type * as types from './types'

/** Reason codes of a PUBACK and a PUBREC. */
const codes: readonly unknown[] = [0, 16, 128, 131, 135, 144, 145, 151, 153]

type Publish = types.IPublishPacket & { payload: types.Payload }

export class Acknowledgements {
  /** Messages that wait for the page, after the one that it has. */
  private _waiting: { message: Message, packet: Publish }[] = []
  /** Ends what the page has. */
  private _done: (() => void) | undefined

  /** `plain` is the `handleMessage` that does nothing. */
  constructor(private readonly _client: MqttClient, private readonly _plain: MqttClient['handleMessage']) {}

  /** The page has a say in when, or how, a message is acknowledged. */
  get manual(): boolean {
    const { handleMessage, options } = this._client
    return handleMessage !== this._plain || !!options.customHandleAcks || !!options.incomingStore
  }

  /** `id` is the packet identifier, or 0. */
  take(message: Message, id: number): void {
    const packet = publishPacket({ ...message, id }) as Publish
    if (!this.manual) {
      this._client.emit('message', packet.topic, packet.payload, packet)
      return
    }
    this._waiting.push({ message, packet })
    this._next()
  }

  /** A new link begins: what the page never finished keeps nothing from it any more. */
  linked(): void { this._done?.() }

  /** Hands over what waits: one at a time, as mqtt.js does. */
  private _next(): void {
    for (let next; !this._done && (next = this._waiting[0]);) {
      let offering = true
      const done = (): void => {
        if (this._done !== done) return
        this._done = undefined
        this._waiting.shift()
        if (!offering) this._next()
      }
      this._done = done
      try {
        this._offer(next.message, next.packet, done)
      } catch (e) {
        reportUncaught(e) // of a function of the page; the message stays without its acknowledgement
        done()
      }
      offering = false
    }
  }

  private _offer(message: Message, packet: Publish, done: () => void): void {
    if (message.qos === 0) return this._hand(packet, done)
    const decided = (error: Error | number | null, code?: number): void => {
      if (typeof error === 'number') [code, error] = [error, null]
      error ??= codes.includes(code) ? null : new Error(`Wrong reason code for ${message.qos === 1 ? 'puback' : 'pubrec'}`)
      if (error) {
        done()
        this._client.emit('error', error)
        return
      }
      const acknowledge = (): void => {
        message.ack(code)
        done()
      }
      if (code) this._client.handleMessage(packet, e => { e ? done() : acknowledge() })
      else this._unlessKnown(packet, known => { known ? acknowledge() : this._hand(packet, acknowledge, done) })
    }
    const { customHandleAcks } = this._client.options
    if (customHandleAcks) customHandleAcks(packet.topic, packet.payload, packet, decided)
    else decided(null, 0)
  }

  private _hand(packet: Publish, then: () => void, refused = then): void {
    this._client.emit('message', packet.topic, packet.payload, packet)
    this._client.handleMessage(packet, error => { error ? refused() : then() })
  }

  /** Whether the page's store has this QoS 2 message; puts it there. */
  private _unlessKnown(packet: Publish, then: (known: boolean) => void): void {
    if (packet.qos < 2 || !this._client.options.incomingStore) return then(false)
    const store = this._client.incomingStore
    store.get({ messageId: packet.messageId! }, (_, known) => {
      if (known) then(true)
      else store.put(packet, () => { then(false) })
    })
  }
}
