/**
 * Messages: subscriptions and topics at the side, the list, and what is known of the
 * one that is selected.
 *
 * Hooks: `#side-toggle`, and those of subscriptions-panel, topic-tree, message-list and message-details.
 */
import { html } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import type { Entry } from '../model/message-history'
import './message-details'
import './message-list'
import './subscriptions-panel'
import './topic-tree-view'
import { View } from './view'

export class MessagesView extends View {
  static override properties = { connection: { attribute: false }, selected: { state: true }, folded: { state: true } }
  declare connection: Connection
  declare selected: Entry | undefined
  /** Whether the subscriptions and topics are put away, for which only a narrow screen has the button. */
  declare folded: boolean | undefined

  protected override watched() { return [this.connection] }

  protected override render() {
    return html`<div class="messages" ?data-selected=${this.selected !== undefined}>
      <button type="button" id="side-toggle" aria-expanded=${!this.folded} aria-controls="messages-side" @click=${() => { this.folded = !this.folded }}>${t('messages.side')}</button>
      <div id="messages-side" class="messages-side" ?data-folded=${this.folded}>
        <subscriptions-panel .connection=${this.connection}></subscriptions-panel>
        <topic-tree-view .tree=${this.connection.tree} .filter=${this.connection.filter}></topic-tree-view>
      </div>
      <message-list .connection=${this.connection} .selected=${this.selected} @select=${(event: CustomEvent<Entry>) => { this.selected = event.detail }}></message-list>
      ${this.selected
        ? html`<message-details .connection=${this.connection} .entry=${this.selected} @close=${this.#close}></message-details>`
        : html`<p class="panel note details-empty">${t('messages.details.empty')}</p>`}
    </div>`
  }

  /** The focus goes back to the list. */
  #close(): void {
    this.selected = undefined
    this.querySelector<HTMLElement>('#log')?.focus()
  }
}
customElements.define('messages-view', MessagesView)
