// Signing URLs, one after another, as reconnecting does.
// @ts-check
import { duration, perSecond } from './common.js'

/** @type {import('./index.js').Work} */
export async function presign({ lane, server, scale }) {
  if ('url' in server || !lane.presign) throw new Error('nothing to sign')
  const start = performance.now()
  let count = 0
  for (; performance.now() - start < duration * scale; count++) await lane.presign(server)
  return { presign: perSecond(count, start) }
}
