// Compares iotwasm, in a Worker and on the page's thread, with mqtt.js, AWS's own
// client, paho-mqtt, and a bare WebSocket, which is the limit: works of a moment
// round by round in one page, then what takes a page or a browser for each. Prints
// tables and writes results/bench.json, whose ratios are those of the Worker to
// mqtt.js; a whole run writes site/docs/performance and the README's table too.
// `--quick`: fewer rounds and lanes, shorter waits; `--only PART`: works whose name
// has PART.
// @ts-check
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildGateway, startGateway, startMosquitto } from '../test/servers.mjs'
import { blockingPart, measureBlocking } from './blocking.mjs'
import { delayedParts, measureDelayed, printDelayed } from './delayed.mjs'
import { base, limit, ratio, subject, tables } from './figures.mjs'
import { startFlood } from './flood.mjs'
import { writePerformance } from './page-of-results.mjs'
import { printTable } from './report.mjs'
import { measureResources, resourceParts } from './resources.mjs'
import { measureRounds } from './rounds.mjs'
import { buildSite, startPages } from './site.mjs'
import { measureStartUp, startUpPart } from './start-up.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' } } })
const quick = Boolean(options.quick), only = String(options.only)
const wanted = (/** @type {string} */ name) => name.includes(only)
const lanes = Object.keys(startPages)
/** Those that get a browser of their own, which takes a while to start. */
const alone = quick ? lanes.filter(lane => [subject, base, limit].includes(lane)) : lanes
const began = performance.now(), loadBefore = loadavg()[0]

const site = await buildSite(wanted(startUpPart))
const program = buildGateway()
const gateway = await startGateway(program.path, { args: ['-profile', 'generic', '-site', site.site, '-pkg', site.pkg] })
const mosquitto = await startMosquitto()
const flood = await startFlood()
const servers = { gateway: gateway.options, mosquitto: { url: mosquitto.url }, flood: { url: flood.url } }
try {
  const rounds = await measureRounds(gateway.origin, servers, wanted,
    quick ? { warmUps: 1, most: 3, time: 20_000, scale: 0.25 } : { warmUps: 2, most: 7, time: 300_000, scale: 1 })
  const { medians, reasons } = rounds
  for (const name of Object.keys(tables)) reasons[name] ??= {}
  if (wanted(startUpPart)) medians['start-up'] = await measureStartUp(gateway, alone, quick ? 1 : 3, reasons['start-up'])
  if (wanted(blockingPart)) medians.blocking = await measureBlocking(gateway.origin, alone, servers.flood, quick, reasons.blocking)
  const resources = resourceParts.filter(wanted)
  const cost = resources.length > 0 ? await measureResources(resources, gateway.origin, alone, servers, quick, reasons.cpu) : undefined
  Object.assign(medians, cost?.medians)
  const parts = delayedParts.filter(wanted)
  const delayed = parts.length > 0 ? await measureDelayed(parts, gateway.origin, gateway.options, quick) : undefined

  const machine = {
    cpu: cpus()[0]?.model ?? '', cores: cpus().length, chromium: rounds.chromium, node: process.versions.node,
    go: execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim(), loadBefore, rounds: rounds.rounds,
    seconds: Math.round((performance.now() - began) / 1000),
  }
  console.log(`${machine.cores} cores of ${machine.cpu}, Chromium ${machine.chromium}, node ${machine.node}, ${machine.go}; load before the run ${loadBefore.toFixed(1)}; ${machine.seconds} s`)
  if (machine.rounds > 0) console.log(`The servers' tables: medians of ${machine.rounds} rounds.`)
  if (quick) console.log('A quick run: fewer messages and lanes where each lane is measured alone.')
  console.log(`After each figure its ratios to ${base} and to the limit. Of what is counted by the second more is better, of all else less.`)
  /** @type {Record<string, number>} */
  const ratios = {}
  /** @type {Record<string, number>} */
  const toLimit = {}
  for (const [name, table] of Object.entries(medians)) {
    if (Object.keys(table).length === 0) continue
    printTable(name, table, lanes, reasons[name])
    // mosquitto's own time, one thread for all, would hide the clients'.
    if (name === 'mosquitto') continue
    for (const [figure, byLane] of Object.entries(table)) {
      const [of, ofLimit] = [base, limit].map(other => ratio(byLane, subject, other))
      if (of !== undefined) ratios[figure] = of
      if (ofLimit !== undefined) toLimit[figure] = ofLimit
    }
  }
  if (delayed) printDelayed(delayed)
  const results = {
    date: new Date().toISOString().slice(0, 10), machine, lanes, ratios, toLimit, medians, reasons,
    ...(cost && { messages: cost.messages }), ...(delayed && { delayed }),
  }
  const folder = join(here, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.json'), JSON.stringify(results, null, 2) + '\n')
  if (!quick && !only) writePerformance(results)
  console.log()
  execFileSync(process.execPath, [join(here, '../size.mjs')], { stdio: 'inherit' })
} finally {
  await Promise.all([gateway.stop(), mosquitto.stop(), flood.stop()])
  program.clean()
  site.clean()
}
