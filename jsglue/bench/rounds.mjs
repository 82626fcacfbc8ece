// The works that take a moment each: all lanes in one page, round by round in
// turn, so that what disturbs the machine disturbs them alike.
// @ts-check
import { chromium as browserType } from 'playwright-core'
import { chromium } from '../test/servers.mjs'
import { attempt } from './attempt.mjs'
import { median } from './report.mjs'
import { within } from './waits.mjs'

/**
 * @typedef {import('./figures.mjs').Table} Table
 * @typedef {import('./figures.mjs').Reasons} Reasons
 *
 * @typedef {object} Plan
 * @property {number} warmUps rounds that are not counted
 * @property {number} most rounds
 * @property {number} time for them, in ms; a slow or busy machine makes fewer
 * @property {number} scale of each work: 1, or less for a quick run
 *
 * @typedef {object} Offered what the page can do
 * @property {string[]} lanes
 * @property {Reasons} cannot by lane and work
 * @property {string[]} brokerWorks
 * @property {string[]} signedWorks
 * @property {string[]} floodWorks
 *
 * @typedef {object} Results
 * @property {number} rounds
 * @property {string} chromium version
 * @property {Record<string, Table>} medians by server
 * @property {Record<string, Reasons>} reasons by server
 */

/**
 * @param {string} origin of the site
 * @param {{ gateway: unknown, mosquitto: unknown, flood: unknown }} servers what a lane connects to
 * @param {(work: string) => boolean} wanted
 * @param {Plan} plan
 * @returns {Promise<Results>}
 */
export async function measureRounds(origin, servers, wanted, { warmUps, most, time, scale }) {
  const browser = await browserType.launch(chromium)
  try {
    const page = await browser.newPage()
    /** @type {Error | undefined} */
    let uncaught
    page.on('pageerror', error => { uncaught ??= error })
    await page.goto(origin)
    await page.waitForFunction('globalThis.bench')
    const { lanes, cannot, brokerWorks, signedWorks, floodWorks } = /** @type {Offered} */ (await page.evaluate('({ ...bench })'))
    const asked = [
      { name: 'mosquitto', server: servers.mosquitto, works: brokerWorks },
      { name: 'gateway', server: servers.gateway, works: [...brokerWorks, ...signedWorks] },
      { name: 'flood', server: servers.flood, works: floodWorks },
    ].map(s => ({ ...s, works: s.works.filter(wanted) })).filter(s => s.works.length > 0)
    const open = (/** @type {string} */ lane, /** @type {string} */ name, /** @type {unknown} */ server) =>
      within(30_000, page.evaluate(`bench.open('${lane}', '${name}', ${JSON.stringify(server)})`), `connecting ${lane} to ${name}`)

    /** @type {Record<string, Record<string, Record<string, number[]>>>} */
    const samples = {}
    /** @type {Record<string, Reasons>} */
    const reasons = {}
    for (const { name, server, works } of asked) {
      samples[name] = {}
      reasons[name] = {}
      for (const lane of lanes) {
        await open(lane, name, server)
        for (const work of works) if (cannot[lane][work]) (reasons[name][work] ??= {})[lane] = cannot[lane][work]
      }
    }
    const start = performance.now()
    let rounds = 0
    for (let round = -warmUps; asked.length > 0 && round < most && (round < 1 || performance.now() - start < time); round++) {
      process.stderr.write(round < 0 ? 'warming up\n' : `round ${round + 1} of ${most}\n`)
      rounds = round + 1
      for (const { name, server, works } of asked) {
        for (const work of works) {
          // Each lane goes first in turn.
          for (let i = 0; i < lanes.length; i++) {
            const lane = lanes[(i + round + warmUps) % lanes.length]
            if (reasons[name][work]?.[lane]) continue
            const succeeded = await attempt(reasons[name], work, lane, async () => {
              const measured = await within(30_000, page.evaluate(`bench.run('${lane}', '${name}', '${work}', ${scale})`), work)
              if (uncaught) throw uncaught
              if (round < 0) return
              for (const [figure, value] of Object.entries(measured)) ((samples[name][figure] ??= {})[lane] ??= []).push(value)
            })
            if (succeeded) continue
            uncaught = undefined
            await open(lane, name, server) // what is left of its connection says nothing
          }
        }
      }
    }
    await page.evaluate('bench.close()')
    return {
      rounds, chromium: browser.version(), reasons,
      medians: Object.fromEntries(Object.entries(samples).map(([name, byFigure]) =>
        [name, Object.fromEntries(Object.entries(byFigure).map(([figure, byLane]) =>
          [figure, Object.fromEntries(lanes.filter(lane => byLane[lane]).map(lane => [lane, median(byLane[lane])]))]))])),
    }
  } finally {
    await browser.close()
  }
}
