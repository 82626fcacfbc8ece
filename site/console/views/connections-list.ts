/**
 * The profiles, each with the state of its connection; and what is done with all of them.
 *
 * Hooks: `#connections [data-profile]` with `data-state` and `[data-unread]`, `[data-action="show|toggle"]`, `#profile-new`, `#profiles-export`, `#profiles-import`, `#profiles-error`.
 */
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connections } from '../model/connections'
import type { Profile } from '../model/profile'
import './error-notice'
import { route } from './route'
import { save } from './save-file'
import { View } from './view'

export class ConnectionsList extends View {
  static override properties = { connections: { attribute: false }, error: { state: true }, told: { state: true } }
  declare connections: Connections
  declare error: unknown
  declare told: string | undefined

  protected override watched() { return [this.connections, this.connections.profiles, ...this.connections.all, ...this.connections.all.map(({ unread }) => unread)] }

  protected override render() {
    const { profiles, all } = this.connections
    const kept = profiles.all.map(({ id }) => id)
    const shown = [...all.filter(({ profile }) => !kept.includes(profile.id)).map(({ profile }) => profile), ...profiles.all]
    return html`<ul id="connections" class="connections">${repeat(shown, ({ id }) => id, each => this.#profile(each))}</ul>
      <div class="actions">
        <button type="button" id="profile-new" @click=${this.#add}>${t('connections.new')}</button>
        <button type="button" id="profiles-export" ?disabled=${profiles.all.length === 0} @click=${() => save('iotwasm-profiles.json', 'application/json', profiles.export())}>${t('connections.export')}</button>
        <label class="button">${t('connections.import')}<input id="profiles-import" class="visually-hidden" type="file" accept=".json,application/json" @change=${this.#import}></label>
      </div>
      <p class="note" role="status">${this.told ?? ''}</p>
      <error-notice id="profiles-error" .error=${this.error}></error-notice>`
  }

  #profile(profile: Profile) {
    const connection = this.connections.of(profile), { active } = this.connections
    const phase = connection?.phase ?? 'idle', unread = connection?.unread.count ?? 0, open = phase === 'connected' || phase === 'reconnecting' || phase === 'connecting'
    return html`<li data-profile=${profile.id} data-state=${phase}>
      <button type="button" class="connection" data-action="show" aria-current=${connection && connection === active ? 'true' : nothing} @click=${() => connection ? this.connections.show(connection) : this.connections.open(profile)}>
        <span class="state" data-state=${phase} data-failed=${connection?.phase === 'closed' && connection.error ? 'true' : nothing}><span class="state-mark" aria-hidden="true"></span></span>
        <span class="connection-text"><strong>${profile.name || profile.endpoint || t('connections.unnamed')}</strong> <span class="note">${t(`phase.${phase}`)}
          ${unread > 0 ? html`<span class="badge" data-unread=${unread}>${t('connections.unread', { count: unread })}</span>` : nothing}</span></span></button>
      ${connection ? html`<button type="button" class="small" data-action="toggle" aria-label=${t(open ? 'connections.disconnect.of' : 'connections.connect.of', { name: profile.name })}
        @click=${() => open ? connection.disconnect() : connection.connect()}>${t(open ? 'connections.disconnect' : 'connections.connect')}</button>` : nothing}
    </li>`
  }

  #add(): void {
    this.connections.show(undefined)
    route.view = 'connection'
  }

  async #import(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement, [file] = input.files ?? []
    if (!file) return
    this.error = this.told = undefined
    try {
      this.told = t('connections.imported', { count: this.connections.profiles.import(await file.text()) })
    } catch (error) {
      this.error = error
    }
    input.value = ''
  }
}
customElements.define('connections-list', ConnectionsList)
