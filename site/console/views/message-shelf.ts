/** Messages at hand: those published before, and templates kept under a name. A click puts one into the form. */
import { html, nothing } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import type { Message } from '../model/draft'
import { encodings } from '../model/payload-encoding'
import { Saved } from '../model/saved'
import { View } from './view'

const isMessage = (value: unknown): value is Message => {
  const { topic, payload, encoding, qos, retain, properties } = (value ?? {}) as Partial<Message>
  return typeof topic === 'string' && typeof payload === 'string' && encodings.some(each => each === encoding) && typeof qos === 'number' && typeof retain === 'boolean' && typeof properties === 'object'
}
const templates = new Saved('templates', isMessage)

export class MessageShelf extends View {
  static override properties = { connection: { attribute: false } }
  declare connection: Connection

  protected override watched() { return [this.connection.publisher, templates] }

  protected override render() {
    const { recent } = this.connection.publisher
    return html`<section class="panel" aria-labelledby="templates-heading">
        <div class="panel-head"><h2 id="templates-heading">${t('publish.templates')}</h2></div>
        <form method="dialog" class="joined" autocomplete="off" @submit=${this.#save}>
          <input id="template-name" type="text" required aria-label=${t('publish.templates.name')} placeholder=${t('publish.templates.name')}>
          <button type="submit" id="template-save">${t('publish.templates.save')}</button>
        </form>
        ${templates.all.size === 0 ? html`<p class="empty">${t('publish.templates.empty')}</p>` : nothing}
        <ul id="templates" class="shelf">${[...templates.all].map(([name, message]) => html`<li data-template=${name}>
          <button type="button" class="take" @click=${() => this.connection.draft.change(message)}><strong>${name}</strong> <span class="topic">${message.topic}</span></button>
          <button type="button" aria-label=${t('publish.templates.remove', { name })} @click=${() => templates.remove(name)}>×</button></li>`)}</ul>
      </section>
      <section class="panel" aria-labelledby="recent-heading">
        <div class="panel-head"><h2 id="recent-heading">${t('publish.recent')}</h2></div>
        ${recent.length === 0 ? html`<p class="empty">${t('publish.recent.empty')}</p>` : nothing}
        <ul id="publish-recent" class="shelf">${recent.map(message => html`<li>
          <button type="button" class="take" @click=${() => this.connection.draft.change(message)}><span class="topic">${message.topic}</span> <span class="shelf-payload muted">${message.payload.slice(0, 120)}</span></button></li>`)}</ul>
      </section>`
  }

  #save(event: Event): void {
    event.preventDefault()
    const input = this.querySelector<HTMLInputElement>('#template-name')!
    const name = input.value.trim()
    if (!name) return
    // JSON has no bytes.
    const { properties: { correlationData, ...properties }, ...message } = this.connection.draft.message
    templates.save(name, { ...message, properties })
    input.value = ''
  }
}
customElements.define('message-shelf', MessageShelf)
