/** Payloads as a person writes them: text, Base64 or hexadecimal digits. */
import { decodeText } from './payload-format'

export const encodings = ['text', 'base64', 'hex'] as const
export type Encoding = typeof encodings[number]

/** What is wrong with it, as a key of the texts. */
export type PayloadProblem = 'base64' | 'hex'

/** The bytes, or what is wrong. */
export function toBytes(payload: string, encoding: Encoding): Uint8Array | PayloadProblem {
  if (encoding === 'text') return new TextEncoder().encode(payload)
  const compact = payload.replace(/\s+/g, '')
  if (encoding === 'hex') {
    if (!/^(?:[0-9a-f]{2})*$/i.test(compact)) return 'hex'
    return Uint8Array.from(compact.match(/../g) ?? [], byte => parseInt(byte, 16))
  }
  try {
    return Uint8Array.from(atob(compact), character => character.charCodeAt(0))
  } catch {
    return 'base64'
  }
}

/** Text where it is text, else Base64. */
export function fromBytes(bytes: Uint8Array): { payload: string, encoding: Encoding } {
  const text = decodeText(bytes)
  return text === undefined ? { payload: toBase64(bytes), encoding: 'base64' } : { payload: text, encoding: 'text' }
}

export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(binary)
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

/** Where JSON is wrong, as the browser says it; undefined where it is right, or where the text does not begin as JSON does. */
export function jsonProblem(text: string): string | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
