// A page of the reference, in the style of the site: TypeDoc's own theme needs inline
// scripts, which the site's content security policy refuses.
// @ts-check
import { href } from './anchors.mjs'
import { Kind, members } from './api-report.mjs'
import { codeHtml, commentHtml, commentText, defaultOf, escape, namedItems } from './comment-html.mjs'
import { memberText, signatureText, typeParameters, typeText } from './type-text.mjs'

/**
 * @typedef {import('./type-text.mjs').Declaration} Declaration
 * @typedef {import('./type-text.mjs').Signature} Signature
 * @typedef {import('./type-text.mjs').Piece} Piece
 * @typedef {import('./entries.mjs').Entry} Entry
 * @typedef {ReturnType<typeof import('./anchors.mjs').readAnchors>} Anchors
 */

/** @param {{ entry: Entry, entries: Entry[], comment: import('./comment-html.mjs').Comment | undefined, declarations: Declaration[], anchors: Anchors }} input */
export function referencePage({ entry, entries, comment, declarations, anchors }) {
  /** @param {number} id */
  const hrefOf = id => {
    const to = anchors.get(id)
    return to && href(entry.page, to)
  }
  const sections = grouped(entry, declarations)
  const up = entry.page === '' ? '' : '../'
  const others = entries.map(e => e === entry ? `<b>${e.module}</b>` : `<a href="${up}${e.page ? `${e.page}/` : ''}">${e.module}</a>`)
  const contents = sections.map(([title, mine]) => `<dt><a href="#${anchor(title)}">${title}</a></dt><dd>${mine.map(d => `<a href="#${d.name}">${d.name}</a>`).join(' ')}</dd>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(entry.title)} · iotwasm</title>
<link rel="icon" href="${up}../../console/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${up}../docs.css">
</head>
<body>
<main class="reference">
<p><a href="${up}../../">Console</a> · <a href="${up}../delayed-publish/">Delayed publish</a> · <a href="${up}../mqttjs/">Coming from mqtt.js</a> · <a href="${up}../performance/">Performance</a></p>
<h1>${escape(entry.title)}</h1>
<p>${entry.intro}</p>
<p>Modules: ${others.join(' · ')}</p>
<nav aria-label="Contents"><dl>
${contents.join('\n')}
</dl></nav>
${commentHtml(comment, hrefOf)}
${sections.map(([title, mine]) => `<h2 id="${anchor(title)}">${title}</h2>\n${mine.map(d => declarationHtml(d, title === 'Options', hrefOf)).join('\n')}`).join('\n')}
</main>
</body>
</html>
`
}

/** @param {Entry} entry @param {Declaration[]} declarations @returns {[string, Declaration[]][]} */
function grouped({ groups }, declarations) {
  const left = new Set(declarations.filter(d => d.kind !== Kind.reexport))
  return groups.map(([title, belongs]) => {
    const mine = [...left].filter(belongs)
    for (const d of mine) left.delete(d)
    return /** @type {[string, Declaration[]]} */ ([title, mine])
  }).filter(([, mine]) => mine.length > 0)
}

/** @param {Declaration} d @param {boolean} options its members have defaults @param {(id: number) => string | undefined} hrefOf */
function declarationHtml(d, options, hrefOf) {
  const head = `<h3 id="${d.name}">${d.name}</h3>`
  const doc = commentHtml(commentOf(d), hrefOf)
  if (d.name === 'IotErrorCode') return `${head}\n${errorCodes(d)}`
  if (d.kind === Kind.function) return `${head}\n${code((d.signatures ?? []).map(s => [d.name, ...signatureText(/** @type {Signature} */ (s))]), hrefOf)}\n${doc}`
  if (d.kind === Kind.variable) return `${head}\n${code([[d.name, ': ', ...typeText(d.type)]], hrefOf)}\n${doc}`
  if (d.kind === Kind.alias) return `${head}\n${code([['type ', d.name, ...typeParameters(d.typeParameters), ' = ', ...typeText(d.type)]], hrefOf)}\n${doc}`
  const parents = (d.extendedTypes ?? []).map(t => `<code>${html(typeText(t), hrefOf)}</code>`)
  const rows = members(d).map(m => row(d, m, options, hrefOf))
  const columns = ['Name', 'Type', ...(options ? ['Default'] : []), 'Meaning']
  return [
    head, doc,
    parents.length > 0 ? `<p>Extends ${parents.join(', ')}, and has what that has.</p>` : '',
    rows.length > 0 ? table(d.name, columns, rows) : '',
  ].filter(Boolean).join('\n')
}

/** @param {Declaration} d @param {Declaration} m @param {boolean} options @param {(id: number) => string | undefined} hrefOf */
function row(d, m, options, hrefOf) {
  const comment = commentOf(m)
  const types = memberTypes(m).map(pieces => html(pieces, hrefOf))
  const nested = m.type?.type === 'reflection' ? /** @type {Declaration[]} */ (m.type.declaration.children ?? []) : []
  const details = nested.filter(n => commentOf(n)).map(n => `<li><code>${n.name}</code>: ${commentHtml(commentOf(n), hrefOf).replaceAll(/<\/?p>/g, '')}</li>`)
  return `<tr id="${d.name}.${m.name}"><th scope="row"><a href="#${d.name}.${m.name}"><code>${escape(m.name)}</code></a></th><td><code>${types.join('<br>')}</code></td>`
    + (options ? `<td class="default">${codeHtml(defaultOf(comment) ?? (m.flags.isOptional ? 'none' : 'required'))}</td>` : '')
    + `<td>${commentHtml(comment, hrefOf)}${details.length > 0 ? `<ul>${details.join('')}</ul>` : ''}</td></tr>`
}

/** The codes of IotErrorCode, which its comment explains. @param {Declaration} d */
function errorCodes(d) {
  const items = namedItems(d.comment)
  const declared = d.type?.type === 'union' ? d.type.types.map(t => t.type === 'literal' ? String(t.value) : '') : []
  const explained = items.map(([name]) => name)
  if ([...declared].sort().join() !== [...explained].sort().join()) throw new Error('the comment of IotErrorCode and its type differ')
  const rows = items.map(([name, meaning]) => `<tr id="${d.name}.${name}"><th scope="row"><a href="#${d.name}.${name}"><code>${name}</code></a></th><td>${codeHtml(meaning)}</td></tr>`)
  return `<p>Every failure is an <a href="#IotError"><code>IotError</code></a> with one of these in <code>code</code>.</p>\n${table(d.name, ['Code', 'Meaning'], rows)}`
}

/** @param {string} label @param {string[]} columns @param {string[]} rows */
function table(label, columns, rows) {
  const heads = columns.map(c => `<th scope="col">${c}</th>`).join('')
  return `<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${heads}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

/** The comment of a declaration, or of its first signature. @param {Declaration} d */
export function commentOf(d) {
  const found = d.comment ?? d.signatures?.find(s => s.comment)?.comment ?? d.getSignature?.comment ?? d.setSignature?.comment
    ?? (d.type?.type === 'reflection' ? d.type.declaration.signatures?.find(s => s.comment)?.comment : undefined)
  return found && (commentText(found) !== '' || found.blockTags?.length) ? found : undefined
}

/** What stands beside the name, which has a column of its own. @param {Declaration} m @returns {Piece[][]} */
function memberTypes(m) {
  if (m.getSignature) {
    const got = typeText(m.getSignature.type), set = typeText(m.setSignature?.parameters?.[0]?.type)
    return !m.setSignature || JSON.stringify(got) === JSON.stringify(set) ? [got] : [got, ['set: ', ...set]]
  }
  return memberText(m).map(([, ...rest]) => rest[0] === ': ' ? rest.slice(1) : rest)
}

/** @param {Piece[][]} lines @param {(id: number) => string | undefined} hrefOf */
function code(lines, hrefOf) {
  return `<pre><code>${lines.map(pieces => html(pieces, hrefOf)).join('\n')}</code></pre>`
}

/** @param {Piece[]} pieces @param {(id: number) => string | undefined} hrefOf */
function html(pieces, hrefOf) {
  return pieces.map(piece => {
    if (typeof piece === 'string') return escape(piece)
    const to = hrefOf(piece.id)
    return to === undefined ? escape(piece.name) : `<a href="${to}">${escape(piece.name)}</a>`
  }).join('')
}

/** @param {string} title */
function anchor(title) { return title.toLowerCase().replaceAll(/[^a-z]+/g, '-') }
