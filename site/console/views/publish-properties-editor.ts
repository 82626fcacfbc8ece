/** The properties of a PUBLISH (MQTT 5, section 3.3.2.3). Tells `edited`; properties that are left empty are left out. */
import type { PublishProperties, UserProperties } from 'iotwasm'
import { html, nothing } from 'lit'
import { t } from '../i18n'
import { toBytes, toHex } from '../model/payload-encoding'
import './user-properties-editor'
import type { UserPropertiesEditor } from './user-properties-editor'
import { View } from './view'

export class PublishPropertiesEditor extends View {
  static override properties = { value: { attribute: false }, textonly: { type: Boolean } }
  declare value: PublishProperties
  /** Leaves out correlation data: bytes cannot be kept as JSON. */
  declare textonly: boolean

  constructor() {
    super()
    this.value = {}
  }

  protected override watched() { return [] }

  protected override render() {
    const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } = this.value
    const text = (name: 'contentType' | 'responseTopic', value: string | undefined) => html`<label class="field"><span>${t(`publish.${name}`)}</span>
      <input type="text" data-property=${name} spellcheck="false" autocapitalize="off" autocomplete="off" .value=${value ?? ''}
        @change=${(event: Event) => this.#set(name, (event.target as HTMLInputElement).value || undefined)}></label>`
    return html`<div class="fields">
      ${text('contentType', contentType)}
      ${text('responseTopic', responseTopic)}
      <label class="field"><span>${t('publish.messageExpiryInterval')} <span class="muted">s</span></span>
        <input type="number" data-property="messageExpiryInterval" min="0" step="1" .value=${messageExpiryInterval?.toString() ?? ''} @change=${this.#setExpiry}></label>
      ${this.textonly ? nothing : html`<label class="field"><span>${t('publish.correlationData')} <span class="muted">hex</span></span>
        <input type="text" data-property="correlationData" spellcheck="false" autocomplete="off" pattern="\\s*([0-9a-fA-F]{2}\\s*)*" .value=${correlationData ? toHex(correlationData) : ''} @change=${this.#setCorrelationData}></label>`}
      <label class="check wide"><input type="checkbox" data-property="payloadFormatIndicator" .checked=${payloadFormatIndicator ?? false}
        @change=${(event: Event) => this.#set('payloadFormatIndicator', (event.target as HTMLInputElement).checked || undefined)}> ${t('publish.payloadFormatIndicator')}</label>
      <user-properties-editor class="wide" .value=${userProperties} @edited=${(event: Event) => this.#set('userProperties', (event.target as UserPropertiesEditor).value as UserProperties)}></user-properties-editor>
    </div>`
  }

  #setExpiry(event: Event): void {
    const { value, valueAsNumber } = event.target as HTMLInputElement
    this.#set('messageExpiryInterval', value === '' ? undefined : valueAsNumber)
  }

  /** What is no row of bytes stays in the field, marked by its pattern. */
  #setCorrelationData(event: Event): void {
    const bytes = toBytes((event.target as HTMLInputElement).value, 'hex')
    if (bytes instanceof Uint8Array) this.#set('correlationData', bytes.length > 0 ? bytes : undefined)
  }

  #set<K extends keyof PublishProperties>(name: K, value: PublishProperties[K] | undefined): void {
    const { [name]: _, ...others } = this.value
    this.value = value === undefined ? others : { ...others, [name]: value }
    this.dispatchEvent(new Event('edited')) // not change, which the inputs tell themselves
  }
}
customElements.define('publish-properties-editor', PublishPropertiesEditor)
