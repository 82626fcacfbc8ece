/** Settings of a connection, and its connecting. */
import { html } from 'lit'
import type { Connection } from '../model/connection'
import type { Connections } from '../model/connections'
import { newProfile } from '../model/profile'
import './error-notice'
import { route } from './route'
import { View } from './view'

export class ConnectionView extends View {
  static override properties = { connections: { attribute: false }, connection: { attribute: false } }
  declare connections: Connections
  declare connection: Connection | undefined

  protected override watched() { return [this.connections, this.connection] }

  protected override render() {
    return html`<button type="button" id="connect-gateway" class="primary" @click=${this.#connectGateway}>Connect to the local gateway</button>
      <error-notice id="error" .error=${this.connection?.error}></error-notice>`
  }

  async #connectGateway(): Promise<void> {
    const { endpoint, region, accessKeyId, secretAccessKey } = await (await fetch('gateway.json', { cache: 'no-store' })).json() as Record<string, string>
    const connection = this.connections.open(newProfile({ id: 'gateway', name: 'Local gateway', authentication: 'gateway', endpoint: endpoint!, region: region! }))
    connection.secrets = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! }
    if (await connection.connect()) route.view = 'messages'
  }
}
customElements.define('connection-view', ConnectionView)
