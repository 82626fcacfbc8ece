/**
 * Publishing: the message that is being written, what was published before, and
 * templates that are kept.
 *
 * Hooks: `#publish-topic`, `#publish-payload`, `#publish-encoding`, `#publish-qos`,
 * `#publish-retain`, `#publish`, `#publish-result[data-state]`, `#publish-error`,
 * `#json-check[data-state="valid|invalid|none"]`, `[data-property]`,
 * `#publish-recent button`, `#template-name`, `#template-save`, `#templates [data-template]`.
 */
import type { QoS } from 'iotwasm'
import { html, nothing } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import type { Message } from '../model/draft'
import { encodings, jsonProblem, toBytes, type Encoding } from '../model/payload-encoding'
import { formatSize, indentJson } from '../model/payload-format'
import { reasonText } from '../model/reason-codes'
import './error-notice'
import './message-shelf'
import './publish-properties-editor'
import type { PublishPropertiesEditor } from './publish-properties-editor'
import { View } from './view'

export class PublishView extends View {
  static override properties = { connection: { attribute: false }, error: { state: true }, result: { state: true } }
  declare connection: Connection
  declare error: unknown
  declare result: { state: 'sending' | 'sent', text: string } | undefined

  protected override watched() { return [this.connection, this.connection.draft] }

  protected override render() {
    const { draft, phase } = this.connection
    const { topic, payload, encoding, qos, retain, properties } = draft.message
    const connected = phase === 'connected' || phase === 'reconnecting'
    return html`<div class="publish-columns">
      <section class="panel" aria-labelledby="publish-heading">
        <div class="panel-head"><h2 id="publish-heading">${t('publish.heading')}</h2></div>
        <form id="compose" method="dialog" novalidate autocomplete="off" @submit=${this.#publish} @keydown=${this.#key}>
          <label class="field"><span>${t('publish.topic')}</span>
            <input id="publish-topic" type="text" class="mono" spellcheck="false" autocapitalize="off" autocomplete="off" .value=${topic}
              @input=${(event: Event) => draft.change({ topic: (event.target as HTMLInputElement).value })}></label>
          <div class="field">
            <div class="field-head"><label for="publish-payload">${t('publish.payload')}</label>${this.#check(draft.message)}</div>
            <textarea id="publish-payload" rows="9" spellcheck="false" autocapitalize="off" .value=${payload}
              @input=${(event: Event) => draft.change({ payload: (event.target as HTMLTextAreaElement).value })}></textarea>
          </div>
          <div class="row">
            <label class="inline">${t('publish.encoding')} <select id="publish-encoding" @change=${(event: Event) => draft.change({ encoding: (event.target as HTMLSelectElement).value as Encoding })}>
              ${encodings.map(each => html`<option value=${each} ?selected=${each === encoding}>${t(`publish.encoding.${each}`)}</option>`)}</select></label>
            <label class="inline">QoS <select id="publish-qos" @change=${(event: Event) => draft.change({ qos: Number((event.target as HTMLSelectElement).value) as QoS })}>
              ${[0, 1, 2].map(each => html`<option ?selected=${each === qos}>${each}</option>`)}</select></label>
            <label class="check"><input id="publish-retain" type="checkbox" .checked=${retain} @change=${(event: Event) => draft.change({ retain: (event.target as HTMLInputElement).checked })}> Retain</label>
            <button type="submit" id="publish" class="primary" aria-disabled=${!connected} title="Ctrl+Enter">${t('publish.publish')}</button>
          </div>
          <p id="publish-result" class="note" role="status" data-state=${this.result?.state ?? nothing}>${connected ? this.result?.text ?? '' : t('publish.notConnected')}</p>
          <error-notice id="publish-error" .error=${this.error} .fieldOf=${(field: string) => this.#fieldOf(field)}></error-notice>
          <details ?open=${Object.keys(properties).length > 0}><summary>${t('publish.properties')}</summary>
            <publish-properties-editor .value=${properties} @edited=${(event: Event) => draft.change({ properties: (event.target as PublishPropertiesEditor).value })}></publish-properties-editor>
          </details>
        </form>
      </section>
      <message-shelf .connection=${this.connection}></message-shelf>
    </div>`
  }

  #check({ payload, encoding }: Message) {
    const bytes = toBytes(payload, encoding)
    if (typeof bytes === 'string') return html`<span id="json-check" class="failed" data-state="invalid">${t(`publish.problem.${bytes}`)}</span>`
    const problem = encoding === 'text' ? jsonProblem(payload) : undefined
    const indented = problem === undefined && encoding === 'text' ? indentJson(payload) : undefined
    return html`<span id="json-check" class=${problem ? 'failed' : 'muted'} data-state=${problem ? 'invalid' : indented ? 'valid' : 'none'}>
      ${problem ? t('publish.json.invalid', { problem }) : indented ? t('publish.json.valid') : ''} ${formatSize(bytes.length)}</span>
      ${indented !== undefined && indented !== payload ? html`<button type="button" id="json-format" @click=${() => this.connection.draft.change({ payload: indented })}>${t('publish.json.format')}</button>` : nothing}`
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void this.#publish(event)
  }

  async #publish(event: Event): Promise<void> {
    event.preventDefault()
    const { draft, publisher } = this.connection
    const { message } = draft, bytes = toBytes(message.payload, message.encoding)
    this.error = undefined
    if (typeof bytes === 'string') {
      this.error = { code: 'invalid-argument', field: 'payload', message: t(`publish.problem.${bytes}`) }
      return
    }
    this.result = { state: 'sending', text: t('publish.sending') }
    try {
      const { topic, qos, retain, properties } = message
      const { reasonCode, reasonString } = await publisher.publish(topic, bytes, { qos, retain, properties })
      publisher.remember(message)
      const answer = qos === 0 ? '' : ` · ${qos === 1 ? 'PUBACK' : 'PUBCOMP'} ${reasonText(reasonCode)}${reasonString ? ` (${reasonString})` : ''}`
      this.result = { state: 'sent', text: `${t('publish.sent', { topic })}${answer}` }
    } catch (error) {
      this.result = undefined
      this.error = error
    }
  }

  #fieldOf(field: string): HTMLElement | null {
    const [, property] = /^properties\.(\w+)/.exec(field) ?? []
    return this.querySelector<HTMLElement>(property ? `[data-property="${property}"]` : `#publish-${field}`)
  }
}
customElements.define('publish-view', PublishView)
