// What a flood does to the page's own thread: as fast as it comes, and at a rate
// that every lane keeps up with. One lane at a time, round by round.
// @ts-check
import { attempt } from './attempt.mjs'
import { withLoneLane } from './lone-lane.mjs'
import { median } from './report.mjs'

/** The part that `--only` chooses. */
export const blockingPart = 'blocking'

/** @type {{ rate: number, seconds: number, messages: number }} */
export const blockingFlood = { rate: 2000, seconds: 2, messages: 100_000 }

/**
 * @param {string} origin of the site
 * @param {readonly string[]} lanes
 * @param {unknown} flood server
 * @param {boolean} quick
 * @param {import('./figures.mjs').Reasons} reasons
 * @returns {Promise<import('./figures.mjs').Table>}
 */
export async function measureBlocking(origin, lanes, flood, quick, reasons) {
  const { rate, messages } = blockingFlood, seconds = quick ? 1 : blockingFlood.seconds
  const full = { count: quick ? messages / 5 : messages, perFrame: 20 }
  /** @type {Record<string, Record<string, number[]>>} */
  const samples = {}
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const lane of lanes) {
      if (reasons[blockingPart]?.[lane]) continue
      process.stderr.write(`blocking: ${lane}\n`)
      await attempt(reasons, blockingPart, lane, () => withLoneLane(origin, lane, flood, async lone => {
        await lone.flood({ count: 10_000, perFrame: 20 }) // what has run once is compiled by then
        const start = await lone.taskTime()
        const fast = await lone.flood(full)
        const between = await lone.taskTime()
        const steady = await lone.flood({ count: rate * seconds, perFrame: 4, rate })
        const end = await lone.taskTime()
        for (const [figure, value] of Object.entries({
          'flood-main-thread': (between - start) * 1000, 'flood-blocked': fast.blocked,
          'flood-longest-task': fast.longest, 'flood-missed-frames': fast.missed,
          'steady-blocked': steady.blocked, 'steady-missed-frames': steady.missed, 'steady-main-thread': (end - between) * 1e5 / steady.ms,
        })) ((samples[figure] ??= {})[lane] ??= []).push(value)
      }))
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([figure, byLane]) =>
    [figure, Object.fromEntries(Object.entries(byLane).map(([lane, values]) => [lane, median(values)]))]))
}
