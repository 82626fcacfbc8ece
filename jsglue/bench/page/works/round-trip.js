// How long a message takes from the page to the server and back, one at a time:
// on an idle connection, and beside a steady stream on the same one.
// @ts-check
import { duration, listen, ownTopic } from './common.js'

/** @typedef {import('./index.js').Work} Work */

/** The stream's messages a second, and how often some are published, in ms. */
const stream = { rate: 1000, every: 5 }

/** One message at a time, each after a moment of rest. @type {Work} */
export async function roundTrip({ connection, scale }) {
  const times = await measure(connection, 2 * duration * scale)
  return { 'round-trip-p50': at(times, 0.5), 'round-trip-p99': at(times, 0.99) }
}

/** @type {Work} */
export async function roundTripLoaded({ connection, scale }) {
  const topic = `${ownTopic(connection)}/stream`, payload = 'x'.repeat(128)
  let sent = 0, received = 0, ended = false, done = () => {}
  const all = new Promise(resolve => { done = () => resolve(undefined) })
  await listen(connection, topic, () => { if (++received === sent && ended) done() })
  const start = performance.now()
  const timer = setInterval(() => {
    for (const due = (performance.now() - start) / 1000 * stream.rate; sent < due; sent++) connection.publish(topic, payload, 0)
  }, stream.every)
  const times = await measure(connection, 2 * duration * scale)
  clearInterval(timer)
  ended = true
  if (received < sent) await all
  return { 'round-trip-loaded-p50': at(times, 0.5), 'round-trip-loaded-p99': at(times, 0.99) }
}

/**
 * @param {import('../lanes/index.js').Connection} connection
 * @param {number} ms
 * @returns {Promise<number[]>} sorted
 */
async function measure(connection, ms) {
  const topic = ownTopic(connection), payload = 'x'.repeat(128)
  let arrived = () => {}
  await listen(connection, topic, () => arrived())
  /** @type {number[]} */
  const times = []
  for (const start = performance.now(); performance.now() - start < ms;) {
    await new Promise(resolve => setTimeout(resolve, 2))
    const start = performance.now()
    await new Promise(resolve => {
      arrived = () => resolve(undefined)
      connection.publish(topic, payload, 0)
    })
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)
}

/**
 * @param {readonly number[]} sorted
 * @param {number} part
 */
const at = (sorted, part) => /** @type {number} */ (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))])
