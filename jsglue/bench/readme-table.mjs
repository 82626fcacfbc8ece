// The README's short table of figures, between its two marks.
// @ts-check
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { base, figures, limit, moreIsBetter, ratio, show } from './figures.mjs'

const file = join(dirname(fileURLToPath(import.meta.url)), '../../README.md')
const marks = { start: '<!-- make bench writes from here -->\n', end: '<!-- to here -->' }

/** @type {readonly (readonly [table: string, figure: string])[]} */
const rows = [
  ['gateway', 'qos0-publish'], ['gateway', 'qos1-publish-1'], ['gateway', 'qos1-publish-100'], ['gateway', 'publish-and-receive'],
  ['gateway', 'round-trip-p50'], ['gateway', 'round-trip-p99'], ['gateway', 'round-trip-loaded-p50'], ['gateway', 'presign'],
  ['flood', 'receive-1'], ['flood', 'receive-20'],
  ['start-up', 'start-cold'], ['start-up', 'start-warm'], ['start-up', 'start-4g-cold'], ['start-up', 'start-4g-warm'],
  ['memory', 'memory-after'], ['cpu', 'cpu-publish-qos1'], ['cpu', 'cpu-receive-1'], ['blocking', 'flood-main-thread'],
]

/** What these say in a table of their own, where the title counts on it. @type {Record<string, string>} */
const longer = {
  'memory-after': 'Memory after a million messages', 'cpu-publish-qos1': 'CPU time of a message published, QoS 1',
  'cpu-receive-1': 'CPU time of a message received', 'flood-main-thread': 'Main thread’s work in a flood of 100,000',
  'start-4g-cold': 'Navigation to CONNACK on a 4G line, nothing cached', 'start-4g-warm': 'Navigation to CONNACK on a 4G line, cached',
}

/**
 * @param {import('./page-of-results.mjs').Results} results
 * @param {string} warning of a busy machine, or nothing
 */
export function writeReadme({ date, machine, medians, lanes, delayed }, warning) {
  const others = lanes.filter(lane => lane !== base)
  const table = rows.filter(([name, figure]) => medians[name]?.[figure]?.[base] !== undefined).map(([name, figure]) => {
    const byLane = medians[name][figure]
    const cells = others.map(lane => ratio(byLane, lane, base)?.toFixed(2).concat('×') ?? '')
    return `| ${longer[figure] ?? figures[figure].title} | ${moreIsBetter(figure) ? 'more' : 'less'} | ${[show(figure, byLane[base]), ...cells].join(' | ')} |`
  })
  const text = `On ${machine.cores} cores of ${machine.cpu}, Chromium ${machine.chromium}, ${date}, against the local gateway.${warning ? ` **${warning}**` : ''}
For mqtt.js its figure, for the others the ratio to it:

| | better is | ${[base, ...others.map(lane => lane === limit ? 'the limit' : lane)].join(' | ')} |
|---|---|${'---|'.repeat(lanes.length)}
${table.join('\n')}
${delayed ? late(delayed) : ''}`
  const readme = readFileSync(file, 'utf8')
  const start = readme.indexOf(marks.start) + marks.start.length, end = readme.indexOf(marks.end)
  if (start < marks.start.length || end < start) throw new Error('README.md has lost the marks around its figures')
  writeFileSync(file, `${readme.slice(0, start)}\n${text}\n${readme.slice(end)}`)
}

/**
 * How late delayed messages were, p50 and p99.
 *
 * @param {import('./delayed.mjs').Results} results
 */
function late({ steps, visible = {}, hidden = {} }) {
  const shown = Object.keys(visible)
  const cells = (/** @type {Record<string, import('./delayed.mjs').Lateness>} */ byLane) => shown.map(lane => {
    const { sent, p50, p99 } = byLane[lane]
    return sent < steps ? `${sent} of ${steps} sent` : `${Math.max(0, Math.round(p50))} / ${Math.max(0, Math.round(p99))} ms`
  }).join(' | ')
  return shown.length > 0 && Object.keys(hidden).length > 0 ? `
Delayed publish, ${steps} messages 50 ms apart, how late they were sent, p50 / p99:

| | ${shown.join(' | ')} |
|---|${'---|'.repeat(shown.length)}
| page seen | ${cells(visible)} |
| page hidden | ${cells(hidden)} |
` : ''
}
