/**
 * Subscribing, and the subscriptions: a click shows one's messages alone.
 *
 * Hooks: `#filter` (Enter subscribes), `#filter-warning`, `#filter-qos`, `#subscribe`, `#subscribe-error`, `#again-all`, `#subscriptions [data-filter]`
 * with `data-state="pending|granted|refused|ended"`, `data-granted-qos`, `data-count`; in each `[data-action="select|alias|end|again"]`.
 */
import type { QoS, SubscribeOptions } from 'iotwasm'
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { splitFilters, suspectFilters } from '../model/filter-list'
import { reasonText } from '../model/reason-codes'
import { tones, type SubscriptionState } from '../model/subscriptions'
import './error-notice'
import './user-properties-editor'
import type { UserPropertiesEditor } from './user-properties-editor'
import { View } from './view'

export class SubscriptionsPanel extends View {
  static override properties = { connection: { attribute: false }, error: { state: true }, edited: { state: true }, suspect: { state: true } }
  declare connection: Connection
  declare error: unknown
  /** Number of the subscription whose name is being written. */
  declare edited: number | undefined
  /** Filters that are typed and look like a slip. */
  declare suspect: string[] | undefined

  protected override watched() { return [this.connection, this.connection.subscriptions, this.connection.filter] }

  protected override render() {
    const { subscriptions: { all }, phase } = this.connection
    const connected = phase === 'connected' || phase === 'reconnecting'
    const ended = all.filter(each => each.phase === 'ended' || each.phase === 'refused')
    return html`<section class="panel" aria-labelledby="subscriptions-heading">
      <div class="panel-head"><h2 id="subscriptions-heading">${t('messages.subscriptions')}</h2>
        ${connected && ended.length > 1 ? html`<button type="button" id="again-all" @click=${() => this.#again(ended)}>${t('messages.againAll')}</button>` : nothing}</div>
      <form id="subscribe-form" method="dialog" class="stack" novalidate autocomplete="off" @submit=${this.#subscribe}>
        <label class="field"><span>${t('messages.filter')} <span class="muted">${t('messages.filter.several')}</span></span>
          <textarea id="filter" class="mono" rows="1" spellcheck="false" autocapitalize="off" autocomplete="off" .defaultValue=${'demo/#'}
            @keydown=${this.#enter} @input=${(event: Event) => { this.suspect = suspectFilters(splitFilters((event.target as HTMLTextAreaElement).value)) }}></textarea></label>
        <p id="filter-warning" class="note" role="status">${this.suspect?.length ? t('messages.filter.suspect', { filters: this.suspect.map(each => JSON.stringify(each)).join(', ') }) : ''}</p>
        <div class="row">
          <label class="inline">QoS <select id="filter-qos"><option>0</option><option>1</option><option>2</option></select></label>
          <button type="submit" id="subscribe" class="primary" aria-disabled=${!connected}>${t('messages.subscribe')}</button>
        </div>
        <details><summary>${t('messages.options')}</summary><div class="stack">
          <label class="check"><input type="checkbox" id="no-local"> No Local</label>
          <label class="check"><input type="checkbox" id="retain-as-published"> Retain As Published</label>
          <label class="field"><span>${t('messages.retainHandling')}</span><select id="retain-handling">
            ${[0, 1, 2].map(each => html`<option value=${each}>${t(`messages.retainHandling.${each as 0}`)}</option>`)}</select></label>
          <label class="field"><span>${t('messages.subscriptionIdentifier')}</span><input id="subscription-identifier" type="number" min="1" max="268435455" step="1"></label>
          <user-properties-editor></user-properties-editor>
        </div></details>
      </form>
      <error-notice id="subscribe-error" .error=${this.error} .fieldOf=${(field: string) => this.#fieldOf(field)}></error-notice>
      ${all.length === 0 ? html`<p class="empty">${t('messages.subscriptions.empty')}</p>` : nothing}
      <ul id="subscriptions" class="subscriptions">${repeat(all, ({ id }) => id, each => this.#subscription(each, connected))}</ul>
    </section>`
  }

  #subscription(each: SubscriptionState, connected: boolean) {
    const { id, filter, alias, tone, phase, count, grantedQos } = each
    const { wanted } = this.connection.filter
    return html`<li class="subscription" data-filter=${filter} data-state=${phase} data-tone=${tone} data-count=${count} data-granted-qos=${grantedQos ?? nothing}>
      <button type="button" class="subscription-select" data-action="select" aria-pressed=${wanted.filter === filter} @click=${() => this.connection.filter.set({ filter: wanted.filter === filter ? undefined : filter })}>
        <span class="swatch" aria-hidden="true"></span><span class="topic">${alias ? html`<strong>${alias}</strong> ` : nothing}${filter}</span></button>
      <div class="subscription-facts">
        <span class="count">${t('messages.count', { count })}</span>
        <span class="muted">${this.#answer(each)}</span>
        <button type="button" class="small" data-action="alias" aria-expanded=${this.edited === id} @click=${() => { this.edited = this.edited === id ? undefined : id }}>${t('messages.alias')}</button>
        ${(phase === 'ended' || phase === 'refused') && connected ? html`<button type="button" class="small" data-action="again" @click=${() => this.#again([each])}>${t('messages.again')}</button>` : nothing}
        <button type="button" class="small" data-action="end" aria-label=${t(phase === 'ended' || phase === 'refused' ? 'messages.forget' : 'messages.end', { filter })} @click=${() => this.#end(id)}>×</button>
      </div>
      ${this.edited === id ? html`<div class="joined alias-editor">
        <input type="text" aria-label=${t('messages.alias.name', { filter })} .value=${alias} @input=${(event: Event) => this.connection.subscriptions.change(id, { alias: (event.target as HTMLInputElement).value })}>
        <select aria-label=${t('messages.alias.tone', { filter })} @change=${(event: Event) => this.connection.subscriptions.change(id, { tone: Number((event.target as HTMLSelectElement).value) })}>
          ${Array.from({ length: tones }, (_, at) => html`<option value=${at} ?selected=${at === tone}>${t('messages.tone', { number: at + 1 })}</option>`)}</select></div>` : nothing}
    </li>`
  }

  /** What the server answered, in words. */
  #answer({ phase, grantedQos, reasonCode, options: { qos = 0 } }: SubscriptionState): string {
    if (phase === 'refused') return t('messages.refused', { reason: reasonText(reasonCode ?? 0x80) })
    if (phase !== 'granted') return t(`messages.phase.${phase}`)
    return grantedQos === qos ? `QoS ${qos}` : t('messages.grantedOther', { granted: String(grantedQos), asked: qos })
  }

  /** As in a field of one line; Shift+Enter begins another. */
  #enter(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    ;(event.target as HTMLTextAreaElement).form?.requestSubmit()
  }

  async #subscribe(event: Event): Promise<void> {
    event.preventDefault()
    const value = <T extends HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>(id: string): T => this.querySelector<T>(`#${id}`)!
    const filters = splitFilters(value('filter').value)
    const identifier = value<HTMLInputElement>('subscription-identifier'), userProperties = this.querySelector<UserPropertiesEditor>('user-properties-editor')!.value
    const options: SubscribeOptions = {
      qos: Number(value('filter-qos').value) as QoS, noLocal: value<HTMLInputElement>('no-local').checked, retainAsPublished: value<HTMLInputElement>('retain-as-published').checked,
      retainHandling: Number(value('retain-handling').value) as 0 | 1 | 2,
      ...(identifier.value || userProperties) && { properties: { ...identifier.value && { subscriptionIdentifier: identifier.valueAsNumber }, ...userProperties && { userProperties } } },
    }
    await this.#try(() => this.connection.subscriptions.add(filters.length > 0 ? filters : [''], options))
  }

  #again(ended: readonly SubscriptionState[]): Promise<void> {
    return this.#try(() => this.connection.subscriptions.renew(ended))
  }

  #end(id: number): Promise<void> { return this.#try(() => this.connection.subscriptions.end(id)) }

  async #try(work: () => Promise<void>): Promise<void> {
    this.error = undefined
    try {
      await work()
    } catch (error) {
      this.error = error
    }
  }

  #fieldOf(field: string): HTMLElement | null {
    return this.querySelector(/^filter/.test(field) ? '#filter' : field.endsWith('subscriptionIdentifier') ? '#subscription-identifier' : field === 'noLocal' ? '#no-local' : field)
  }
}
customElements.define('subscriptions-panel', SubscriptionsPanel)
