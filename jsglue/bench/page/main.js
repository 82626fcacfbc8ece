// The page's side of the benchmark: keeps a connection of each lane to each
// server, and runs one work at a time when asked for it.
// @ts-check
import { lanes } from './lanes/index.js'
import { watchMainThread } from './main-thread.js'
import { brokerWorks, floodWorks, signedWorks } from './works/index.js'
import { receiveFlood } from './works/receive.js'

/** @typedef {import('./lanes/index.js').Connection} Connection */

/** @type {Map<string, { connection: Connection, server: import('./lanes/index.js').Server }>} */
const open = new Map()

const works = { ...brokerWorks, ...signedWorks, ...floodWorks }

Object.assign(globalThis, {
  bench: {
    lanes: Object.keys(lanes),
    cannot: Object.fromEntries(Object.entries(lanes).map(([name, lane]) => [name, lane.cannot ?? {}])),
    brokerWorks: Object.keys(brokerWorks),
    signedWorks: Object.keys(signedWorks),
    floodWorks: Object.keys(floodWorks),

    /**
     * @param {string} lane
     * @param {string} name of the server
     * @param {import('./lanes/index.js').Server} server
     */
    async open(lane, name, server) {
      open.set(`${lane} ${name}`, { connection: await lanes[lane].open(server), server })
    },

    /**
     * @param {string} lane
     * @param {string} name of the server
     * @param {string} work
     * @param {number} scale
     */
    run(lane, name, work, scale) {
      return works[work]({ ...find(lane, name), lane: lanes[lane], scale })
    },

    /**
     * Receives a flood, and tells what it did to the page.
     *
     * @param {string} lane
     * @param {string} name of the server
     * @param {import('./works/receive.js').Flood} flood
     */
    async flood(lane, name, flood) {
      const stop = watchMainThread()
      await receiveFlood(find(lane, name).connection, flood)
      return stop()
    },

    async close() {
      await Promise.all([...open.values()].map(({ connection }) => connection.close()))
      open.clear()
    },
  },
})

/**
 * @param {string} lane
 * @param {string} name
 */
function find(lane, name) {
  const found = open.get(`${lane} ${name}`)
  if (!found) throw new Error(`${lane} has no connection to ${name}`)
  return found
}
