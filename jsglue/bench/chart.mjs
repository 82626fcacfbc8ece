// The chart of the works that a server answers: how many times as good as mqtt.js
// each lane is. Times are turned over, so that right is better in every row.
// @ts-check
import { base, figures, limit, moreIsBetter } from './figures.mjs'

const left = 24, right = 36, top = 124, row = 44, width = 640

/** What the axis shows; what is beyond stands at its end with its value. */
const range = { from: 0.1, to: 10 }
const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]

const marks = ['iotwasm Worker', 'iotwasm page', 'aws-crt', 'paho', limit]

/** Where each mark's name stands in the legend. */
const legend = [24, 168, 296, 388, 460]

/**
 * @param {Record<string, import('./figures.mjs').Table>} medians by server
 * @returns {string} of SVG
 */
export function chart(medians) {
  const rows = ['gateway', 'flood'].flatMap(name => Object.entries(medians[name] ?? {})).filter(([, byLane]) => byLane[base] !== undefined)
  const bottom = top + rows.length * row + 4, height = bottom + 48
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">How many times as good as mqtt.js</title>
<desc id="desc">For each work a mark for each lane on a logarithmic scale, right of the line at 1 where it is better than mqtt.js. iotwasm in a Worker: ${describe(rows)}.</desc>
<style>
:root { background: var(--ground); --text: #17212b; --muted: #55626f; --line: #c3ccd4; --ground: #fff; --iotwasm: #0f5c6e; --crt: #a8480b; --paho: #6a44b0 }
@media (prefers-color-scheme: dark) { :root { --text: #e3e9ee; --muted: #9eabb7; --line: #3a4650; --ground: #10151a; --iotwasm: #6fc3d6; --crt: #f0a45c; --paho: #bda6f2 } }
text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--text) }
.muted { fill: var(--muted); font-size: 13px }
.ground { fill: var(--ground) }
.label { stroke: var(--ground); stroke-width: 4; paint-order: stroke }
.grid { stroke: var(--line) }
.base { stroke: var(--text); stroke-width: 1.5 }
.worker { fill: var(--iotwasm) }
.page { fill: var(--ground); stroke: var(--iotwasm); stroke-width: 2 }
.crt { fill: var(--crt) }
.paho { fill: var(--paho) }
.limit { stroke: var(--muted); stroke-width: 3 }
</style>
<rect class="ground" width="${width}" height="${height}"/>
<text x="16" y="28">How many times as good as ${base}: messages a second, times turned over</text>
${marks.map((lane, i) => `${mark(lane, legend[i], 54)}<text class="muted" x="${legend[i] + 13}" y="59">${lane === limit ? 'the limit' : lane}</text>`).join('\n')}
${ticks.map(tick => `<path class="${tick === 1 ? 'base' : 'grid'}" d="M${x(tick)} ${top - 14}V${bottom}"/><text class="muted" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick}×</text>`).join('\n')}
<text class="muted" x="${x(1)}" y="${top - 22}" text-anchor="middle">${base}</text>
<text class="muted" x="${x(range.to)}" y="${bottom + 37}" text-anchor="end">better →</text>
<text class="muted" x="${x(range.from)}" y="${bottom + 37}">← worse</text>
${rows.map(([figure, byLane], i) => line(figure, byLane, top + i * row + 30)).join('\n')}
</svg>
`
}

/**
 * @param {string} figure
 * @param {Record<string, number>} byLane
 * @param {number} y
 */
function line(figure, byLane, y) {
  const shown = marks.filter(lane => goodness(figure, byLane, lane) !== undefined)
  // The Worker's mark is drawn last, on top.
  return `<g><text class="label" x="${left}" y="${y - 17}">${escape(figures[figure].title)}</text>
<path class="grid" stroke-dasharray="1 4" d="M${left} ${y}H${width - right}"/>
${shown.reverse().map(lane => {
    const times = /** @type {number} */ (goodness(figure, byLane, lane))
    return mark(lane, x(Math.min(range.to, Math.max(range.from, times))), y, `${lane}: ${times.toFixed(2)}×`)
  }).join('')}${beyond(figure, byLane, y)}</g>`
}

/**
 * The value of iotwasm in a Worker where the axis ends before it.
 *
 * @param {string} figure
 * @param {Record<string, number>} byLane
 * @param {number} y
 */
function beyond(figure, byLane, y) {
  const times = goodness(figure, byLane, marks[0]) ?? 1
  if (times <= range.to && times >= range.from) return ''
  const [at, anchor] = times > range.to ? [x(range.to) - 14, 'end'] : [x(range.from) + 14, 'start']
  return `<text class="muted" x="${at}" y="${y + 5}" text-anchor="${anchor}">${times.toFixed(times < 1 ? 2 : 0)}×</text>`
}

/**
 * @param {string} lane
 * @param {number} x
 * @param {number} y
 * @param {string} [title]
 */
function mark(lane, x, y, title) {
  const shape = {
    'iotwasm Worker': `<circle class="worker" cx="${x}" cy="${y}" r="6.5"`,
    'iotwasm page': `<circle class="page" cx="${x}" cy="${y}" r="5.5"`,
    'aws-crt': `<path class="crt" d="M${x} ${y - 6.5}L${x + 6.5} ${y + 5}H${x - 6.5}Z"`,
    paho: `<rect class="paho" x="${x - 5}" y="${y - 5}" width="10" height="10"`,
    [limit]: `<path class="limit" d="M${x} ${y - 9}V${y + 9}"`,
  }[lane]
  return title ? `${shape}><title>${escape(title)}</title></${/^<(\w+)/.exec(shape ?? '')?.[1]}>` : `${shape}/>`
}

/**
 * @param {string} figure
 * @param {Record<string, number>} byLane
 * @param {string} lane
 */
function goodness(figure, byLane, lane) {
  const times = moreIsBetter(figure) ? byLane[lane] / byLane[base] : byLane[base] / byLane[lane]
  return Number.isFinite(times) && times > 0 ? times : undefined
}

/** @param {number} times */
function x(times) {
  const part = Math.log(times / range.from) / Math.log(range.to / range.from)
  return Math.round((left + part * (width - left - right)) * 10) / 10
}

/** @param {readonly (readonly [string, Record<string, number>])[]} rows */
const describe = rows => escape(rows.map(([figure, byLane]) => {
  const times = goodness(figure, byLane, marks[0])
  return times === undefined ? '' : `${figures[figure].title} ${times.toFixed(2)} times`
}).filter(Boolean).join('; '))

/** @param {string} text */
const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
