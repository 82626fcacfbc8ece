/** What changed from one payload to the next of its topic: by path where both are JSON, else by line. */
import { decodeText, readJson, type Node } from './payload-format'

export interface Change {
  kind: 'added' | 'removed' | 'changed'
  /** Of JSON a path such as `state.reported.temp`, of text a line's number from 1. */
  where: string
  before?: string
  after?: string
}

/** Undefined where one of them is no text. */
export function diffPayloads(before: Uint8Array, after: Uint8Array): Change[] | undefined {
  const [old, now] = [decodeText(before), decodeText(after)]
  if (old === undefined || now === undefined) return undefined
  const [oldJson, nowJson] = [readJson(old), readJson(now)]
  return oldJson && nowJson ? compare(leaves(oldJson), leaves(nowJson)) : compare(lines(old), lines(now))
}

const lines = (text: string): Map<string, string> => new Map(text.split('\n').map((line, at) => [String(at + 1), line]))

/** Every scalar by its path, and what is empty. */
function leaves(root: Node): Map<string, string> {
  const all = new Map<string, string>()
  const walk = (node: Node, path: string): void => {
    if ('scalar' in node) all.set(path, node.scalar)
    else if (node.items.length === 0) all.set(path, node.open + node.close)
    else for (const [at, { key, value }] of node.items.entries()) walk(value, node.open === '[' ? `${path}[${at}]` : join(path, keyOf(key)))
  }
  walk(root, '')
  return all
}

/** The key of an item, which has its quotes and a colon. */
export const keyOf = (key: string): string => JSON.parse(key.slice(0, -2)) as string

const join = (path: string, key: string): string => /^[\w$-]+$/.test(key) ? path ? `${path}.${key}` : key : `${path}[${JSON.stringify(key)}]`

function compare(before: Map<string, string>, after: Map<string, string>): Change[] {
  const changes: Change[] = []
  for (const [where, value] of after) {
    const old = before.get(where)
    if (old === undefined) changes.push({ kind: 'added', where, after: value })
    else if (old !== value) changes.push({ kind: 'changed', where, before: old, after: value })
  }
  for (const [where, value] of before) if (!after.has(where)) changes.push({ kind: 'removed', where, before: value })
  return changes
}
