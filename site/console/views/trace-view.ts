import { html } from 'lit'
import type { Connection } from '../model/connection'
import { View } from './view'

export class TraceView extends View {
  static override properties = { connection: { attribute: false } }
  declare connection: Connection

  protected override watched() { return [this.connection] }

  protected override render() {
    return html`<p class="empty">trace</p>`
  }
}
customElements.define('trace-view', TraceView)
