// Delayed publish: how late messages are in a page that is visible and in one
// that is hidden, and what many waiting ones cost. Beside iotwasm stands mqtt.js
// with the page's own timers: set all at once, or each by the one before it.
//
// It drives Chromium with Puppeteer, since Playwright keeps every page visible.
// @ts-check
import puppeteer from 'puppeteer-core'
import { chromium } from '../test/servers.mjs'
import { heapInUse, wasmMemory } from './memory.mjs'
import { median, percentile, printRows } from './report.mjs'
import { sleep } from './waits.mjs'

/**
 * @typedef {object} Lateness in ms; with fewer messages sent than planned a lower bound
 * @property {number} sent messages
 * @property {number} p50
 * @property {number} p99
 * @property {number} max
 *
 * @typedef {{ first: number, median: number }} Times in ms, of several plans
 *
 * @typedef {object} Waiting
 * @property {Times} plan of the main thread, until the plan is handed over
 * @property {Times} [taken] until the program knows it
 * @property {Times} cancel until all are cancelled
 * @property {number} heap bytes by which the page's grew
 * @property {Change} [wasm] bytes of the program's memory
 * @property {Change} busy ms of the main thread, while the page does nothing else
 * @property {number} idle how long that was watched, in ms
 *
 * @typedef {{ before: number, with: number }} Change
 *
 * @typedef {object} Results
 * @property {number} steps messages of each plan, but for those that wait
 * @property {Record<string, Lateness>} [visible] by lane
 * @property {Record<string, Lateness>} [hidden]
 * @property {number} [hiddenFor] ms before the first of its messages were planned
 * @property {Record<string, Waiting>} [waiting]
 */

/** The parts that `--only` chooses from. */
export const delayedParts = ['delayed-visible', 'delayed-hidden', 'delayed-waiting']

/** Messages in a page that is seen or hidden. */
const sequence = { quick: 60, full: 200 }

const waitingSteps = 10_000
const waitingRounds = 5

/** How long the main thread is watched, in ms. */
const idle = { quick: 1000, full: 5000 }

/**
 * @param {readonly string[]} parts of those above
 * @param {string} origin of the site
 * @param {unknown} server what a lane connects to
 * @param {boolean} quick
 * @returns {Promise<Results>}
 */
export async function measureDelayed(parts, origin, server, quick) {
  /** How long a page is hidden before its messages start, and how long it is waited for after their time. */
  const hiddenBefore = quick ? 10_000 : 45_000, patience = quick ? 10_000 : 45_000
  const steps = quick ? sequence.quick : sequence.full
  const browser = await puppeteer.launch({
    ...chromium,
    // A hidden page is to be treated as one, and as one that has been hidden for long.
    ignoreDefaultArgs: ['--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding'],
    args: [...chromium.args, '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5'],
  })
  /** @type {Error | undefined} */
  let uncaught
  const newPage = async () => {
    const page = await browser.newPage()
    page.on('pageerror', error => { uncaught ??= /** @type {Error} */ (error) })
    await page.goto(`${origin}/delayed.html`)
    await page.waitForFunction('globalThis.delayed')
    return page
  }
  /**
   * @param {import('puppeteer-core').Page} page
   * @param {string} lane
   */
  const open = (page, lane) => page.evaluate(`delayed.open('${lane}', ${JSON.stringify(server)})`)
  /**
   * @param {import('puppeteer-core').Page} page
   * @param {number} limit
   */
  const lateness = async (page, limit) => {
    const done = page.evaluate(`delayed.start(${steps})`)
    await Promise.race([done, sleep(limit)])
    done.catch(() => {}) // of what was not waited for
    const { late, sent } = /** @type {{ late: number[], sent: number }} */ (await page.evaluate('delayed.stop()'))
    if (uncaught) throw uncaught
    return { sent, p50: median(late), p99: percentile(late, 0.99), max: Math.max(...late) }
  }
  /** @type {Results} */
  const results = { steps }
  try {
    const lanes = /** @type {string[]} */ (await (await newPage()).evaluate('delayed.lanes'))
    /** A page for each, so that no lane's work wakes another's. @type {Map<string, import('puppeteer-core').Page>} */
    const hiddenPages = new Map()
    if (parts.includes('delayed-hidden')) {
      for (const lane of lanes) {
        const page = await newPage()
        await open(page, lane)
        hiddenPages.set(lane, page)
      }
    }
    const front = await newPage()
    await front.bringToFront()

    // The pages that are to be hidden for long already are, and idle.
    if (parts.includes('delayed-visible')) {
      results.visible = {}
      for (const lane of lanes) {
        process.stderr.write(`delayed, visible: ${lane}\n`)
        await open(front, lane)
        results.visible[lane] = await lateness(front, steps * 50 + patience)
        await front.evaluate('delayed.close()')
      }
    }

    if (parts.includes('delayed-hidden')) {
      const hiddenFor = async () => Math.min(...await Promise.all([...hiddenPages.values()].map(page => page.evaluate('delayed.hiddenFor()').then(Number))))
      process.stderr.write('delayed, hidden\n')
      await sleep(Math.max(0, hiddenBefore - await hiddenFor()))
      const before = await hiddenFor()
      if (before < hiddenBefore) throw new Error(`a page was hidden for ${before} ms only`)
      results.hiddenFor = before
      const [first, ...others] = hiddenPages
      const measure = async (/** @type {readonly [string, import('puppeteer-core').Page]} */ [lane, page]) => [lane, await lateness(page, steps * 50 + patience)]
      // The Worker's is the one that others' work on the same cores could be seen in.
      results.hidden = Object.fromEntries([await measure(first), ...await Promise.all(others.map(measure))])
      if (await hiddenFor() < before + steps * 50) throw new Error('a page did not stay hidden')
      for (const page of hiddenPages.values()) await page.close()
    }

    if (parts.includes('delayed-waiting')) {
      results.waiting = {}
      for (const lane of lanes.filter(lane => lane !== 'mqtt.js chained')) {
        process.stderr.write(`delayed, waiting: ${lane}\n`)
        const page = await newPage()
        await page.bringToFront()
        await open(page, lane)
        results.waiting[lane] = await waiting(page, lane.startsWith('iotwasm'), quick ? idle.quick : idle.full)
        if (uncaught) throw uncaught
        await page.close()
      }
    }
  } finally {
    await browser.close()
  }
  return results
}

/**
 * @param {import('puppeteer-core').Page} page with an open lane
 * @param {boolean} ofProgram whether it is iotwasm that waits
 * @param {number} idle how long the main thread is watched, in ms
 * @returns {Promise<Waiting>}
 */
async function waiting(page, ofProgram, idle) {
  const session = await page.createCDPSession()
  await session.send('Performance.enable')
  // The program's memory is in the Worker, or in the page where there is none.
  const program = page.workers()[0]?.client ?? session
  const sizes = async () => ({ heap: await heapInUse(session), wasm: await wasmMemory(program) })
  const taskTime = async () => ((await session.send('Performance.getMetrics')).metrics.find(m => m.name === 'TaskDuration')?.value ?? NaN) * 1000
  const busy = async () => {
    await sleep(1000) // what the measuring itself left to do
    const start = await taskTime()
    await sleep(idle)
    return await taskTime() - start
  }
  const plan = () => /** @type {Promise<{ mainThread: number, taken: number }>} */ (page.evaluate(`delayed.wait(${waitingSteps})`))
  const cancel = () => page.evaluate('delayed.cancel()').then(Number)

  const before = await sizes(), busyBefore = await busy()
  const plans = [await plan()]
  const after = await sizes(), busyWith = await busy()
  const cancels = [await cancel()]
  while (plans.length < waitingRounds) {
    plans.push(await plan())
    cancels.push(await cancel())
  }
  return {
    plan: times(plans.map(p => p.mainThread)),
    ...(ofProgram && { taken: times(plans.map(p => p.taken)) }),
    cancel: times(cancels),
    heap: after.heap - before.heap,
    ...(ofProgram && { wasm: { before: before.wasm, with: after.wasm } }),
    busy: { before: busyBefore, with: busyWith }, idle,
  }
}

/**
 * @param {readonly number[]} values
 * @returns {Times}
 */
const times = values => ({ first: values[0], median: median(values) })

/**
 * The tables of what was measured, for the terminal and the page.
 *
 * @param {Results} results
 * @returns {{ name: string, texts: string[], lanes: string[], rows: [figure: string, cells: string[]][] }[]}
 */
export function delayedTables({ steps, visible, hidden, hiddenFor = 0, waiting }) {
  const tables = []
  const lanes = Object.keys(visible ?? hidden ?? {})
  /** @type {[string, string[]][]} */
  const rows = Object.entries({ visible, hidden }).flatMap(([name, byLane]) => byLane ? [
    .../** @type {const} */ (['p50', 'p99', 'max']).map(figure =>
      /** @type {[string, string[]]} */ ([`${name}-${figure}`, lanes.map(lane => `${byLane[lane].sent < steps ? 'over ' : ''}${time(byLane[lane][figure])}`)])),
    /** @type {[string, string[]]} */ ([`${name}-sent`, lanes.map(lane => `${byLane[lane].sent} of ${steps}`)]),
  ] : [])
  if (rows.length > 0) {
    const texts = [`How late ${steps} messages 50 ms apart were handed to the socket; what was not sent when the wait ended counts as sent then.`]
    if (hidden) texts.push(`The hidden pages had been hidden for ${Math.round(hiddenFor / 1000)} s.`)
    if (hidden && hidden['mqtt.js chained'].max < 5000) texts.push('This browser did not throttle their chained timers: their figures say little.')
    tables.push({ name: 'delayed', texts, lanes, rows })
  }
  if (waiting) {
    const all = Object.values(waiting)
    tables.push({
      name: 'waiting', lanes: Object.keys(waiting),
      texts: [`${waitingSteps.toLocaleString('en')} messages that wait for an hour: medians of ${waitingRounds} plans, in brackets the first; the main thread's work in ${all[0].idle / 1000} s.`],
      rows: /** @type {[string, string[]][]} */ ([
        ['plan-main-thread', all.map(w => firstToo(w.plan))],
        ['plan-taken', all.map(w => w.taken ? firstToo(w.taken) : '-')],
        ['cancel-all', all.map(w => firstToo(w.cancel))],
        ['page-heap', all.map(w => `+${megabytes(w.heap)} MB`)],
        ['wasm-memory', all.map(w => w.wasm ? `${megabytes(w.wasm.before)} to ${megabytes(w.wasm.with)} MB` : '-')],
        ['idle-main-thread', all.map(w => time(w.busy.before))],
        ['waiting-main-thread', all.map(w => time(w.busy.with))],
      ]),
    })
  }
  return tables
}

/** @param {Results} results */
export function printDelayed(results) {
  for (const { name, texts, lanes, rows } of delayedTables(results)) {
    console.log(`\n${texts.join('\n')}`)
    printRows(name, lanes, rows)
  }
}

/** @param {Times} times */
const firstToo = ({ first, median }) => `${time(median)} (${time(first)})`

/** @param {number} ms */
const time = ms => ms < 1000 ? `${ms.toFixed(2)} ms` : `${(ms / 1000).toFixed(2)} s`

/** @param {number} bytes */
const megabytes = bytes => (bytes / 1e6).toFixed(1)
