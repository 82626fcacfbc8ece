// From the navigation to the CONNACK, on a page that does nothing but connect: with
// nothing cached, once more with what the visit before left, and both over a slow
// line, which also counts the bytes.
// @ts-check
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium as browserType } from 'playwright-core'
import { chromium } from '../test/servers.mjs'
import { attempt } from './attempt.mjs'
import { median } from './report.mjs'
import { startPages } from './site.mjs'
import { fourG, startSlowLine } from './slow-line.mjs'
import { within } from './waits.mjs'

/** The part that `--only` chooses. */
export const startUpPart = 'start-up'

/**
 * @param {{ origin: string, options: { endpoint: string } }} gateway
 * @param {readonly string[]} lanes
 * @param {number} rounds
 * @param {import('./figures.mjs').Reasons} reasons
 * @returns {Promise<import('./figures.mjs').Table>}
 */
export async function measureStartUp(gateway, lanes, rounds, reasons) {
  /** @type {Record<string, Record<string, number[]>>} */
  const samples = {}
  const note = (/** @type {string} */ figure, /** @type {string} */ lane, /** @type {number} */ value) => ((samples[figure] ??= {})[lane] ??= []).push(value)
  const line = await startSlowLine(Number(new URL(gateway.origin).port), fourG)
  const browser = await browserType.launch(chromium)
  /**
   * @param {string} lane
   * @param {number} [port] of the line
   */
  const coldAndWarm = async (lane, port) => {
    const through = (/** @type {string} */ url) => port ? url.replace(/:\d+/, `:${port}`) : url
    const server = { ...gateway.options, endpoint: through(gateway.options.endpoint) }
    const address = `${through(gateway.origin)}/start/${startPages[/** @type {keyof typeof startPages} */ (lane)]}.html#${encodeURIComponent(JSON.stringify(server))}`
    const visit = async (/** @type {import('playwright-core').BrowserContext} */ context) => {
      const page = await context.newPage(), before = line.received()
      await page.goto(address)
      const connected = Number(await within(60_000, page.evaluate('connected'), `the start of ${lane}`))
      const bytes = line.received() - before
      await page.close()
      return { connected, bytes }
    }
    const fresh = await browser.newContext()
    const cold = await visit(fresh)
    await fresh.close()
    // A profile on the disk: what has none, as a private window, keeps no compiled code.
    const profile = mkdtempSync(join(tmpdir(), 'iotwasm-profile-'))
    const context = await browserType.launchPersistentContext(profile, chromium)
    try {
      await visit(context)
      const warm = await visit(context)
      return { cold, warm }
    } finally {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    }
  }
  try {
    await coldAndWarm(lanes[0]) // the browser's own start is not to be seen
    for (let round = 0; round < rounds; round++) {
      for (const lane of lanes) {
        if (reasons[startUpPart]?.[lane]) continue
        process.stderr.write(`start-up: ${lane}\n`)
        await attempt(reasons, startUpPart, lane, async () => {
          const near = await coldAndWarm(lane), slow = await coldAndWarm(lane, line.port)
          note('start-cold', lane, near.cold.connected)
          note('start-warm', lane, near.warm.connected)
          note('start-4g-cold', lane, slow.cold.connected)
          note('start-4g-warm', lane, slow.warm.connected)
          note('bytes-cold', lane, slow.cold.bytes / 1000)
          note('bytes-warm', lane, slow.warm.bytes / 1000)
        })
      }
    }
  } finally {
    await browser.close()
    line.stop()
  }
  return Object.fromEntries(Object.entries(samples).map(([figure, byLane]) =>
    [figure, Object.fromEntries(Object.entries(byLane).map(([lane, values]) => [lane, median(values)]))]))
}
