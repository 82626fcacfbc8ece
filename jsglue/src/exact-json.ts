/** JSON whose integers beyond 2^53 are kept exact, as bigint. */
import { randomHex } from './connect-options'

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown

/** JSON.parse, with integers that a number cannot hold as bigint. Throws a SyntaxError where the text is no JSON. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  return hasSource() ? parseBySource(text) : parseByText(text)
}

/** Whether JSON.parse tells how a number is written (ECMAScript 2026, Chromium 114). */
function hasSource(): boolean {
  let told = false
  parse('1', (_, value, context) => { told = context?.source === '1'; return value })
  return told
}

export function parseBySource(text: string): unknown {
  return parse(text, (_, value, context) => typeof value === 'number' && needsBigInt(context!.source!) ? BigInt(context!.source!) : value)
}

/** For browsers without it: such integers go through JSON.parse as text with a mark that no other text has. */
export function parseByText(text: string): unknown {
  JSON.parse(text) // what is marked below may hide an error
  const mark = randomHex(8)
  const marked = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, token => needsBigInt(token) ? `"${mark}${token}"` : token)
  return parse(marked, (_, value) => typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value)
}

function needsBigInt(token: string): boolean {
  return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))
}

function parse(text: string, reviver: Reviver): unknown {
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown)
}
