// The page's side of the benchmark: keeps a connection of each lane to each
// server, and runs one work at a time when run.mjs asks for it.
// @ts-check
import { lanes } from './lanes.js'
import { brokerWorks, floodWorks } from './works.js'

/** @type {Map<string, import('./lanes.js').Connection>} */
const connections = new Map()

const works = { ...brokerWorks, ...floodWorks }

Object.assign(globalThis, {
  bench: {
    lanes: Object.keys(lanes),
    brokerWorks: Object.keys(brokerWorks),
    floodWorks: Object.keys(floodWorks),

    /**
     * @param {string} lane
     * @param {string} name of the server
     * @param {import('./lanes.js').Server} server
     */
    async open(lane, name, server) {
      connections.set(`${lane} ${name}`, await lanes[lane](server))
    },

    /**
     * @param {string} lane
     * @param {string} name of the server
     * @param {string} work
     */
    run(lane, name, work) {
      return works[work](connections.get(`${lane} ${name}`))
    },

    async close() {
      await Promise.all([...connections.values()].map(connection => connection.close()))
      connections.clear()
    },
  },
})
