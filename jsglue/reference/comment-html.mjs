// Doc comments: as HTML, and the facts that stand in them.
// @ts-check

/**
 * @typedef {import('typedoc').JSONOutput.Comment} Comment
 * @typedef {import('typedoc').JSONOutput.CommentDisplayPart} Part
 * @typedef {(id: number) => string | undefined} HrefOf
 */

/** @param {string} text */
export function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** Paragraphs and lists, and what is thrown. @param {Comment | undefined} comment @param {HrefOf} hrefOf */
export function commentHtml(comment, hrefOf) {
  if (comment === undefined) return ''
  const thrown = (comment.blockTags ?? []).filter(tag => tag.tag === '@throws')
  const texts = [inline(comment.summary, hrefOf), ...thrown.map(tag => `Throws ${inline(tag.content, hrefOf)}`)]
  return texts.map(blocks).join('\n')
}

/** The text as it was written, marks and all. @param {Comment | undefined} comment */
export function commentText(comment) {
  return (comment?.summary ?? []).map(part => part.text).join('').trim()
}

/** Items of a list `- \`name\`: meaning`. @param {Comment | undefined} comment @returns {[name: string, meaning: string][]} */
export function namedItems(comment) {
  return [...commentText(comment).matchAll(/^- `([^`]+)`: (.*)$/gm)].map(([, name, meaning]) => [String(name), String(meaning)])
}

/** What the comment says is the default. @param {Comment | undefined} comment @returns {string | undefined} */
export function defaultOf(comment) {
  return /\bDefault(?: with `endpoint`)?: ((?:`[^`]*`|[^.`]|\.(?=\d))+)/.exec(commentText(comment))?.[1]
}

/** Text with code in backticks. @param {string} text */
export function codeHtml(text) {
  return escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>').replaceAll('\n', ' ')
}

/** @param {Part[]} parts @param {HrefOf} hrefOf */
function inline(parts, hrefOf) {
  return parts.map(part => {
    if (part.kind === 'text') return escape(part.text)
    if (part.kind === 'code') return part.text.startsWith('```') ? `<pre><code>${escape(part.text.replaceAll(/^```\w*\n|\n```$/g, ''))}</code></pre>` : `<code>${escape(part.text.slice(1, -1))}</code>`
    const href = part.kind === 'inline-tag' && typeof part.target === 'number' ? hrefOf(part.target) : undefined
    if (href === undefined) throw new Error(`a doc comment links to ${part.text}, which is not in the reference`)
    return `<a href="${href}"><code>${escape(part.text)}</code></a>`
  }).join('').trim()
}

/** @param {string} html */
function blocks(html) {
  return html.split(/\n\n+/).map(block => {
    if (block.startsWith('<pre>')) return block
    const [lead, ...items] = block.split(/(?:^|\n)- /)
    const text = /** @type {string} */ (lead).trim()
    return (text ? `<p>${text}</p>` : '') + (items.length > 0 ? `<ul>${items.map(item => `<li>${item.trim()}</li>`).join('')}</ul>` : '')
  }).join('\n')
}
