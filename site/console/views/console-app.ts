/** The frame of the console: its bar, the connections, the views of the one that is shown. */
import { html, nothing, type TemplateResult } from 'lit'
import { t } from '../i18n'
import { Connections } from '../model/connections'
import type { Connection } from '../model/connection'
import { offline } from '../model/offline'
import './connection-view'
import './connections-list'
import './delayed-view'
import './messages-view'
import './preferences-menu'
import './publish-view'
import './shadows-view'
import './charts-view'
import './trace-view'
import { route, views, type ViewName } from './route'
import { stateText } from './state-text'
import { View } from './view'

export class ConsoleApp extends View {
  readonly connections = new Connections()

  protected override watched() { return [this.connections, this.connections.active, route, offline] }

  protected override render() {
    const { active } = this.connections
    return html`<a class="skip" href="#main" @click=${this.#skip}>${t('app.skip')}</a>
      <header class="bar">
        <h1>iotwasm <span class="muted">${t('app.title')}</span></h1>
        <p id="state" class="state" role="status" data-state=${active?.phase ?? 'idle'} ?data-failed=${active?.phase === 'closed' && active.error !== undefined}>
          <span class="state-mark" aria-hidden="true"></span><span id="state-text">${stateText(active)}</span></p>
        ${offline.renewed ? html`<button type="button" id="renewed" @click=${() => location.reload()}>${t('app.renewed')}</button>` : nothing}
        <a href="docs/">${t('app.docs')}</a>
        <preferences-menu></preferences-menu>
      </header>
      <div class="frame">
        <nav class="side" aria-label=${t('app.connections')}><connections-list .connections=${this.connections}></connections-list></nav>
        <div class="shown">
          ${active ? this.#tabs() : nothing}
          <main id="main" tabindex="-1">${this.#view(active)}</main>
        </div>
      </div>`
  }

  /** Tells the state in the browser's tab too. */
  protected override updated(): void {
    const { active } = this.connections
    document.title = active
      ? t('app.documentTitle', { state: t(`phase.${active.phase}`), name: active.profile.name || active.profile.endpoint || t('connections.unnamed') })
      : t('app.documentTitle.none')
  }

  #tabs() {
    return html`<nav class="tabs" aria-label=${t('app.views')}>${views.map(view =>
      html`<a href="#${view}" data-view=${view} aria-current=${route.view === view ? 'page' : nothing}>${t(`view.${view}`)}</a>`)}</nav>`
  }

  #view(active: Connection | undefined) {
    const shown: Record<ViewName, () => TemplateResult> = {
      connection: () => html`<connection-view .connections=${this.connections} .connection=${active}></connection-view>`,
      messages: () => html`<messages-view .connection=${active}></messages-view>`,
      publish: () => html`<publish-view .connection=${active}></publish-view>`,
      delayed: () => html`<delayed-view .connection=${active}></delayed-view>`,
      shadows: () => html`<shadows-view .connection=${active}></shadows-view>`,
      charts: () => html`<charts-view .connection=${active}></charts-view>`,
      trace: () => html`<trace-view .connection=${active}></trace-view>`,
    }
    return shown[active ? route.view : 'connection']()
  }

  /** Moves the focus itself: the fragment of the address is the view's. */
  #skip(event: Event): void {
    event.preventDefault()
    this.querySelector<HTMLElement>('#main')?.focus()
  }
}
customElements.define('console-app', ConsoleApp)
