/**
 * Records what a page sees of a client as a transcript: lanes of lines, each line an
 * event, a callback, an outcome or a note with its arguments in a normal form. What
 * differs from run to run is left out of that form: the run's own token in names, ports,
 * message identifiers, lengths of packets, and identifiers which a server or client makes up.
 * Within a lane the order is strict; between lanes nothing is promised.
 */

/** Lines by lane. */
export type Transcript = Record<string, string[]>

const own = Object.prototype.hasOwnProperty

/** A value in its normal form. Runs in the page and in Node. */
export function show(value: unknown, key = '', seen: readonly unknown[] = []): string {
  if (key === 'messageId' && typeof value === 'number' && value !== 0) return '#'
  if (key === 'assignedClientIdentifier' && typeof value === 'string') return '<assigned>'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return '<function>'
  if (typeof value !== 'object' || value === null) return String(value)
  if (seen.includes(value)) return '<cycle>'
  const within = [...seen, value]
  if (value instanceof Uint8Array) return bytes(value)
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${bytes(new Uint8Array(value))}`
  if (value instanceof Error) return `${showMembers(value, ['name', 'message', 'code', 'packet'], within)}!`
  if (Array.isArray(value)) return `[${value.map(v => show(v, key, within)).join(', ')}]`
  if ('publish' in value && typeof value.publish === 'function') return '<client>'
  const keys: string[] = []
  for (const k in value) if (own.call(value, k)) keys.push(k)
  // A packet's length is for who counts bytes on the wire; names that differ in length change it.
  return showMembers(value, keys.filter(k => k !== 'length' || !('cmd' in value)).sort(), within)
}

function showMembers(value: object, keys: readonly string[], within: readonly unknown[]): string {
  const members = value as Record<string, unknown>
  return `{${keys.filter(k => members[k] !== undefined).map(k => `${k}: ${show(members[k], k, within)}`).join(', ')}}`
}

function bytes(value: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(value)
    if (!/[\u0000-\u0008\u000e-\u001f]/.test(text)) return text.length > 200 ? `bytes(${text.slice(0, 20)}… ${value.length})` : `bytes(${JSON.stringify(text)})`
  } catch {
    // is no text
  }
  const hex = Array.from(value.subarray(0, 64), b => b.toString(16).padStart(2, '0')).join('')
  return `hex(${hex}${value.length > 64 ? `… ${value.length}` : ''})`
}

/** The transcript of one run of one scenario. */
export class Recorder {
  readonly transcript: Transcript = {}
  #over = false

  /** `hidden` are texts that differ from run to run, and what stands for them. */
  constructor(private readonly hidden: readonly (readonly [text: string, name: string])[]) {}

  /** Adds a line; the arguments in their normal form. */
  add(lane: string, what: string, args: readonly unknown[] = []): void {
    // A last argument that is undefined is none.
    const given = args.slice(0, args.findLastIndex(a => a !== undefined) + 1)
    this.addLine(lane, [what, ...given.map(a => show(a))].join(' '))
  }

  /** Adds a line as it is, but for what differs from run to run. */
  addLine(lane: string, line: string): void {
    if (this.#over) return
    let text = line
    for (const [hidden, name] of this.hidden) text = text.replaceAll(hidden, name)
    text = text
      .replace(/mqttjs_[0-9a-f]{1,8}\b/g, 'mqttjs_<random>')
      .replace(/(timestamp\\*":)\d+/g, '$1<time>')
      .replace(/X-Amz-[^"'\s]*/g, '<signature>')
    ;(this.transcript[lane] ??= []).push(text)
  }

  /** Nothing that comes later is part of it. */
  close(): void { this.#over = true }
}
