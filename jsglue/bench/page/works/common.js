// What several works need: topics, their handlers, and arithmetic.
// @ts-check

/** @typedef {import('../lanes/index.js').Connection} Connection */

/** How long a work goes on that has no count, in ms. */
export const duration = 200

/** Topics that a connection has subscribed to, and who listens now. @type {WeakMap<Connection, Map<string, (payload: Uint8Array) => void>>} */
const listening = new WeakMap()

/**
 * @param {Connection} connection
 * @param {string} topic
 * @param {(payload: Uint8Array) => void} received
 */
export async function listen(connection, topic, received) {
  const topics = listening.get(connection) ?? new Map()
  listening.set(connection, topics)
  const known = topics.has(topic)
  topics.set(topic, received)
  if (!known) await connection.subscribe(topic, payload => topics.get(topic)(payload))
}

/** A topic that no other connection of the page uses. @type {WeakMap<Connection, string>} */
const ownTopics = new WeakMap()

/** @param {Connection} connection */
export function ownTopic(connection) {
  const topic = ownTopics.get(connection) ?? `bench/own/${crypto.randomUUID()}`
  ownTopics.set(connection, topic)
  return topic
}

/**
 * @param {number} count
 * @param {number} start
 */
export const perSecond = (count, start) => count / (performance.now() - start) * 1000

/** @returns {Promise<void>} */
export const nextTurn = () => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    resolve()
  }
  port2.postMessage(0)
})
