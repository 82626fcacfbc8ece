/** The will of a profile. Tells `edited`; without a topic there is none. */
import type { QoS } from 'iotwasm'
import { html } from 'lit'
import { t } from '../i18n'
import type { WillProfile } from '../model/profile'
import './publish-properties-editor'
import type { PublishPropertiesEditor } from './publish-properties-editor'
import { View } from './view'

export class WillEditor extends View {
  static override properties = { value: { attribute: false } }
  declare value: WillProfile | undefined

  protected override watched() { return [] }

  protected override render() {
    const { topic = '', payload = '', qos = 0, retain = false, delayInterval, properties = {} } = this.value ?? {}
    return html`<div class="fields">
      <label class="field wide"><span>${t('publish.topic')}</span><input id="will-topic" type="text" class="mono" spellcheck="false" autocapitalize="off" autocomplete="off" .value=${topic} @change=${(event: Event) => this.#set({ topic: (event.target as HTMLInputElement).value.trim() })}></label>
      <label class="field wide"><span>${t('publish.payload')}</span><textarea id="will-payload" rows="2" spellcheck="false" .value=${payload} @change=${(event: Event) => this.#set({ payload: (event.target as HTMLTextAreaElement).value })}></textarea></label>
      <label class="field"><span>QoS</span><select id="will-qos" @change=${(event: Event) => this.#set({ qos: Number((event.target as HTMLSelectElement).value) as QoS })}>${[0, 1, 2].map(each => html`<option ?selected=${each === qos}>${each}</option>`)}</select></label>
      <label class="field"><span>${t('connections.will.delay')} <span class="muted">s</span></span><input id="will-delay" type="number" min="0" step="1" .value=${delayInterval?.toString() ?? ''} @change=${this.#setDelay}></label>
      <label class="check wide"><input id="will-retain" type="checkbox" .checked=${retain} @change=${(event: Event) => this.#set({ retain: (event.target as HTMLInputElement).checked })}> Retain</label>
      <publish-properties-editor class="wide" textonly .value=${properties} @edited=${(event: Event) => this.#set({ properties: (event.target as PublishPropertiesEditor).value })}></publish-properties-editor>
    </div>`
  }

  #setDelay(event: Event): void {
    const { value, valueAsNumber } = event.target as HTMLInputElement
    const { delayInterval: _, ...will } = this.value ?? {}
    this.#tell({ ...will, ...value !== '' && { delayInterval: valueAsNumber } })
  }

  #set(change: Partial<WillProfile>): void { this.#tell({ ...this.value, ...change }) }

  #tell(will: Partial<WillProfile>): void {
    this.value = will.topic || will.payload ? { topic: '', payload: '', qos: 0, retain: false, ...will } : undefined
    this.dispatchEvent(new Event('edited')) // not change, which the inputs tell themselves
  }
}
customElements.define('will-editor', WillEditor)
