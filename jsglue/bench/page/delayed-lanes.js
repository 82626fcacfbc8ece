// The ways to publish later that are compared: iotwasm's delayed publish, and
// mqtt.js with the page's own timers, behind one small interface.
// @ts-check
import { connectIotwasm } from './lanes/iotwasm.js'
import { connectMqttJs } from './lanes/mqttjs.js'

/**
 * @typedef {import('./lanes/index.js').Server} Server
 *
 * @typedef {object} Plan
 * @property {() => number[]} planned when each message is to go out, in ms since the epoch
 * @property {() => (number | undefined)[]} sent when each was handed to the socket
 * @property {Promise<unknown>} done resolves when each has been sent or cancelled
 * @property {() => void} cancel
 *
 * @typedef {object} Delays
 * @property {(topic: string, delays: readonly number[]) => Plan} plan one message for each delay, in ms from now
 * @property {() => Promise<unknown>} taken resolves when whoever does the waiting knows the plan
 * @property {() => Promise<unknown>} close
 */

const payload = 'x'.repeat(128)

/** @type {Record<string, (server: Server) => Promise<Delays>>} */
export const lanes = {
  'iotwasm Worker': server => openIotwasm(server, true),
  'iotwasm page': server => openIotwasm(server, false),
  'mqtt.js timers': server => openMqttJs(server, setAtOnce),
  'mqtt.js chained': server => openMqttJs(server, setOneByOne),
}

/** In ms since the epoch, with a finer grain than Date's. */
export const clock = () => performance.timeOrigin + performance.now()

/**
 * @param {Server} server
 * @param {boolean} worker
 * @returns {Promise<Delays>}
 */
async function openIotwasm(server, worker) {
  const client = await connectIotwasm(server, worker)
  return {
    plan(topic, delays) {
      const run = client.publishDelayed(delays.map(delay => ({ topic, payload, delay })))
      return {
        planned: () => run.steps.map(step => step.plannedAt),
        sent: () => run.steps.map(step => {
          if (step.error) throw step.error
          return step.sentAt
        }),
        done: run.done,
        cancel: () => run.cancel(),
      }
    },
    taken: () => client.stats(),
    close: () => client.close(),
  }
}

/**
 * Sets timers that call `due` after each delay, and returns what clears them.
 *
 * @callback SetTimers
 * @param {readonly number[]} delays
 * @param {number} start
 * @param {(index: number) => void} due
 * @returns {() => void}
 */

/** @type {SetTimers} */
function setAtOnce(delays, start, due) {
  const timers = delays.map((delay, i) => setTimeout(() => due(i), delay))
  return () => timers.forEach(timer => clearTimeout(timer))
}

/**
 * Each timer sets the next, for the time left until that is due, so that what one
 * is late by is not handed on.
 *
 * @type {SetTimers}
 */
function setOneByOne(delays, start, due) {
  /** @type {number | undefined} */
  let timer
  const set = (/** @type {number} */ i) => {
    timer = setTimeout(() => {
      due(i)
      if (i + 1 < delays.length) set(i + 1)
    }, start + delays[i] - clock())
  }
  set(0)
  return () => clearTimeout(timer)
}

/**
 * @param {Server} server
 * @param {SetTimers} setTimers
 * @returns {Promise<Delays>}
 */
async function openMqttJs(server, setTimers) {
  // In a page that is hidden for minutes its pings are late too, and the server ends
  // the link. Without them it measures the timers alone.
  const client = await connectMqttJs(server, 0)
  return {
    plan(topic, delays) {
      /** @type {(number | undefined)[]} */
      const sent = Array(delays.length)
      const start = clock()
      let finish = () => {}, left = delays.length
      const done = new Promise(resolve => { finish = () => resolve(undefined) })
      const clear = setTimers(delays, start, i => {
        if (!client.connected) throw new Error('mqtt.js is not connected any more')
        sent[i] = clock()
        client.publish(topic, payload)
        if (--left === 0) finish()
      })
      return {
        planned: () => delays.map(delay => start + delay),
        sent: () => sent,
        done,
        cancel() {
          clear()
          finish()
        },
      }
    },
    taken: async () => {},
    close: () => client.endAsync(),
  }
}
