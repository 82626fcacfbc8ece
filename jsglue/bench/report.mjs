// The figures' arithmetic and their table.
// @ts-check

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
 * @param {Record<string, number>} byLane
 * @param {string} lane
 * @param {string} base
 */
export const ratio = (byLane, lane, base) => Math.round(byLane[lane] / byLane[base] * 100) / 100

/**
 * @param {string} server
 * @param {Record<string, Record<string, number>>} figures medians by figure and lane
 * @param {readonly string[]} lanes
 * @param {string} base the lane that the others are compared with
 */
export function printTable(server, figures, lanes, base) {
  printRows(server, lanes, Object.entries(figures).map(([figure, byLane]) => [figure, lanes.map(lane => {
    const value = figure.startsWith('round-trip') ? `${byLane[lane].toFixed(2)} ms` : `${Math.round(byLane[lane])}/s`
    return lane === base ? value : `${value}  ${ratio(byLane, lane, base).toFixed(2)}x`
  })]))
}

/**
 * @param {string} title
 * @param {readonly string[]} lanes
 * @param {readonly (readonly [figure: string, cells: readonly string[]])[]} rows
 */
export function printRows(title, lanes, rows) {
  for (const [figure, cells] of [/** @type {const} */ ([`\n${title.padEnd(24)}`, lanes]), ...rows]) {
    console.log(`${figure.padEnd(24)}${cells.map(cell => cell.padStart(24)).join('')}`)
  }
}
