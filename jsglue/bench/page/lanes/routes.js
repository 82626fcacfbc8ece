// The page's own routing, for clients that have one handler for all messages: no
// more than the works need, so that it costs them next to nothing.
// @ts-check

/** @typedef {(payload: Uint8Array) => void} Received */

export class Routes {
  /** @type {Map<string, Received>} */
  #exact = new Map()
  /** @type {Received | undefined} */
  #rest

  /**
   * @param {string} filter
   * @param {Received} received
   */
  add(filter, received) {
    if (/[+#]/.test(filter)) this.#rest = received
    else this.#exact.set(filter, received)
  }

  /**
   * @param {string} topic
   * @param {Uint8Array} payload
   */
  deliver(topic, payload) {
    const received = this.#exact.get(topic) ?? this.#rest
    received?.(payload)
  }
}
