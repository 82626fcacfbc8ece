/** The connections, each with its state. */
import { html, nothing } from 'lit'
import type { Connections } from '../model/connections'
import { stateText } from './state-text'
import { View } from './view'

export class ConnectionsList extends View {
  static override properties = { connections: { attribute: false } }
  declare connections: Connections

  protected override watched() { return [this.connections, ...this.connections.all] }

  protected override render() {
    return html`<ul class="connections">${this.connections.all.map(each =>
      html`<li><button type="button" data-connection=${each.profile.id} aria-current=${each === this.connections.active ? 'true' : nothing}
        @click=${() => this.connections.show(each)}>${each.profile.name} <span class="muted">${stateText(each)}</span></button></li>`)}</ul>`
  }
}
customElements.define('connections-list', ConnectionsList)
