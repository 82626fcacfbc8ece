// Receiving what the flood server sends, so many messages to a WebSocket message.
// @ts-check
import { listen, perSecond } from './common.js'

/**
 * @param {string} name
 * @param {number} perFrame
 * @param {number} most
 * @param {number} [size]
 * @returns {import('./index.js').Work}
 */
export function receive(name, perFrame, most, size = 128) {
  return async ({ connection, scale }) => {
    const count = Math.ceil(most * scale / perFrame) * perFrame
    const start = await receiveFlood(connection, { count, perFrame, size })
    return { [name]: perSecond(count, start) }
  }
}

/**
 * @typedef {object} Flood
 * @property {number} count of messages
 * @property {number} perFrame
 * @property {number} size of each payload
 * @property {number} [rate] messages a second; without it as fast as it goes
 */

/**
 * Asks for a flood and waits for the last of it. Returns when it began.
 *
 * @param {import('../lanes/index.js').Connection} connection
 * @param {Flood} flood
 */
export async function receiveFlood(connection, { count, perFrame, size, rate = 0 }) {
  let received = 0, done = () => {}
  const all = new Promise(resolve => { done = () => resolve(undefined) })
  await listen(connection, 'bench/flood', payload => {
    if (payload.length !== size) throw new Error('not what the flood server sends')
    if (++received === count) done()
  })
  const start = performance.now()
  connection.publish('bench/start', `${count} ${perFrame} ${size} ${rate}`, 0)
  await all
  return start
}
