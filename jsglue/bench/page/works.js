// What is measured: each work runs for a fraction of a second on an open
// connection and returns its figures by name. A throughput is in messages per
// second, a round trip in ms.
// @ts-check

/**
 * @typedef {import('./lanes.js').Connection} Connection
 * @typedef {(connection: Connection) => Promise<Record<string, number>>} Work
 */

/** How long a work goes on that has no count, in ms. */
const duration = 200

/** Messages published in one turn of the page, which stays responsive so. */
const slice = 500

/** Messages on their way from the page and back to it at a time. */
const window = 100

/** Works for a server that routes messages. @type {Record<string, Work>} */
export const brokerWorks = {
  'qos0-publish': qos0('qos0-publish', 128, 5000),
  'qos0-publish-16B': qos0('qos0-publish-16B', 16, 5000),
  'qos0-publish-4KB': qos0('qos0-publish-4KB', 4096, 500),
  'qos1-publish-1': qos1('qos1-publish-1', 1),
  'qos1-publish-10': qos1('qos1-publish-10', 10),
  'qos1-publish-100': qos1('qos1-publish-100', 100),
  'publish-and-receive': publishAndReceive,
  'round-trip': roundTrip,
}

/** Works for the flood server. @type {Record<string, Work>} */
export const floodWorks = {
  'receive-1': receive('receive-1', 1, 10_000),
  'receive-20': receive('receive-20', 20, 20_000),
}

/**
 * Publishes without waiting. The PUBACK of one last message of QoS 1 says that
 * the server has read them all.
 *
 * @param {string} name
 * @param {number} size
 * @param {number} count
 * @returns {Work}
 */
function qos0(name, size, count) {
  const payload = 'x'.repeat(size)
  return async connection => {
    const start = performance.now()
    for (let sent = 0; sent < count; sent += slice) {
      for (let i = 0; i < slice; i++) connection.publish('bench/qos0', payload, 0)
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
function qos1(name, inFlight) {
  const payload = 'x'.repeat(128)
  return connection => new Promise(resolve => {
    const start = performance.now()
    let sent = 0, acknowledged = 0
    const next = () => {
      sent++
      connection.publish('bench/qos1', payload, 1, () => {
        acknowledged++
        if (performance.now() - start < duration) next()
        else if (acknowledged === sent) resolve({ [name]: perSecond(sent, start) })
      })
    }
    while (sent < inFlight) next()
  })
}

/** Topics that a connection has subscribed to, and who listens now. @type {WeakMap<Connection, Map<string, (payload: Uint8Array) => void>>} */
const listening = new WeakMap()

/**
 * @param {Connection} connection
 * @param {string} topic
 * @param {(payload: Uint8Array) => void} received
 */
async function listen(connection, topic, received) {
  const topics = listening.get(connection) ?? new Map()
  listening.set(connection, topics)
  const known = topics.has(topic)
  topics.set(topic, received)
  if (!known) await connection.subscribe(topic, payload => topics.get(topic)(payload))
}

/** A topic that no other connection of the page uses. @type {WeakMap<Connection, string>} */
const ownTopics = new WeakMap()

/** @param {Connection} connection */
function ownTopic(connection) {
  const topic = ownTopics.get(connection) ?? `bench/own/${crypto.randomUUID()}`
  ownTopics.set(connection, topic)
  return topic
}

/** @type {Work} */
async function publishAndReceive(connection) {
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
    if (performance.now() - start < duration) next()
    else if (received === sent) done()
  })
  start = performance.now()
  while (sent < window) next()
  await all
  return { 'publish-and-receive': perSecond(sent, start) }
}

/** One message at a time, each after a moment of rest. @type {Work} */
async function roundTrip(connection) {
  const topic = ownTopic(connection), payload = 'x'.repeat(128)
  let arrived = () => {}
  await listen(connection, topic, () => arrived())
  /** @type {number[]} */
  const times = []
  for (const start = performance.now(); performance.now() - start < 2 * duration;) {
    await new Promise(resolve => setTimeout(resolve, 2))
    const start = performance.now()
    await new Promise(resolve => {
      arrived = () => resolve(undefined)
      connection.publish(topic, payload, 0)
    })
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { 'round-trip-p50': at(times, 0.5), 'round-trip-p99': at(times, 0.99) }
}

/**
 * Receives what the flood server sends, so many messages to a WebSocket message.
 *
 * @param {string} name
 * @param {number} perFrame
 * @param {number} count
 * @returns {Work}
 */
function receive(name, perFrame, count) {
  return async connection => {
    let received = 0, done = () => {}
    const all = new Promise(resolve => { done = () => resolve(undefined) })
    await listen(connection, 'bench/flood', payload => {
      if (payload.length !== 128) throw new Error('not what the flood server sends')
      if (++received === count) done()
    })
    const start = performance.now()
    connection.publish('bench/start', `${count} ${perFrame}`, 0)
    await all
    return { [name]: perSecond(count, start) }
  }
}

/**
 * @param {number} count
 * @param {number} start
 */
const perSecond = (count, start) => count / (performance.now() - start) * 1000

/**
 * @param {number[]} sorted
 * @param {number} part
 */
const at = (sorted, part) => /** @type {number} */ (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))])

/** @returns {Promise<void>} */
const nextTurn = () => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    resolve()
  }
  port2.postMessage(0)
})
