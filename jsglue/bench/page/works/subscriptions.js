// Subscriptions with a wildcard, as a page makes them that watches devices: how long
// until a thousand are granted, and how fast messages then find their way, each
// through another of them; beside it a connection with one subscription, in turn.
// @ts-check
import { duration } from './common.js'

const count = 1000

/** Messages on their way at a time. */
const window = 100

/** Times that each connection has its turn. */
const turns = 4

/** @type {import('./index.js').Work} */
export async function subscriptions({ lane, server, scale }) {
  const thousand = await watch(await lane.open(server), count)
  const one = await watch(await lane.open(server), 1)
  const ms = duration * scale / turns
  for (let turn = 0; turn < turns; turn++) {
    await one.receive(ms)
    await thousand.receive(ms)
  }
  await Promise.all([one.close(), thousand.close()])
  return {
    'subscribe-1000': thousand.subscribed, 'receive-1-subscription': one.rate(), 'receive-1000-subscriptions': thousand.rate(),
    'subscriptions-1000-to-1': thousand.rate() / one.rate(),
  }
}

/**
 * Subscribes to the topics below so many devices.
 *
 * @param {import('../lanes/index.js').Connection} connection
 * @param {number} devices
 */
async function watch(connection, devices) {
  const root = `bench/devices/${crypto.randomUUID()}`, payload = 'x'.repeat(128)
  let sent = 0, received = 0, counted = 0, spent = 0, onMessage = () => {}
  const start = performance.now()
  await Promise.all(Array.from({ length: devices }, (_, i) => connection.subscribe(`${root}/${i}/+`, () => onMessage())))
  const next = () => connection.publish(`${root}/${sent++ % devices}/state`, payload, 0)
  return {
    subscribed: performance.now() - start,
    rate: () => counted / spent * 1000,
    close: () => connection.close(),

    /** @param {number} ms */
    async receive(ms) {
      const start = performance.now(), before = received
      await new Promise(resolve => {
        onMessage = () => {
          received++
          if (performance.now() - start < ms) next()
          else if (received === sent) resolve(undefined)
        }
        for (let i = 0; i < window; i++) next()
      })
      counted += received - before
      spent += performance.now() - start
    },
  }
}
