// @ts-check

/**
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 *
 * @typedef {object} Entry
 * @property {number} id
 * @property {'received' | 'sent'} direction
 * @property {number} time ms since the epoch
 * @property {string} topic
 * @property {Uint8Array} payload
 * @property {QoS} qos
 * @property {boolean} retain
 * @property {boolean} [dup]
 * @property {string} [outcome] what became of a sent message
 * @property {boolean} [failed]
 */

const LIMIT = 1000

/**
 * The last messages, received and sent. Outside the store, since a copy of the
 * list per message would be too much.
 */
export class MessageHistory {
  /** @type {Entry[]} oldest first */
  entries = []
  /** Messages that no longer fit. */
  dropped = 0
  limit = LIMIT
  #lastId = 0
  /** @type {(entry: Entry) => void} */
  onAppend = () => {}
  /** @type {(entry: Entry) => void} */
  onChange = () => {}
  /** @type {(entry: Entry) => void} */
  onRemove = () => {}
  onClear = () => {}

  /**
   * @param {Omit<Entry, 'id'>} message
   * @returns {Entry}
   */
  append(message) {
    const entry = { id: ++this.#lastId, ...message }
    this.entries.push(entry)
    if (this.entries.length > LIMIT) {
      this.entries.shift()
      this.dropped++
    }
    this.onAppend(entry)
    return entry
  }

  /**
   * @param {Entry} entry
   * @param {Partial<Entry>} change
   */
  change(entry, change) {
    Object.assign(entry, change)
    this.onChange(entry)
  }

  /** @param {Entry} entry */
  remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry)
    this.onRemove(entry)
  }

  clear() {
    this.entries = []
    this.dropped = 0
    this.onClear()
  }
}
