// A line between the page and its server, with the rate and the delay of a mobile
// one, that counts the bytes that cross it. The browser's own emulation delays
// neither a connection's handshake nor WebSocket messages, so it is a TCP proxy.
// @ts-check
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** What WebPageTest calls 4G. */
export const fourG = { bitsPerSecond: 9e6, roundTrip: 170 }

/** More than that is not sent at a time, so that connections share the rate. */
const portion = 16 * 1024

/**
 * @typedef {object} Line
 * @property {number} port
 * @property {() => number} received bytes that the page's side was sent so far
 * @property {() => void} stop
 */

/**
 * @param {number} target port on this machine
 * @param {{ bitsPerSecond: number, roundTrip: number }} rates
 * @returns {Promise<Line>}
 */
export async function startSlowLine(target, { bitsPerSecond, roundTrip }) {
  let received = 0
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  /** When each direction has sent what it was given, in ms. */
  const free = { up: 0, down: 0 }

  const server = createServer({ allowHalfOpen: true }, near => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    // The proxy accepts at once: the handshake's round trip is put before the first byte.
    const usable = performance.now() + roundTrip
    for (const [from, to, way] of /** @type {const} */ ([[near, far, 'up'], [far, near, 'down']])) {
      sockets.add(from)
      from.setNoDelay()
      let last = usable
      /**
       * @param {number} bytes
       * @param {() => void} arrive
       */
      const carry = (bytes, arrive) => {
        free[way] = Math.max(performance.now(), free[way]) + bytes * 8 / bitsPerSecond * 1000
        last = Math.max(last, free[way] + roundTrip / 2)
        setTimeout(() => { if (!to.destroyed) arrive() }, last - performance.now())
      }
      from.on('data', data => {
        for (let at = 0; at < data.length; at += portion) {
          const part = data.subarray(at, at + portion)
          if (way === 'down') received += part.length
          carry(part.length, () => to.write(part))
        }
      })
      from.on('end', () => carry(0, () => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: /** @type {import('node:net').AddressInfo} */ (server.address()).port,
    received: () => received,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
