// @ts-check
import { reasonText } from './reason-codes.js'

/**
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 * @typedef {import('../../jsglue/src/types').PublishResult} PublishResult
 */

/** Codes that say that the message never left the page. */
const NEVER_SENT = ['invalid-argument', 'closed']

const encoder = new TextEncoder()

/** Publishes at once, and records what became of it in the history. */
export class Publisher {
  #connection
  #history

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {import('./message-history.js').MessageHistory} history
   */
  constructor(connection, history) {
    this.#connection = connection
    this.#history = history
  }

  /**
   * @param {string} topic
   * @param {string} payload
   * @param {{ qos: QoS, retain: boolean }} options
   * @returns {Promise<PublishResult>}
   */
  async publish(topic, payload, { qos, retain }) {
    const client = this.#connection.client
    const entry = this.#history.append({
      direction: 'sent', time: Date.now(), topic, payload: encoder.encode(payload), qos, retain, outcome: 'sending',
    })
    try {
      const result = await client.publish(topic, payload, { qos, retain })
      this.#history.change(entry, { time: result.sentAt, outcome: outcomeText(qos, result) })
      return result
    } catch (error) {
      const code = /** @type {{ code?: string }} */ (error).code ?? 'unknown'
      if (NEVER_SENT.includes(code)) this.#history.remove(entry)
      else this.#history.change(entry, { outcome: `failed: ${code}`, failed: true })
      throw error
    }
  }
}

/**
 * For example `PUBACK 0x10 No matching subscribers`.
 *
 * @param {QoS} qos
 * @param {PublishResult} result
 */
export function outcomeText(qos, result) {
  if (qos === 0) return 'sent'
  return `${qos === 1 ? 'PUBACK' : 'PUBCOMP'} ${reasonText(result.reasonCode)}`
}
