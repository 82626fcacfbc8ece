// The report of a module: every signature of its public face without comments, so
// that a change of the face, and nothing else, changes it.
//
// It is made of TypeDoc's JSON: API Extractor does not end on `export * as default`
// of the mqtt face, and would bring another TypeScript.
// @ts-check
import { memberText, signatureText, typeParameters, typeText } from './type-text.mjs'

/** @typedef {import('./type-text.mjs').Declaration} Declaration @typedef {import('./type-text.mjs').Signature} Signature @typedef {import('./type-text.mjs').Piece} Piece */

/** Kinds of TypeDoc's declarations. */
export const Kind = { variable: 32, function: 64, class: 128, interface: 256, alias: 2097152, reexport: 4194304 }

/** @param {string} module @param {Declaration[]} declarations */
export function apiReport(module, declarations) {
  const blocks = [...declarations].sort((a, b) => a.name < b.name ? -1 : 1).map(declarationText)
  return `# Public face of ${module}\n\nWritten by \`make api\` from the type declarations; not to be edited.\n\n\`\`\`ts\n${blocks.join('\n\n')}\n\`\`\`\n`
}

/** @param {Declaration} d */
function declarationText(d) {
  switch (d.kind) {
    case Kind.variable: return `export declare const ${d.name}: ${plain(typeText(d.type))}`
    case Kind.function: return (d.signatures ?? []).map(s => `export declare function ${d.name}${plain(signatureText(/** @type {Signature} */ (s)))}`).join('\n')
    case Kind.alias: return `export type ${d.name}${plain(typeParameters(d.typeParameters))} = ${plain(typeText(d.type))}`
    case Kind.reexport: return `export { ${d.name} } // the module itself`
    default: return block(d)
  }
}

/** @param {Declaration} d */
function block(d) {
  const parents = heritage('extends', d.extendedTypes) + heritage('implements', d.implementedTypes)
  const lines = members(d).flatMap(memberText).map(pieces => `  ${plain(pieces)}`)
  return `export ${d.kind === Kind.class ? 'declare class' : 'interface'} ${d.name}${plain(typeParameters(d.typeParameters))}${parents} {\n${lines.join('\n')}\n}`
}

/** Its own members; an inherited one stands where it is declared. @param {Declaration} d @returns {Declaration[]} */
export function members(d) {
  return /** @type {Declaration[]} */ ((d.children ?? []).filter(child => !('inheritedFrom' in child)))
}

/** @param {string} word @param {import('./type-text.mjs').Type[] | undefined} types */
function heritage(word, types) {
  return types?.length ? ` ${word} ${types.map(t => plain(typeText(t))).join(', ')}` : ''
}

/** @param {Piece[]} pieces */
function plain(pieces) {
  return pieces.map(piece => typeof piece === 'string' ? piece : piece.name).join('')
}
