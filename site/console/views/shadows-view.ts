/**
 * The shadows of a thing.
 *
 * Hooks: `#shadow-thing`, `#shadow-names`, `#shadow-open`, `#shadow-series`, `#shadows-error`, `#shadows shadow-card[data-shadow]`, and those of shadow-card.
 */
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { namedShadows } from '../model/series'
import './error-notice'
import { route } from './route'
import './shadow-card'
import { View } from './view'

export class ShadowsView extends View {
  static override properties = { connection: { attribute: false }, error: { state: true }, thing: { state: true } }
  declare connection: Connection
  declare error: unknown
  declare thing: string

  constructor() {
    super()
    this.thing = 'iotwasm-demo'
  }

  protected override watched() { return [this.connection, this.connection.shadows] }

  protected override render() {
    const { shadows, phase } = this.connection, connected = phase === 'connected' || phase === 'reconnecting'
    const heard = shadows.heardOf(this.thing)
    return html`<div class="stack">
      <section class="panel" aria-labelledby="shadows-heading">
        <div class="panel-head"><h2 id="shadows-heading">${t('view.shadows')}</h2></div>
        <form id="shadows-form" method="dialog" class="fields" novalidate autocomplete="off" @submit=${this.#open}>
          <label class="field"><span>${t('delayed.thing')}</span><input id="shadow-thing" type="text" class="mono" spellcheck="false" autocapitalize="off" autocomplete="off" .value=${this.thing}
            @input=${(event: Event) => { this.thing = (event.target as HTMLInputElement).value.trim() }}></label>
          <label class="field"><span>${t('shadows.names')} <span class="muted">${t('shadows.names.hint')}</span></span>
            <input id="shadow-names" type="text" class="mono" list="shadow-names-heard" spellcheck="false" autocapitalize="off" autocomplete="off" value=${heard.join(', ')}>
            <datalist id="shadow-names-heard">${heard.map(name => html`<option value=${name}></option>`)}</datalist></label>
          <div class="actions wide">
            <button type="submit" id="shadow-open" class="primary" aria-disabled=${!connected}>${t('shadows.open')}</button>
            <button type="button" id="shadow-series" aria-disabled=${!connected} @click=${this.#series}>${t('shadows.series')}</button>
          </div>
        </form>
        <error-notice id="shadows-error" .error=${this.error} .fieldOf=${(field: string) => this.querySelector<HTMLElement>(field === 'thingName' ? '#shadow-thing' : '#shadow-names')}></error-notice>
        ${shadows.all.length === 0 ? html`<p class="empty">${t('shadows.empty')}</p>` : nothing}
      </section>
      <div id="shadows" class="shadow-cards">${repeat(shadows.all, each => each, each =>
        html`<shadow-card data-shadow=${each.name ?? ''} .shadow=${each} .connected=${connected} @remove=${() => shadows.remove(each)}></shadow-card>`)}</div>
    </div>`
  }

  #names(): string[] { return this.querySelector<HTMLInputElement>('#shadow-names')!.value.split(',').map(each => each.trim()) }

  #open(event: Event): void {
    event.preventDefault()
    this.error = undefined
    try {
      this.connection.shadows.add(this.thing, this.#names())
    } catch (error) {
      this.error = error
    }
  }

  /** Several are created in one series, each once the one before is accepted. */
  #series(): void {
    const names = this.#names().filter(Boolean)
    if (names.length === 0) {
      this.error = { code: 'invalid-argument', field: 'shadowName', message: t('shadows.series.names') }
      return
    }
    this.connection.series.set(namedShadows(this.thing, names))
    route.view = 'delayed'
  }
}
customElements.define('shadows-view', ShadowsView)
