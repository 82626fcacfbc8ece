// Writes site/docs/performance (bench.json, the chart, and the page that shows
// them) and the README's table. By itself it writes them anew from the bench.json
// that is there.
// @ts-check
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chart } from './chart.mjs'
import { delayedTables } from './delayed.mjs'
import { base, figures, limit, moreIsBetter, ratio, show, subject, tables } from './figures.mjs'
import { writeReadme } from './readme-table.mjs'
import { gather } from './report.mjs'

/**
 * @typedef {object} Results
 * @property {string} date
 * @property {{ cpu: string, cores: number, chromium: string, node: string, go: string, loadBefore: number, rounds: number, seconds: number }} machine the load is that before the run
 * @property {string[]} lanes
 * @property {Record<string, number>} ratios of iotwasm in a Worker to mqtt.js
 * @property {Record<string, number>} toLimit the same to the limit
 * @property {Record<string, import('./figures.mjs').Table>} medians by table
 * @property {Record<string, import('./figures.mjs').Reasons>} reasons
 * @property {import('./delayed.mjs').Results} [delayed]
 */

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../site/docs/performance')
const file = join(folder, 'bench.json')

/** Nearer than that to each other, two lanes are told apart by chance. */
const margin = 0.1

/** What the figures of delayed publish are called. */
const delayedTitles = /** @type {Record<string, string>} */ ({
  'visible-p50': 'Page seen, p50', 'visible-p99': 'Page seen, p99', 'visible-max': 'Page seen, latest', 'visible-sent': 'Page seen, sent',
  'hidden-p50': 'Page hidden, p50', 'hidden-p99': 'Page hidden, p99', 'hidden-max': 'Page hidden, latest', 'hidden-sent': 'Page hidden, sent',
  'plan-main-thread': 'Planning, on the main thread', 'plan-taken': 'Planning, until the Worker has it', 'cancel-all': 'Cancelling all',
  'page-heap': 'Memory of the page', 'wasm-memory': 'Memory of the program', 'idle-main-thread': 'Main thread with none waiting', 'waiting-main-thread': 'Main thread with all waiting',
})

/** @param {Results} results */
export function writePerformance(results) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, JSON.stringify(results, null, 2) + '\n')
  writeFileSync(join(folder, 'chart.svg'), chart(results.medians))
  writeFileSync(join(folder, 'index.html'), page(results))
  writeReadme(results, warning(results))
}

/**
 * What readers have to know of a run whose machine had other work.
 *
 * @param {Results} results
 */
function warning({ machine: { loadBefore, cores } }) {
  return loadBefore > cores / 2 ? `The machine was busy with other work (load average ${loadBefore.toFixed(1)} before the run): these figures are preliminary.` : ''
}

/** @param {Results | undefined} results */
function page(results) {
  const sections = results ? Object.keys(tables).filter(name => results.medians[name]) : []
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="iotwasm beside mqtt.js, AWS's own client, paho-mqtt and a bare WebSocket: speed, start-up, memory, CPU time, and where it loses.">
<title>iotwasm: performance</title>
<link rel="icon" href="../../console/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="../docs.css">
</head>
<body>
<main class="guide figures">
<p><a href="../../">Console</a> · <a href="../reference/">Reference</a> · <a href="../delayed-publish/">Delayed publish</a> · <a href="../offline-testing/">Testing offline</a> · <a href="../mqttjs/">Coming from mqtt.js</a></p>
<h1>Performance</h1>
<p>What iotwasm costs and gives beside the clients that a page could use instead: mqtt.js 5.16 with aws4fetch, AWS’s own <code>aws-crt</code> (its MQTT 5 client for browsers),
and <code>paho-mqtt</code>. One more lane is <dfn>the limit</dfn>, a bare WebSocket that sends packets encoded beforehand and only scans what it receives: it checks nothing and recovers from nothing.</p>
<p>Everything here comes from one run of one command, in the folder of this project:</p>
<pre tabindex="0" role="group" aria-label="Command: measure"><code>make bench
</code></pre>
${results ? figuresOf(results, sections) : missing}
<h2 id="prefer">When to prefer mqtt.js</h2>
<ul>
<li>For one short visit over a slow line: iotwasm’s program weighs 0.96 MB, which only a second visit finds in the cache.</li>
<li>Where single messages wait for each other and a fraction of a millisecond counts: the hop to the Worker and into Go costs that.</li>
<li>Where a server speaks MQTT 3.1.1 only, or in Node.</li>
</ul>
<p>Prefer the bare WebSocket for nothing: it is here to show what is left to gain.</p>

<h2 id="how">How it is measured</h2>
<ul>
<li>The benchmark starts the local gateway (<code>-profile generic</code>), mosquitto and Chromium on one machine, with a loopback link between them. Their work shares its cores with the clients’, so compare lanes with each other, not with your own figures.</li>
<li>Lanes take turns: each goes first in one round, so that what disturbs the machine disturbs them alike. Two rounds are not counted.</li>
<li>iotwasm runs without AWS’s limits, or it would keep to 100 messages a second.</li>
<li>In the rows with 1,000 subscriptions iotwasm finds the handler of each message itself; for the others the page has one handler for all.</li>
<li>A hidden page is really hidden, with the browser’s own throttling of timers.</li>
<li><code>make bench ARGS=--quick</code> takes under three minutes, with fewer rounds and lanes; <code>ARGS='--only round-trip'</code> runs what has that in its name. Neither changes this page. The sources are in <code>jsglue/bench</code>.</li>
</ul>
</main>
</body>
</html>
`
}

const missing = `<p><b>No figures yet.</b> This page shows those of the last whole run, and none has been recorded.</p>
`

/**
 * @param {Results} results
 * @param {readonly string[]} sections
 */
function figuresOf(results, sections) {
  const { machine, date, medians, reasons, delayed } = results
  return `<p>This one was made on ${date}, in ${Math.round(machine.seconds / 60)} minutes, on ${machine.cores} cores of ${escape(machine.cpu)}: Chromium ${escape(machine.chromium)}, Node ${escape(machine.node)},
${escape(machine.go.replace('go', 'Go '))}; ${machine.rounds} rounds; load average before it ${machine.loadBefore.toFixed(1)}. Figures of other machines differ, ratios less. All of it: <a href="bench.json">bench.json</a>.</p>
${warning(results) ? `<p><b>${warning(results)}</b></p>\n` : ''}
<nav aria-label="Contents"><ul>
<li><a href="#short">In short</a></li>
${sections.map(name => `<li><a href="#${name}">${tables[name].title}</a></li>`).join('\n')}
${delayed ? '<li><a href="#delayed">Delayed publish</a></li>\n' : ''}<li><a href="#prefer">When to prefer mqtt.js</a></li>
<li><a href="#how">How it is measured</a></li>
</ul></nav>

<h2 id="short">In short</h2>
${verdicts(medians)}
<div class="scroll" tabindex="0" role="region" aria-label="Chart"><img class="chart" src="chart.svg" alt="Chart: how many times as good as mqtt.js each lane is, by work. The tables below have all of its figures." width="640"></div>
<p>In the tables that follow the small figures are the ratio to mqtt.js and that to the limit; what is bold is the best client.</p>
${sections.map(name => section(name, medians[name], results.lanes, reasons[name] ?? {})).join('\n')}
${delayed ? delayedSection(delayed) : ''}`
}

/** What a ratio is of. @type {Record<import('./figures.mjs').Unit, string>} */
const nouns = { '/s': 'rate', ms: 'time', 'µs': 'time', MB: 'memory', KB: 'bytes', '%': 'share', '×': 'share', frames: 'number' }

/**
 * Where iotwasm in a Worker is ahead of mqtt.js and where behind, the clearest first.
 *
 * @param {Results['medians']} medians
 */
function verdicts(medians) {
  const all = Object.entries(medians).filter(([name]) => name !== 'mosquitto').flatMap(([, table]) => Object.entries(table)).flatMap(([figure, byLane]) => {
    const [ours, theirs] = [byLane[subject], byLane[base]]
    if (ours === undefined || theirs === undefined || ours === theirs) return []
    const of = ratio(byLane, subject, base)
    const text = of === undefined ? `${show(figure, ours)}, mqtt.js none` : `${of.toFixed(2)}× the ${nouns[figures[figure].unit]}`
    return [{ figure, text, gain: moreIsBetter(figure) ? ours / theirs : theirs / ours }]
  }).sort((a, b) => b.gain - a.gain)
  const list = (/** @type {typeof all} */ some) => some.length === 0 ? '<p>Nothing.</p>' : `<ul>
${some.map(({ figure, text }) => `<li>${escape(verdictTitle(figure))}: ${text}${figures[figure].aside ? ` (${figures[figure].aside})` : ''}</li>`).join('\n')}
</ul>`
  return `<p>iotwasm in a Worker beside mqtt.js. Differences of less than ${margin * 100}% are left out: another run may turn them.</p>
<div class="verdicts">
<section><h3>Behind mqtt.js</h3>
${list(all.filter(({ gain }) => gain < 1 / (1 + margin)).reverse())}</section>
<section><h3>Ahead of mqtt.js</h3>
${list(all.filter(({ gain }) => gain > 1 + margin))}</section>
</div>`
}

/** Titles that say too little without their table's. @param {string} figure */
function verdictTitle(figure) {
  const { title } = figures[figure]
  if (figure.startsWith('cpu-')) return `CPU time, ${title[0].toLowerCase()}${title.slice(1)}`
  return /^(flood|steady)-/.test(figure) ? `Flood, ${title[0].toLowerCase()}${title.slice(1)}` : title
}

/**
 * @param {string} name
 * @param {import('./figures.mjs').Table} table
 * @param {readonly string[]} lanes
 * @param {import('./figures.mjs').Reasons} reasons
 */
function section(name, table, lanes, reasons) {
  const { title, text, remarks = [] } = tables[name]
  const shown = lanes.filter(lane => Object.values(table).some(byLane => byLane[lane] !== undefined))
  const notes = [...gather(reasons).map(note => note.replace(/^[^:]+/, names => names.split(', ').map(figure => figures[figure]?.title ?? figure).join('; '))), ...remarks]
  return `<h2 id="${name}">${title}</h2>
<p>${escape(text)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table class="lanes"><thead><tr><th scope="col">Work</th>${shown.map(lane => `<th scope="col">${laneTitle(lane)}</th>`).join('')}</tr></thead><tbody>
${Object.entries(table).map(([figure, byLane]) => `<tr><th scope="row">${escape(figures[figure].title)}</th>${shown.map(lane => `<td>${cell(figure, byLane, lane)}</td>`).join('')}</tr>`).join('\n')}
</tbody></table></div>
${notes.length > 0 ? `<ul>\n${notes.map(note => `<li>${escape(note[0].toUpperCase() + note.slice(1))}.</li>`).join('\n')}\n</ul>` : ''}`
}

/** @param {string} lane */
const laneTitle = lane => lane === limit ? 'the limit' : lane

/**
 * @param {string} figure
 * @param {Record<string, number>} byLane
 * @param {string} lane
 */
function cell(figure, byLane, lane) {
  const value = byLane[lane]
  if (value === undefined) return '–'
  const text = show(figure, value).replace(/^\d+/, digits => Number(digits).toLocaleString('en'))
  const clients = Object.entries(byLane).filter(([other]) => other !== limit).map(([, figures]) => figures)
  const best = moreIsBetter(figure) ? Math.max(...clients) : Math.min(...clients)
  const ratios = [base, limit].map(other => lane === other ? undefined : ratio(byLane, lane, other)).filter(r => r !== undefined).map(r => `${r.toFixed(2)}×`)
  return `${lane !== limit && value === best ? `<b>${text}</b>` : text}${ratios.length > 0 ? `<br><small>${ratios.join(' · ')}</small>` : ''}`
}

/** @param {import('./delayed.mjs').Results} results */
function delayedSection(results) {
  return `<h2 id="delayed">Delayed publish</h2>
${delayedTables(results).map(({ name, texts, lanes, rows }) => `<p>${texts.map(escape).join(' ')}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Delayed publish: ${name}"><table class="lanes"><thead><tr><th scope="col">Figure</th>${lanes.map(lane => `<th scope="col">${lane}</th>`).join('')}</tr></thead><tbody>
${rows.map(([figure, cells]) => `<tr><th scope="row">${delayedTitles[figure]}</th>${cells.map(text => `<td>${escape(text.replace(/^-$/, '–'))}</td>`).join('')}</tr>`).join('\n')}
</tbody></table></div>`).join('\n')}
`
}

/** @param {string} text */
const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (existsSync(file)) writePerformance(JSON.parse(readFileSync(file, 'utf8')))
  else {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.html'), page(undefined))
  }
}
