// What the public face must not have: a member without a doc comment, and `any`.
// @ts-check
import { Kind, members } from './api-report.mjs'
import { commentOf } from './page.mjs'

/** @typedef {import('./type-text.mjs').Declaration} Declaration @typedef {import('./entries.mjs').Entry} Entry */

/** @param {{ entry: Entry, declarations: Declaration[] }[]} modules */
export function refuseFaults(modules) {
  const faults = modules.flatMap(({ entry, declarations }) => declarations.flatMap(d => [
    ...uncommented(entry, d),
    ...(hasAny(d) ? [`${entry.module}: ${d.name} has the type any`] : []),
  ]))
  if (faults.length > 0) throw new Error(`faults in the declarations:\n${faults.join('\n')}`)
}

/** @param {Entry} entry @param {Declaration} d @returns {string[]} */
function uncommented({ module, everyMember }, d) {
  if (d.kind === Kind.reexport) return []
  const wanted = everyMember ? [d, ...members(d).filter(m => m.name !== 'constructor')] : d.kind === Kind.function ? [d] : []
  return wanted.filter(w => !commentOf(w)).map(w => `${module}: ${w === d ? '' : `${d.name}.`}${w.name} has no doc comment`)
}

/** @param {unknown} node of TypeDoc's JSON @returns {boolean} */
function hasAny(node) {
  if (typeof node !== 'object' || node === null) return false
  if ('type' in node && node.type === 'intrinsic' && 'name' in node && node.name === 'any') return true
  if ('inheritedFrom' in node) return false // told where it is declared; the platform's is not ours
  return Object.values(node).some(hasAny)
}
