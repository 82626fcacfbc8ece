/** Publishes at once, and records what became of it in the history. */
import type { IotError, PublishOptions, PublishResult } from 'iotwasm'
import type { Connection } from './connection'
import { reasonText } from './reason-codes'

/** Codes that say that the message never left the page. */
const neverSent = ['invalid-argument', 'closed']

export class Publisher {
  readonly #connection: Connection

  constructor(connection: Connection) { this.#connection = connection }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<PublishResult> {
    const { openClient: client, history } = this.#connection
    const { qos = 0, retain = false, properties = {} } = options
    const entry = history.append({ direction: 'sent', time: Date.now(), topic, payload, qos, retain, dup: false, properties, outcome: 'sending' })
    try {
      const result = await client.publish(topic, payload, options)
      history.change(entry, { time: result.sentAt, outcome: qos === 0 ? 'sent' : `${qos === 1 ? 'PUBACK' : 'PUBCOMP'} ${reasonText(result.reasonCode)}` })
      return result
    } catch (error) {
      const { code = 'unknown' } = error as Partial<IotError>
      if (neverSent.includes(code)) history.remove(entry)
      else history.change(entry, { outcome: `failed: ${code}`, failed: true })
      throw error
    }
  }
}
