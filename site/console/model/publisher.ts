/** Publishes at once, records what became of it in the history, and remembers what was published. */
import type { IotError, PublishOptions, PublishResult } from 'iotwasm'
import type { Connection } from './connection'
import type { Message } from './draft'
import { Observable } from './observable'
import { reasonText } from './reason-codes'

/** Codes that say that the message never left the page. */
const neverSent = ['invalid-argument', 'closed']

const kept = 30

export class Publisher extends Observable {
  readonly #connection: Connection
  #recent: readonly Message[] = []

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  /** What was published, newest first, each once. */
  get recent(): readonly Message[] { return this.#recent }

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

  remember(message: Message): void {
    const same = (other: Message): boolean => other.topic === message.topic && other.payload === message.payload && other.encoding === message.encoding
    this.#recent = [message, ...this.#recent.filter(each => !same(each))].slice(0, kept)
    this.changed()
  }
}
