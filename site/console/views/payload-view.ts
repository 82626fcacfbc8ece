/** A payload: as a JSON tree with exact numbers, as text, Base64 or hexadecimal, or what changed since another. */
import { html, nothing, type TemplateResult } from 'lit'
import { t } from '../i18n'
import { diffPayloads, keyOf } from '../model/payload-diff'
import { decodeText, formatSize, hexDump, readJson, type Node } from '../model/payload-format'
import { toBase64 } from '../model/payload-encoding'
import { View } from './view'

const forms = ['json', 'text', 'base64', 'hex', 'diff'] as const
type Form = typeof forms[number]

/** Bytes that are shown at once of what is no JSON. */
const most = 64 << 10

export class PayloadView extends View {
  static override properties = { payload: { attribute: false }, previous: { attribute: false }, form: { state: true } }
  declare payload: Uint8Array
  /** What it is compared with. */
  declare previous: Uint8Array | undefined
  /** As chosen; else what fits it. */
  declare form: Form | undefined

  protected override watched() { return [] }

  protected override render() {
    const text = decodeText(this.payload), json = text === undefined ? undefined : readJson(text)
    const possible: Record<Form, boolean> = { json: json !== undefined, text: text !== undefined, base64: true, hex: true, diff: this.previous !== undefined }
    const form = this.form && possible[this.form] ? this.form : json ? 'json' : text === undefined ? 'hex' : 'text'
    return html`<div class="forms" role="group" aria-label=${t('messages.form')}>${forms.map(each => html`<button type="button" class="small" data-form=${each} aria-pressed=${each === form}
        ?disabled=${!possible[each]} @click=${() => { this.form = each }}>${t(`messages.form.${each}`)}</button>`)}</div>
      <div class="payload" data-kind=${form} tabindex="0" role="group" aria-label=${t('messages.payload')}>${this.payload.length === 0 ? html`<em>${t('messages.emptyPayload')}</em>` : this.#body(form, text, json)}</div>`
  }

  #body(form: Form, text: string | undefined, json: Node | undefined) {
    switch (form) {
      case 'json': return html`<div class="json-tree">${tree('', json!, true)}</div>`
      case 'text': return html`<pre>${text!.slice(0, most)}</pre>${this.#cut(text!.length)}`
      case 'base64': return html`<pre>${toBase64(this.payload.subarray(0, most))}</pre>${this.#cut(this.payload.length)}`
      case 'hex': return html`<pre class="hex">${hexDump(this.payload.subarray(0, most / 8))}</pre>${this.#cut(this.payload.length, most / 8)}`
      case 'diff': return this.#diff()
    }
  }

  #cut(length: number, limit = most) { return length > limit ? html`<p class="note">${t('messages.cut', { shown: formatSize(limit), all: formatSize(length) })}</p>` : nothing }

  #diff() {
    const changes = diffPayloads(this.previous!, this.payload)
    if (!changes) return html`<p class="note">${t('messages.diff.binary')}</p>`
    if (changes.length === 0) return html`<p class="note">${t('messages.diff.same')}</p>`
    return html`<ul class="diff">${changes.slice(0, 500).map(({ kind, where, before, after }) => html`<li data-change=${kind}><span class="badge">${t(`messages.diff.${kind}`)}</span> <code>${where}</code>
      ${before === undefined ? nothing : html`<del>${before}</del>`} ${after === undefined ? nothing : html`<ins>${after}</ins>`}</li>`)}</ul>`
  }
}
customElements.define('payload-view', PayloadView)

/** Levels below the second are shut at first. */
function tree(label: string, node: Node, open: boolean, depth = 0): TemplateResult {
  const name = label ? html`<span class="json-key">${label}</span>: ` : nothing
  if ('scalar' in node) return html`<div class="json-leaf">${name}<span class="json-${node.scalar.startsWith('"') ? 'text' : 'scalar'}">${node.scalar}</span></div>`
  if (node.items.length === 0) return html`<div class="json-leaf">${name}${node.open}${node.close}</div>`
  return html`<details ?open=${open}><summary>${name}${node.open} <span class="muted">${node.items.length}</span> ${node.close}</summary>
    ${node.items.slice(0, 1000).map(({ key, value }, at) => tree(node.open === '[' ? String(at) : keyOf(key), value, depth < 1, depth + 1))}
    ${node.items.length > 1000 ? html`<p class="note">${t('messages.more', { count: node.items.length - 1000 })}</p>` : nothing}</details>`
}
