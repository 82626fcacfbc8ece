// Where each declaration and member stands: page and anchor by TypeDoc's number.
// @ts-check
import { members } from './api-report.mjs'

/** @typedef {import('./type-text.mjs').Declaration} Declaration @typedef {import('./entries.mjs').Entry} Entry */

/**
 * @param {{ entry: Entry, declarations: Declaration[] }[]} modules
 * @returns {Map<number, { page: string, anchor: string }>}
 */
export function readAnchors(modules) {
  const anchors = new Map()
  for (const { entry: { page }, declarations } of modules) {
    for (const d of declarations) {
      anchors.set(d.id, { page, anchor: d.name })
      for (const m of members(d)) anchors.set(m.id, { page, anchor: `${d.name}.${m.name}` })
    }
  }
  return anchors
}

/** Address of `to`, seen from the page `from`. @param {string} from @param {{ page: string, anchor: string }} to */
export function href(from, to) {
  if (from === to.page) return `#${to.anchor}`
  return `${from === '' ? '' : '../'}${to.page === '' ? '' : `${to.page}/`}#${to.anchor}`
}
