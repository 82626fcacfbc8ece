/** A payload: as a JSON tree with exact numbers, as text, Base64 or hexadecimal, or what changed since another. */
import { html, nothing } from 'lit'
import { t } from '../i18n'
import { diffPayloads } from '../model/payload-diff'
import { decodeText, formatSize, hexDump, readJson, type Node } from '../model/payload-format'
import { toBase64 } from '../model/payload-encoding'
import './json-tree'
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
  #read: { payload: Uint8Array, text: string | undefined, json: Node | undefined } | undefined

  protected override watched() { return [] }

  protected override render() {
    const { text, json } = this.#parsed()
    const possible: Record<Form, boolean> = { json: json !== undefined, text: text !== undefined, base64: true, hex: true, diff: this.previous !== undefined }
    const form = this.form && possible[this.form] ? this.form : json ? 'json' : text === undefined ? 'hex' : 'text'
    return html`<div class="forms" role="group" aria-label=${t('messages.form')}>${forms.map(each => html`<button type="button" class="small" data-form=${each} aria-pressed=${each === form}
        ?disabled=${!possible[each]} @click=${() => { this.form = each }}>${t(`messages.form.${each}`)}</button>`)}</div>
      <div class="payload" data-kind=${form} tabindex="0" role="group" aria-label=${t('messages.payload')}>${this.payload.length === 0 ? html`<em>${t('messages.emptyPayload')}</em>` : this.#body(form, text, json)}</div>`
  }

  /** Once for each payload, so that what is open in its tree stays open. */
  #parsed() {
    if (this.#read?.payload !== this.payload) {
      const text = decodeText(this.payload)
      this.#read = { payload: this.payload, text, json: text === undefined ? undefined : readJson(text) }
    }
    return this.#read!
  }

  #body(form: Form, text: string | undefined, json: Node | undefined) {
    switch (form) {
      case 'json': return html`<json-tree class="json-tree" .node=${json}></json-tree>`
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
