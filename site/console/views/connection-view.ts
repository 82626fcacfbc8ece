/**
 * A connection: the welcome where there is none, else what it is, what it does and
 * its settings.
 *
 * Hooks: `#connect-gateway`, `[data-way="gateway|aws|broker"]`, `#connect`, `#disconnect`, `#error`, `#connack [data-fact]`, `[data-next="two-shadows|subscribe|shadows"]`,
 * and those of profile-form.
 */
import { html, nothing } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import type { Connections } from '../model/connections'
import { findGateway, type LocalGateway } from '../model/local-gateway'
import { newProfile } from '../model/profile'
import './error-notice'
import './negotiated-facts'
import './profile-form'
import type { ProfileForm } from './profile-form'
import { route, type ViewName } from './route'
import { stateText } from './state-text'
import { View } from './view'

const next: readonly [name: string, view: ViewName][] = [['two-shadows', 'delayed'], ['subscribe', 'messages'], ['shadows', 'shadows']]

export class ConnectionView extends View {
  static override properties = { connections: { attribute: false }, connection: { attribute: false }, gateway: { state: true } }
  declare connections: Connections
  declare connection: Connection | undefined
  declare gateway: LocalGateway | undefined

  protected override watched() { return [this.connections, this.connection] }

  override connectedCallback(): void {
    super.connectedCallback()
    void findGateway().then(gateway => {
      this.gateway = gateway
      document.documentElement.dataset['gateway'] = String(gateway !== undefined)
    })
  }

  protected override render() { return this.connection ? this.#settings(this.connection) : this.#welcome() }

  #welcome() {
    return html`<div class="welcome stack">
      <h2>${t('connections.welcome')}</h2>
      <p>${t('connections.welcome.text')}</p>
      <div class="ways">
        ${this.gateway ? html`<section class="panel" data-way="gateway" aria-labelledby="way-gateway"><h3 id="way-gateway">${t('connections.way.gateway')}</h3><p>${t('connections.way.gateway.text')}</p>
          <button type="button" id="connect-gateway" class="primary" @click=${this.#connectGateway}>${t('connections.way.gateway.connect')}</button></section>` : nothing}
        <section class="panel" data-way="aws" aria-labelledby="way-aws"><h3 id="way-aws">AWS IoT Core</h3><p>${t('connections.way.aws.text')}</p>
          <button type="button" id="add-aws" @click=${() => this.#add('keys')}>${t('connections.way.aws.add')}</button></section>
        <section class="panel" data-way="broker" aria-labelledby="way-broker"><h3 id="way-broker">${t('connections.way.broker')}</h3><p>${t('connections.way.broker.text')}</p>
          <button type="button" id="add-broker" @click=${() => this.#add('none')}>${t('connections.way.broker.add')}</button></section>
      </div>
      <p class="note">${t('connections.secrets')}</p>
    </div>`
  }

  #settings(connection: Connection) {
    const { phase, error } = connection, open = phase === 'connected' || phase === 'reconnecting' || phase === 'connecting'
    return html`<div class="stack">
      <section class="panel" aria-labelledby="connection-heading">
        <div class="panel-head"><h2 id="connection-heading">${connection.profile.name || connection.profile.endpoint || t('connections.unnamed')}</h2>
          <div class="actions">
            <button type="submit" id="connect" class="primary" form="profile-form" aria-disabled=${open}>${t('connections.connect')}</button>
            <button type="button" id="disconnect" aria-disabled=${!open} @click=${() => connection.disconnect()}>${t(phase === 'connecting' ? 'connections.cancel' : 'connections.disconnect')}</button>
          </div></div>
        <p class="note">${stateText(connection)}</p>
        <error-notice id="error" .error=${error} .fieldOf=${(field: string) => this.querySelector<ProfileForm>('profile-form')?.inputOf(field)}></error-notice>
        ${connection.client ? html`<negotiated-facts .connection=${connection}></negotiated-facts>
          <h3>${t('connections.next')}</h3><div class="actions">${next.map(([name, view]) => html`<button type="button" data-next=${name} @click=${() => { route.view = view }}>${t(`connections.next.${name as 'subscribe'}`)}</button>`)}</div>` : nothing}
      </section>
      <profile-form .connections=${this.connections} .connection=${connection}></profile-form>
    </div>`
  }

  #add(authentication: 'keys' | 'none'): void { this.connections.open(newProfile({ authentication })) }

  async #connectGateway(): Promise<void> {
    const { profile, secrets } = this.gateway!
    const connection = this.connections.open(profile)
    connection.secrets = secrets
    await connection.connect()
  }
}
customElements.define('connection-view', ConnectionView)
