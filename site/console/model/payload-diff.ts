/** What changed from one payload to the next of its topic: by path where both are JSON, else by line. */
import { diffArrays } from 'diff'
import { decodeText, readJson, type Node } from './payload-format'

export interface Change {
  kind: 'added' | 'removed' | 'changed'
  /** Of JSON a path such as `state.reported.temp`, of text a line's number from 1: that of the new text, or of the old one where it is removed. */
  where: string
  before?: string
  after?: string
}

/** Undefined where one of them is no text. */
export function diffPayloads(before: Uint8Array, after: Uint8Array): Change[] | undefined {
  const [old, now] = [decodeText(before), decodeText(after)]
  if (old === undefined || now === undefined) return undefined
  const [oldJson, nowJson] = [readJson(old), readJson(now)]
  return oldJson && nowJson ? compare(leaves(oldJson), leaves(nowJson)) : compareLines(old.split('\n'), now.split('\n'))
}

/** Edits that are looked for; texts further apart are told line by line, where they stand. */
const mostEdits = 2000

function compareLines(before: string[], after: string[]): Change[] {
  const parts = diffArrays(before, after, { maxEditLength: mostEdits }) ?? [{ removed: true, added: false, value: before }, { removed: false, added: true, value: after }]
  const changes: Change[] = []
  let old = 0, now = 0, gone: string[] = []
  // Lines that go where others come are changed; jsdiff tells what is removed first.
  const remove = (from: number): void => { for (let at = from; at < gone.length; at++) changes.push({ kind: 'removed', where: String(old - gone.length + at + 1), before: gone[at]! }) }
  for (const { added, removed, value } of parts) {
    if (removed) {
      old += value.length
      gone = value
      continue
    }
    if (added) for (const [at, line] of value.entries()) {
      const where = String(now + at + 1)
      if (at >= gone.length) changes.push({ kind: 'added', where, after: line })
      else if (gone[at] !== line) changes.push({ kind: 'changed', where, before: gone[at]!, after: line })
    }
    remove(added ? value.length : 0)
    gone = []
    now += value.length
    if (!added) old += value.length
  }
  remove(0)
  return changes
}

/** Every scalar by its path, and what is empty. */
function leaves(root: Node): Map<string, string> {
  const all = new Map<string, string>()
  const walk = (node: Node, path: string): void => {
    if ('scalar' in node) all.set(path, node.scalar)
    else if (node.items.length === 0) all.set(path, node.open + node.close)
    else for (const [at, { key, value }] of node.items.entries()) walk(value, itemPath(node, path, key, at))
  }
  walk(root, '')
  return all
}

/** The key of an item, which has its quotes and a colon. */
export const keyOf = (key: string): string => JSON.parse(key.slice(0, -2)) as string

/** Path of an item of an object or array whose path is `path`. */
export function itemPath({ open }: Extract<Node, { open: string }>, path: string, key: string, at: number): string {
  if (open === '[') return `${path}[${at}]`
  const name = keyOf(key)
  return /^[\w$-]+$/.test(name) ? path ? `${path}.${name}` : name : `${path}[${JSON.stringify(name)}]`
}

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
