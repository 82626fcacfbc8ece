// A browser with one page that has one lane open, for what can only be told of a
// lane alone: its memory, its CPU time, what it does to the page's own thread.
// It is Puppeteer's, which reaches the debugger of a page's Worker.
// @ts-check
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import { chromium } from '../test/servers.mjs'
import { heapInUse, wasmMemory } from './memory.mjs'
import { within } from './waits.mjs'

/** A million messages take mqtt.js minutes on a slow machine. */
const patience = 400_000

/**
 * @typedef {object} LoneLane
 * @property {(name: string, server: unknown) => Promise<unknown>} open connects the lane to one more server
 * @property {(work: string, server: string, scale?: number) => Promise<Record<string, number>>} run
 * @property {(flood: { count: number, perFrame: number, rate?: number }) => Promise<import('./page/main-thread.js').Felt>} flood
 * @property {() => Promise<number>} cpuTime of all of the browser's processes, in s
 * @property {() => Promise<number>} taskTime of the page's thread, in s
 * @property {() => Promise<number>} memory in use by the page and its Worker, in bytes
 * @property {() => Promise<number>} processSize of the page's process, in bytes
 */

/**
 * @template T
 * @param {string} origin of the site
 * @param {string} lane
 * @param {unknown} flood server
 * @param {(lone: LoneLane) => Promise<T>} measure
 * @returns {Promise<T>}
 */
export async function withLoneLane(origin, lane, flood, measure) {
  const browser = await puppeteer.launch({ ...chromium, protocolTimeout: patience })
  try {
    const page = (await browser.pages())[0] ?? await browser.newPage()
    /** @type {Error | undefined} */
    let uncaught
    page.on('pageerror', error => { uncaught ??= /** @type {Error} */ (error) })
    await page.goto(origin)
    await page.waitForFunction('globalThis.bench')
    const open = (/** @type {string} */ name, /** @type {unknown} */ server) => page.evaluate(`bench.open('${lane}', '${name}', ${JSON.stringify(server)})`)
    await open('flood', flood)
    const session = await page.createCDPSession()
    await session.send('Performance.enable')
    const whole = await browser.target().createCDPSession()
    const threads = [session, ...page.workers().map(worker => worker.client)]
    const processes = async () => (await whole.send('SystemInfo.getProcessInfo')).processInfo
    const evaluate = async (/** @type {string} */ code) => {
      const value = await within(patience, page.evaluate(code), code)
      if (uncaught) throw uncaught
      return /** @type {any} */ (value)
    }
    return await measure({
      open,
      run: (work, server, scale = 1) => evaluate(`bench.run('${lane}', '${server}', '${work}', ${scale})`),
      flood: flood => evaluate(`bench.flood('${lane}', 'flood', ${JSON.stringify({ size: 128, ...flood })})`),
      cpuTime: async () => (await processes()).reduce((sum, p) => sum + p.cpuTime, 0),
      taskTime: async () => (await session.send('Performance.getMetrics')).metrics.find(m => m.name === 'TaskDuration')?.value ?? NaN,
      async memory() {
        let bytes = 0
        for (const thread of threads) bytes += await heapInUse(thread) + await wasmMemory(thread)
        return bytes
      },
      async processSize() {
        const pages = (await processes()).filter(p => p.type === 'renderer').map(p => p.id)
        return Math.max(...pages.map(residentSize)) // a browser keeps an empty one in reserve
      },
    })
  } finally {
    await browser.close()
  }
}

/**
 * Bytes of a process that are in memory; 0 once it has ended. Not every Debian has ps.
 *
 * @param {number} pid
 */
function residentSize(pid) {
  try {
    const text = process.platform === 'linux'
      ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
    return Number(text ?? 0) * 1024
  } catch {
    return 0
  }
}
