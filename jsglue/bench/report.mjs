// The figures' arithmetic and their table.
// @ts-check
import { base, limit, ratio, show, tables } from './figures.mjs'

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * The value that this part of the values is not above: 0.99 for the 99th percentile.
 *
 * @param {readonly number[]} values
 * @param {number} part
 */
export const percentile = (values, part) => [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1]

/**
 * @param {string} name
 * @param {import('./figures.mjs').Table} table
 * @param {readonly string[]} lanes
 * @param {import('./figures.mjs').Reasons} reasons
 */
export function printTable(name, table, lanes, reasons) {
  const shown = lanes.filter(lane => Object.values(table).some(byLane => byLane[lane] !== undefined))
  printRows(name, shown, Object.entries(table).map(([figure, byLane]) => [figure, shown.map(lane => {
    if (byLane[lane] === undefined) return '-'
    const ratios = [base, limit].map(other => lane === other ? '' : ratio(byLane, lane, other)?.toFixed(2) ?? '')
    return `${show(figure, byLane[lane])} ${ratios.map(r => r.padStart(5)).join(' ')}`
  })]))
  for (const reason of [...gather(reasons), ...tables[name].remarks ?? []]) console.log(`  ${reason}.`)
}

/**
 * One line for each lane and reason.
 *
 * @param {import('./figures.mjs').Reasons} reasons
 */
export function gather(reasons) {
  /** @type {Map<string, string[]>} */
  const lines = new Map()
  for (const [figure, byLane] of Object.entries(reasons)) {
    for (const [lane, reason] of Object.entries(byLane)) lines.set(`${lane} ${reason}`, [...lines.get(`${lane} ${reason}`) ?? [], figure])
  }
  return [...lines].map(([reason, names]) => `${names.join(', ')}: ${reason}`)
}

/**
 * @param {string} title
 * @param {readonly string[]} lanes
 * @param {readonly (readonly [figure: string, cells: readonly string[]])[]} rows
 */
export function printRows(title, lanes, rows) {
  for (const [figure, cells] of [/** @type {const} */ ([`\n${title.padEnd(27)}`, lanes]), ...rows]) {
    console.log(`${figure.padEnd(27)}${cells.map(cell => cell.padStart(24)).join('')}`)
  }
}
