// The figures' arithmetic and their table.
// @ts-check

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

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
  console.log(`\n${server.padEnd(24)}${lanes.map(lane => lane.padStart(24)).join('')}`)
  for (const [figure, byLane] of Object.entries(figures)) {
    const time = figure.startsWith('round-trip')
    const cells = lanes.map(lane => {
      const value = time ? `${byLane[lane].toFixed(2)} ms` : `${Math.round(byLane[lane])}/s`
      return (lane === base ? value : `${value}  ${ratio(byLane, lane, base).toFixed(2)}x`).padStart(24)
    })
    console.log(`${figure.padEnd(24)}${cells.join('')}`)
  }
}
