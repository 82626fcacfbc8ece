/** Numbers in the payloads of a topic, over time. */
import { decodeText, readJson, type Node } from './payload-format'
import { keyOf } from './payload-diff'
import type { Entry } from './message-history'

/** Points of each numeric field by its path; a payload that is a number has the path `''`. */
export function numericFields(entries: readonly Entry[], topic: string): Map<string, { at: number, value: number }[]> {
  const fields = new Map<string, { at: number, value: number }[]>()
  for (const entry of entries) {
    if (entry.topic !== topic) continue
    const text = decodeText(entry.payload), json = text === undefined ? undefined : readJson(text)
    if (json) walk(json, '', (path, value) => {
      let points = fields.get(path)
      if (!points) fields.set(path, points = [])
      points.push({ at: entry.time, value })
    })
  }
  return fields
}

function walk(node: Node, path: string, found: (path: string, value: number) => void): void {
  if ('scalar' in node) {
    const value = Number(node.scalar)
    if (/^-?\d/.test(node.scalar) && Number.isFinite(value)) found(path, value)
    return
  }
  for (const [at, { key, value }] of node.items.entries()) walk(value, node.open === '[' ? `${path}[${at}]` : path ? `${path}.${keyOf(key)}` : keyOf(key), found)
}
