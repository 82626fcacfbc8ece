// What a message costs: CPU time of all of the browser's processes, and the memory
// that is left in use after a million of them, by one lane at a time.
// @ts-check
import { attempt } from './attempt.mjs'
import { withLoneLane } from './lone-lane.mjs'
import { sleep } from './waits.mjs'

/** @typedef {import('./lone-lane.mjs').LoneLane} LoneLane */

/** The parts that `--only` chooses from. */
export const resourceParts = ['cpu', 'memory']

/**
 * @param {readonly string[]} parts of those above
 * @param {string} origin of the site
 * @param {readonly string[]} lanes
 * @param {{ gateway: unknown, flood: unknown }} servers
 * @param {boolean} quick
 * @param {import('./figures.mjs').Reasons} reasons
 */
export async function measureResources(parts, origin, lanes, servers, quick, reasons) {
  const messages = quick ? 20_000 : 1_000_000
  /** @type {import('./figures.mjs').Table} */
  const cpu = {}
  /** @type {import('./figures.mjs').Table} */
  const memory = {}
  for (const lane of lanes) {
    process.stderr.write(`${parts.join(' and ')}: ${lane}\n`)
    await attempt(reasons, parts.join(' and '), lane, () => withLoneLane(origin, lane, servers.flood, async lone => {
      const note = (/** @type {import('./figures.mjs').Table} */ table, /** @type {string} */ figure, /** @type {number} */ value) => { (table[figure] ??= {})[lane] = value }
      // What has run once is compiled by then.
      await lone.flood({ count: 10_000, perFrame: 20 })
      if (parts.includes('memory')) note(memory, 'memory-connected', await lone.memory() / 1e6)
      const peak = watchSize(lone)
      note(cpu, 'cpu-receive-20', await perMessage(lone, messages, () => lone.flood({ count: messages, perFrame: 20 })))
      note(memory, 'memory-peak', await peak() / 1e6)
      if (parts.includes('memory')) note(memory, 'memory-after', await lone.memory() / 1e6)
      if (!parts.includes('cpu')) return
      const count = quick ? 5000 : 50_000
      note(cpu, 'cpu-receive-1', await perMessage(lone, count, () => lone.flood({ count, perFrame: 1 })))
      const scale = quick ? 1 : 8
      await lone.open('gateway', servers.gateway) // which ends a connection that waited through a flood without a ping
      await lone.run('qos0-publish', 'gateway')
      note(cpu, 'cpu-publish-qos0', await perMessage(lone, 5000 * scale, () => lone.run('qos0-publish', 'gateway', scale)))
      await lone.run('qos1-publish-100', 'gateway')
      const before = await lone.cpuTime(), start = performance.now()
      const figures = await lone.run('qos1-publish-100', 'gateway', scale)
      const published = figures['qos1-publish-100'] * (performance.now() - start) / 1000
      note(cpu, 'cpu-publish-qos1', (await lone.cpuTime() - before) / published * 1e6)
    }))
  }
  return { messages, medians: { ...parts.includes('cpu') && { cpu }, ...parts.includes('memory') && { memory } } }
}

/**
 * In µs.
 *
 * @param {LoneLane} lone
 * @param {number} messages
 * @param {() => Promise<unknown>} work
 */
async function perMessage(lone, messages, work) {
  const before = await lone.cpuTime()
  await work()
  return (await lone.cpuTime() - before) / messages * 1e6
}

/** @param {LoneLane} lone */
function watchSize(lone) {
  let watching = true, largest = 0
  const done = (async () => {
    while (watching) {
      largest = Math.max(largest, await lone.processSize())
      await sleep(500)
    }
  })()
  return async () => {
    watching = false
    await done
    return largest
  }
}
