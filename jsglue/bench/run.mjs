// Compares iotwasm, in a Worker and on the page's thread, with mqtt.js in one
// page of Chromium, round by round in turn; then their delayed publishing. Prints
// ratios and writes results/bench.json, whose ratios are those of the Worker on
// the gateway. `--quick`: fewer rounds, shorter waits; `--only PART`: works whose
// name has PART.
// @ts-check
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium as browserType } from 'playwright-core'
import { buildGateway, chromium, startGateway, startMosquitto } from '../test/servers.mjs'
import { delayedParts, measureDelayed, printDelayed } from './delayed.mjs'
import { startFlood } from './flood.mjs'
import { median, printTable, ratio } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string', default: '' } } })
const warmUps = options.quick ? 1 : 2
const mostRounds = options.quick ? 3 : 7
/** A slow or busy machine makes fewer rounds than that, in ms. */
const timeForRounds = options.quick ? 60_000 : 180_000

/** @typedef {Record<string, number[]>} Samples of one figure, by lane */

const site = mkdtempSync(join(tmpdir(), 'iotwasm-bench-'))
cpSync(join(here, 'page'), site, { recursive: true })
cpSync(join(here, '../node_modules/mqtt/dist/mqtt.esm.js'), join(site, 'mqtt.esm.js'))
const program = buildGateway()
const gateway = await startGateway(program.path, { args: ['-profile', 'generic', '-site', site] })
const mosquitto = await startMosquitto()
const flood = await startFlood()
const browser = await browserType.launch(chromium)
try {
  const page = await browser.newPage()
  /** @type {Error | undefined} */
  let uncaught
  page.on('pageerror', error => { uncaught ??= error })
  await page.goto(gateway.origin)
  await page.waitForFunction('globalThis.bench')
  const { lanes, brokerWorks, floodWorks } = await page.evaluate('({ ...bench })')
  const servers = [
    { name: 'mosquitto', works: brokerWorks, server: { url: mosquitto.url } },
    { name: 'gateway', works: brokerWorks, server: gateway.options },
    { name: 'flood', works: floodWorks, server: { url: flood.url } },
  ].map(s => ({ ...s, works: s.works.filter(work => work.includes(options.only)) })).filter(s => s.works.length > 0)

  for (const { name, server } of servers) {
    for (const lane of lanes) await page.evaluate(`bench.open(${JSON.stringify(lane)}, '${name}', ${JSON.stringify(server)})`)
  }
  /** @type {Record<string, Record<string, Samples>>} */
  const samples = {}
  const start = performance.now()
  let rounds = 0
  for (let round = -warmUps; servers.length > 0 && round < mostRounds && (round < 1 || performance.now() - start < timeForRounds); round++) {
    process.stderr.write(round < 0 ? 'warming up\n' : `round ${round + 1} of ${mostRounds}\n`)
    rounds = round + 1
    for (const { name, works } of servers) {
      for (const work of works) {
        // Each lane goes first in turn.
        for (let i = 0; i < lanes.length; i++) {
          const lane = lanes[(i + round + warmUps) % lanes.length]
          const figures = await within(30_000, page.evaluate(`bench.run('${lane}', '${name}', '${work}')`), `${work} of ${lane} on ${name}`)
          if (uncaught) throw uncaught
          if (round < 0) continue
          for (const [figure, value] of Object.entries(figures)) (((samples[name] ??= {})[figure] ??= {})[lane] ??= []).push(value)
        }
      }
    }
  }
  await page.evaluate('bench.close()')
  await page.close()
  const parts = delayedParts.filter(part => part.includes(options.only))
  const delayed = parts.length > 0 ? await measureDelayed(parts, gateway.origin, gateway.options, Boolean(options.quick)) : undefined

  const machine = {
    cpu: cpus()[0]?.model ?? '', cores: cpus().length, chromium: browser.version(), node: process.versions.node,
    go: execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim(), load: loadavg()[0], rounds,
  }
  console.log(`${machine.cores} cores of ${machine.cpu}, Chromium ${machine.chromium}, node ${machine.node}, ${machine.go}; load ${machine.load?.toFixed(1)}`)
  if (rounds > 0) console.log(`Medians of ${rounds} rounds. Ratios to mqtt.js: of messages per second, where more is better; of round trips, marked ms, where less is better.`)
  /** @type {Record<string, Record<string, Record<string, number>>>} */
  const medians = {}
  /** @type {Record<string, number>} */
  const ratios = {}
  for (const [server, figures] of Object.entries(samples)) {
    medians[server] = Object.fromEntries(Object.entries(figures).map(([figure, byLane]) =>
      [figure, Object.fromEntries(Object.entries(byLane).map(([lane, values]) => [lane, median(values)]))]))
    printTable(server, medians[server], lanes, 'mqtt.js')
    // mosquitto's own time, one thread for all, would hide the clients'.
    if (server === 'mosquitto') continue
    for (const [figure, byLane] of Object.entries(medians[server])) ratios[figure] = ratio(byLane, 'iotwasm Worker', 'mqtt.js')
  }
  if (delayed) printDelayed(delayed)
  const results = join(here, 'results')
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, 'bench.json'), JSON.stringify({ machine, ratios, medians, delayed }, null, 2) + '\n')
  console.log()
  execFileSync(process.execPath, [join(here, '../size.mjs')], { stdio: 'inherit' })
} finally {
  await browser.close()
  await Promise.all([gateway.stop(), mosquitto.stop(), flood.stop()])
  program.clean()
  rmSync(site, { recursive: true, force: true })
}

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @param {string} what
 * @returns {Promise<T>}
 */
function within(ms, promise, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} took more than ${ms / 1000} s`)), ms) })
  return Promise.race([promise, /** @type {Promise<T>} */ (late)]).finally(() => clearTimeout(timer))
}
