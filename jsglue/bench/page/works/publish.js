// Publishing: as fast as it goes, with so many unacknowledged, and with each
// message coming back.
// @ts-check
import { duration, listen, nextTurn, ownTopic, perSecond } from './common.js'

/** @typedef {import('./index.js').Work} Work */

/** What is published in one turn of the page, which stays responsive so. */
const slice = { messages: 500, bytes: 1_000_000 }

/** Messages on their way from the page and back to it at a time. */
const window = 100

/**
 * Publishes without waiting. The PUBACK of one last message of QoS 1 says that
 * the server has read them all.
 *
 * @param {string} name
 * @param {number} size
 * @param {number} most
 * @returns {Work}
 */
export function qos0(name, size, most) {
  const payload = 'x'.repeat(size)
  const inTurn = Math.min(slice.messages, Math.floor(slice.bytes / size))
  return async ({ connection, scale }) => {
    const count = Math.ceil(most * scale / inTurn) * inTurn
    const start = performance.now()
    for (let sent = 0; sent < count; sent += inTurn) {
      for (let i = 0; i < inTurn; i++) connection.publish('bench/qos0', payload, 0)
      await nextTurn()
    }
    await new Promise(done => connection.publish('bench/qos0', payload, 1, () => done(undefined)))
    return { [name]: perSecond(count, start) }
  }
}

/**
 * Publishes with so many unacknowledged at a time.
 *
 * @param {string} name
 * @param {number} inFlight
 * @returns {Work}
 */
export function qos1(name, inFlight) {
  const payload = 'x'.repeat(128)
  return ({ connection, scale }) => new Promise(resolve => {
    const start = performance.now()
    let sent = 0, acknowledged = 0
    const next = () => {
      sent++
      connection.publish('bench/qos1', payload, 1, () => {
        acknowledged++
        if (performance.now() - start < duration * scale) next()
        else if (acknowledged === sent) resolve({ [name]: perSecond(sent, start) })
      })
    }
    while (sent < inFlight) next()
  })
}

/** @type {Work} */
export async function publishAndReceive({ connection, scale }) {
  const topic = ownTopic(connection), payload = 'x'.repeat(128)
  let sent = 0, received = 0, start = 0
  const next = () => {
    sent++
    connection.publish(topic, payload, 0)
  }
  let done = () => {}
  const all = new Promise(resolve => { done = () => resolve(undefined) })
  await listen(connection, topic, () => {
    received++
    if (performance.now() - start < duration * scale) next()
    else if (received === sent) done()
  })
  start = performance.now()
  while (sent < window) next()
  await all
  return { 'publish-and-receive': perSecond(sent, start) }
}
