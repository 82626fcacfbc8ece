// Writes site/docs/reference/index.html: every option, event, error code and
// property that src/types.ts declares, with its type, default and meaning.
// `--check` fails instead where the page is not what would be written.
// @ts-check
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const page = join(here, '../site/docs/reference/index.html')

/**
 * @typedef {{ name: string, type: string, optional: boolean, doc: string }} Member
 * @typedef {{ name: string, doc: string, members: Member[] }} Declaration
 */

const source = readFileSync(join(here, 'src/types.ts'), 'utf8')
const declarations = readInterfaces(source)
const html = render()
if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== html) {
    console.error('site/docs/reference is not what src/types.ts says: run node jsglue/reference.mjs')
    process.exitCode = 1
  }
} else {
  writeFileSync(page, html)
}

/**
 * Reads the interfaces. types.ts keeps to one form: a member begins its line, and
 * its doc comment stands above it.
 *
 * @param {string} text
 * @returns {Declaration[]}
 */
function readInterfaces(text) {
  const found = []
  const lines = text.split('\n')
  let doc = ''
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]
    if (line.startsWith('/**')) {
      const start = i
      while (!lines[i].endsWith('*/')) i++
      doc = comment(lines.slice(start, i + 1))
      continue
    }
    const head = /^export interface (\w+)/.exec(line)
    if (head) {
      const start = i + 1
      while (lines[i] !== '}' && !line.endsWith('{}')) i++
      found.push({ name: head[1], doc, members: readMembers(lines.slice(start, i)) })
    }
    if (line !== '') doc = ''
  }
  return found
}

/** @param {string[]} lines @returns {Member[]} */
function readMembers(lines) {
  /** @type {Member[]} */
  const members = []
  let doc = ''
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim()
    if (line.startsWith('/**')) {
      const start = i
      while (!lines[i].endsWith('*/')) i++
      doc = comment(lines.slice(start, i + 1))
      continue
    }
    if (line === '') continue
    const start = i
    let depth = 0
    do depth += count(lines[i], /[{(<[]/g) - count(lines[i].replaceAll('=>', ''), /[})>\]]/g)
    while (depth > 0 && ++i < lines.length)
    const text = lines.slice(start, i + 1).map(l => l.trim().replace(/^\/\*\* (.*) \*\/$/, '')).filter(Boolean).join(' ')
    const member = /^(?:readonly )?(\[?[\w.]+\]?(?:<[^(]*>)?)(\??)(.*)$/.exec(text)
    if (!member) throw new Error(`not understood: ${text}`)
    const type = member[3].replace(/^: /, '').replaceAll('readonly ', '')
    const known = members.find(m => m.name === member[1])
    if (known) known.type += `\n${type}` // an overload
    else members.push({ name: member[1].replace(/<.*/, ''), optional: member[2] === '?', type, doc })
    doc = ''
  }
  return members
}

/** @param {string} text @param {RegExp} what */
function count(text, what) { return text.match(what)?.length ?? 0 }

/** @param {string[]} lines */
function comment(lines) {
  return lines.join('\n').replace(/^\s*\/\*\*\s?/, '').replace(/\s*\*\/$/, '').replaceAll(/^\s*\* ?/gm, '').trim()
}

/** The codes and what they mean stand in the comment of IotErrorCode. @returns {[string, string][]} */
function readErrorCodes() {
  const text = /\/\*\*\n \* Stable codes[\s\S]*?\*\//.exec(source)?.[0] ?? ''
  const out = /** @type {[string, string][]} */ ([])
  for (const [, code, meaning] of text.matchAll(/^ \* - `([a-z-]+)`: (.*)$/gm)) out.push([code, meaning])
  const declared = [...(/export type IotErrorCode =([\s\S]*?)\n\n/.exec(source)?.[1] ?? '').matchAll(/'([a-z-]+)'/g)].map(m => m[1])
  const missing = declared.filter(code => !out.some(([known]) => known === code))
  if (missing.length > 0 || declared.length !== out.length) throw new Error(`the comment of IotErrorCode and its type differ: ${missing}`)
  return out
}

function render() {
  const groups = {
    'Options': (/** @type {string} */ name) => /Options$|^(Credentials|Authorizer|Limits|Will|ConnectProperties|ShadowUpdate)$/.test(name),
    'Events': (/** @type {string} */ name) => name === 'ClientEvents',
    'Client, subscriptions, runs, shadows': (/** @type {string} */ name) => /^(Client|Subscription|DelayedRun|Shadow)$/.test(name),
    'What they give': () => true,
  }
  const left = [...declarations]
  const sections = Object.entries(groups).map(([title, belongs]) => {
    const mine = left.filter(d => belongs(d.name))
    for (const d of mine) left.splice(left.indexOf(d), 1)
    const options = title === 'Options'
    return `<h2 id="${anchor(title)}">${title}</h2>\n${mine.map(d => renderDeclaration(d, options)).join('\n')}`
  })
  const codes = readErrorCodes().map(([code, meaning]) => `<tr><th scope="row"><code>${code}</code></th><td>${prose(meaning)}</td></tr>`)
  sections.splice(2, 0, `<h2 id="error-codes">Error codes</h2>\n<p>Every failure is an <code>IotError</code> with one of these in <code>code</code>.</p>\n`
    + `<div class="scroll" tabindex="0" role="region" aria-label="Error codes"><table><thead><tr><th scope="col">Code</th><th scope="col">Meaning</th></tr></thead><tbody>\n${codes.join('\n')}\n</tbody></table></div>\n`
    + renderDeclaration(errorClass()))
  const contents = [...Object.keys(groups).slice(0, 2), 'Error codes', ...Object.keys(groups).slice(2)]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>iotwasm reference: options, events, errors</title>
<link rel="icon" href="../../console/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="../docs.css">
</head>
<body>
<main>
<p><a href="../../">Console</a> · <a href="../delayed-publish/">Delayed publish</a> · <a href="../performance/">Performance</a></p>
<h1>Reference</h1>
<p>Every option, event, error code and property of the package, from its type declarations. Durations are milliseconds, except where MQTT fixes seconds.</p>
<nav aria-label="Contents"><ul>${contents.map(title => `<li><a href="#${anchor(title)}">${title}</a></li>`).join('')}</ul></nav>
${sections.join('\n')}
</main>
</body>
</html>
`
}

/** @returns {Declaration} */
function errorClass() {
  const text = /export declare class IotError[^{]*\{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? ''
  return { name: 'IotError', doc: '', members: readMembers(text.split('\n').filter(line => !line.includes('private constructor'))) }
}

/** @param {Declaration} d @param {boolean} [options] its members have defaults */
function renderDeclaration({ name, doc, members }, options = false) {
  const rows = members.map(m => {
    if (m.doc === '') throw new Error(`${name}.${m.name} has no doc comment`)
    const byDefault = /\bDefault(?: with `endpoint`)?: ((?:`[^`]*`|[^.`]|\.(?=\d))+)/.exec(m.doc)?.[1] ?? (m.optional ? 'none' : 'required')
    return `<tr id="${name}.${m.name}"><th scope="row"><code>${escape(m.name)}</code></th><td><code>${escape(m.type).replaceAll('\n', '<br>')}</code></td>`
      + `${options ? `<td>${prose(byDefault)}</td>` : ''}<td>${prose(m.doc)}</td></tr>`
  })
  return `<h3 id="${name}">${name}</h3>${doc ? `\n<p>${prose(doc)}</p>` : ''}
<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table><thead><tr><th scope="col">Name</th><th scope="col">Type</th>${options ? '<th scope="col">Default</th>' : ''}<th scope="col">Meaning</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`
}

/** @param {string} title */
function anchor(title) { return title.toLowerCase().replaceAll(/[^a-z]+/g, '-') }

/** @param {string} text */
function escape(text) { return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') }

/** Text of a doc comment. @param {string} text */
function prose(text) {
  return escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>').replaceAll(/\{@link (\w+)\}|\{(\w+)\}/g, (_, a, b) => `<code>${a ?? b}</code>`)
    .replaceAll('@throws', 'Throws').replaceAll('\n\n', '<br>').replaceAll('\n', ' ')
}
