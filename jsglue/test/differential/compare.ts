/** Compares two transcripts after what is meant to differ was taken out, and says where they part. */
import { deliberate, type Deliberate, type Side } from './deliberate'
import type { Transcript } from './recorder'
import type { ServerKind } from './types'

/** Nothing where they are the same, else lines to be read by a person. */
export function compare(name: string, on: ServerKind, theirs: Transcript, ours: Transcript, list: readonly Deliberate[] = deliberate): string[] {
  const rewritten = (transcript: Transcript, side: Side): Transcript => list
    .filter(d => d.applies.test(name) && (d.on?.includes(on) ?? true))
    .reduce((t, d) => d.rewrite(structuredClone(t), side), transcript)
  const [left, right] = [rewritten(theirs, 'mqttjs'), rewritten(ours, 'ours')]
  const lanes = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return lanes.flatMap(lane => {
    const changes = diff(left[lane] ?? [], right[lane] ?? [])
    return changes.some(c => c[0] !== ' ') ? [`  ${lane}:`, ...changes.map(c => `    ${c}`)] : []
  })
}

/** Both lists as one: `- ` before what only the first has, `+ ` before what only the second has. */
export function diff(a: readonly string[], b: readonly string[]): string[] {
  const common: number[][] = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1])
    }
  }
  const out: string[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(`  ${a[i++]}`)
      j++
    } else if (i < a.length && (j === b.length || common[i + 1][j] >= common[i][j + 1])) out.push(`- ${a[i++]}`)
    else out.push(`+ ${b[j++]}`)
  }
  return out
}
