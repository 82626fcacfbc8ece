// A thousand subscriptions with a wildcard, as a page makes them that watches a
// thousand devices: how long until all are granted, and how fast messages then
// find their way, each through another of them. It takes a connection of its own.
// @ts-check
import { duration, perSecond } from './common.js'

const count = 1000

/** Messages on their way at a time. */
const window = 100

/** @type {import('./index.js').Work} */
export async function subscriptions({ lane, server, scale }) {
  const connection = await lane.open(server)
  const root = `bench/devices/${crypto.randomUUID()}`, payload = 'x'.repeat(128)
  const topics = Array.from({ length: count }, (_, i) => `${root}/${i}/state`)
  let sent = 0, received = 0, start = 0, done = () => {}
  const all = new Promise(resolve => { done = () => resolve(undefined) })
  const next = () => connection.publish(topics[sent++ % count], payload, 0)
  const onMessage = () => {
    received++
    if (performance.now() - start < duration * scale) next()
    else if (received === sent) done()
  }
  const before = performance.now()
  await Promise.all(topics.map((_, i) => connection.subscribe(`${root}/${i}/+`, onMessage)))
  const subscribed = performance.now() - before
  start = performance.now()
  while (sent < window) next()
  await all
  const rate = perSecond(sent, start)
  await connection.close()
  return { 'subscribe-1000': subscribed, 'receive-1000-subscriptions': rate }
}
