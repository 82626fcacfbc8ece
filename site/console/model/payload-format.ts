const lineWidth = 72

/** Levels of JSON that are read; the stack and the page have no room for those that a payload could have. */
const deepest = 200

// A byte order mark stays, so that the text is the bytes.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined where the payload is no text. */
export function decodeText(payload: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(payload)
    // Control characters other than tab and line ends: not meant to be read.
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** The text that a payload begins with, in whole characters: what of the last one lies beyond `most` bytes is left out. */
export function previewText(payload: Uint8Array, most: number): string | undefined {
  let end = most
  while (end > most - 4 && (payload[end]! & 0xc0) === 0x80) end--
  return decodeText(payload.subarray(0, end))
}

/** The payload as a person reads it: JSON indented, other text as it is, bytes as a hex dump. */
export function formatPayload(payload: Uint8Array): { kind: 'json' | 'text' | 'binary', text: string } {
  const text = decodeText(payload)
  if (text === undefined) return { kind: 'binary', text: hexDump(payload) }
  const json = indentJson(text)
  return json === undefined ? { kind: 'text', text } : { kind: 'json', text: json }
}

export function formatSize(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`
}

/**
 * Indents a JSON object or array without touching its scalars: numbers beyond
 * 2^53 and their spelling stay exact. What fits a line stays on one. Undefined
 * where the text is no JSON object or array.
 */
export function indentJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  const node = readJson(text)
  return node && print(node, '')
}

/** JSON with its scalars as they are spelt, so that numbers beyond 2^53 stay exact. */
export type Node = { scalar: string, width: number } | { open: string, close: string, items: { key: string, value: Node }[], width: number }

/** Reads JSON of any kind. Undefined where the text is none, or nested too deeply. */
export function readJson(text: string): Node | undefined {
  const json = text.replace(/^\ufeff/, '')
  try {
    JSON.parse(json)
    return readNode(tokensOf(json), { next: 0 }, deepest)
  } catch {
    return undefined
  }
}

const tokensOf = (text: string): string[] => text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []

/** @param tokens of valid JSON */
function readNode(tokens: readonly string[], at: { next: number }, levels: number): Node {
  if (levels < 0) throw new RangeError('nested too deeply')
  const open = tokens[at.next++]!
  if (open !== '{' && open !== '[') return { scalar: open, width: open.length }
  const close = open === '{' ? '}' : ']'
  const items: { key: string, value: Node }[] = []
  let width = 4
  while (tokens[at.next] !== close) {
    if (tokens[at.next] === ',') at.next++
    let key = ''
    if (open === '{') {
      key = `${tokens[at.next]}: `
      at.next += 2
    }
    const value = readNode(tokens, at, levels - 1)
    items.push({ key, value })
    width += key.length + value.width + 2
  }
  at.next++
  return { open, close, items, width }
}

function print(node: Node, indent: string): string {
  if ('scalar' in node) return node.scalar
  const { open, close, items } = node
  if (items.length === 0) return open + close
  if (indent.length + node.width <= lineWidth) {
    return `${open} ${items.map(({ key, value }) => key + print(value, indent)).join(', ')} ${close}`
  }
  const inner = `${indent}  `
  return `${open}\n${items.map(({ key, value }) => inner + key + print(value, inner)).join(',\n')}\n${indent}${close}`
}

export function hexDump(bytes: Uint8Array): string {
  const lines = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = row.map(byte => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.').join('')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${ascii}`)
  }
  return lines.join('\n')
}
