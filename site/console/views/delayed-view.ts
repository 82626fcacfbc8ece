import { html } from 'lit'
import type { Connection } from '../model/connection'
import { View } from './view'

export class DelayedView extends View {
  static override properties = { connection: { attribute: false } }
  declare connection: Connection

  protected override watched() { return [this.connection] }

  protected override render() {
    return html`<p class="empty">delayed</p>`
  }
}
customElements.define('delayed-view', DelayedView)
