// The page's side of the delayed part: plans with one lane when delayed.mjs asks
// for it, and tells what became of the plan.
// @ts-check
import { clock, lanes } from './delayed-lanes.js'

const spacing = 50
const hour = 3_600_000

/** @type {string} */
let lane
/** @type {import('./delayed-lanes.js').Delays} */
let open
/** @type {import('./delayed-lanes.js').Plan} */
let plan
/** @type {number[]} */
let planned
/** @type {number | undefined} */
let hiddenAt

const noteVisibility = () => { hiddenAt = document.visibilityState === 'hidden' ? clock() : undefined }
document.addEventListener('visibilitychange', noteVisibility)
noteVisibility()

Object.assign(globalThis, {
  delayed: {
    lanes: Object.keys(lanes),

    /**
     * @param {string} name of the lane
     * @param {import('./lanes/index.js').Server} server
     */
    async open(name, server) {
      lane = name
      open = await lanes[name](server)
    },

    /** How long the page has been hidden without a break, in ms. */
    hiddenFor() {
      return hiddenAt === undefined ? 0 : clock() - hiddenAt
    },

    /** @param {number} count of messages, 50 ms apart */
    start(count) {
      plan = open.plan(`bench/delayed/${lane.replace(/\W/g, '-')}`, Array.from({ length: count }, (_, i) => (i + 1) * spacing))
      planned = plan.planned() // now, before anything could put one off
      return plan.done.then(() => {})
    },

    /** How late each message was; what is not sent yet counts as sent now. */
    stop() {
      const sent = plan.sent(), now = clock()
      plan.cancel()
      return { late: planned.map((at, i) => (sent[i] ?? now) - at), sent: sent.filter(at => at !== undefined).length }
    },

    /**
     * Plans so many messages for an hour later. iotwasm hands them over in the
     * microtask after the call, which is of the main thread too.
     *
     * @param {number} count
     */
    async wait(count) {
      const later = Array.from({ length: count }, (_, i) => hour + i)
      const start = performance.now()
      plan = open.plan('bench/delayed/waiting', later)
      await undefined
      const mainThread = performance.now() - start
      await open.taken()
      return { mainThread, taken: performance.now() - start }
    },

    async cancel() {
      const start = performance.now()
      plan.cancel()
      await plan.done
      return performance.now() - start
    },

    close() {
      return open.close()
    },
  },
})
