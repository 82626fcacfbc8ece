/** What is in force on the present link. */
import { html } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { formatSize } from '../model/payload-format'
import { View } from './view'

export class NegotiatedFacts extends View {
  static override properties = { connection: { attribute: false } }
  declare connection: Connection

  protected override watched() { return [this.connection] }

  protected override render() {
    const { client, profile } = this.connection
    if (!client) return html``
    const { keepAlive, sessionExpiryInterval, receiveMaximum, maximumQoS, maximumPacketSize, topicAliasMaximum, retainAvailable, wildcardSubscriptionAvailable, sharedSubscriptionAvailable } = client.negotiated
    const yes = (value: boolean): string => t(value ? 'connections.yes' : 'connections.no')
    const facts = {
      clientId: client.clientId, keepAlive: keepAlive === 0 ? t('connections.off') : `${keepAlive} s`, session: t(client.connack.sessionPresent ? 'connections.session.present' : 'connections.session.new'),
      sessionExpiry: `${sessionExpiryInterval} s`, receiveMaximum: String(receiveMaximum), maximumQoS: String(maximumQoS), maximumPacketSize: Number.isFinite(maximumPacketSize) ? formatSize(maximumPacketSize) : t('connections.noLimit'),
      topicAliases: String(topicAliasMaximum), retain: yes(retainAvailable), wildcards: yes(wildcardSubscriptionAvailable), shared: yes(sharedSubscriptionAvailable), worker: t(profile.worker ? 'connections.worker.true' : 'connections.worker.false'),
    }
    return html`<dl id="connack" class="facts">${(Object.keys(facts) as (keyof typeof facts)[]).map(name =>
      html`<div data-fact=${name}><dt title=${t(`connections.fact.${name}.title`)}>${t(`connections.fact.${name}`)}</dt><dd>${facts[name]}</dd></div>`)}</dl>`
  }
}
customElements.define('negotiated-facts', NegotiatedFacts)
