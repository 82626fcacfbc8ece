/**
 * Subscribing, and the subscriptions: a click shows one's messages alone.
 *
 * Hooks: `#filter`, `#filter-qos`, `#subscribe`, `#subscribe-error`, `#subscriptions [data-filter]`
 * with `data-state="pending|granted|ended"`, `data-granted-qos`, `data-count`; in each `[data-action="select|alias|end|again"]`.
 */
import type { QoS, SubscribeOptions } from 'iotwasm'
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { tones, type SubscriptionState } from '../model/subscriptions'
import './error-notice'
import { View } from './view'

export class SubscriptionsPanel extends View {
  static override properties = { connection: { attribute: false }, error: { state: true }, edited: { state: true } }
  declare connection: Connection
  declare error: unknown
  /** Number of the subscription whose name is being written. */
  declare edited: number | undefined

  protected override watched() { return [this.connection, this.connection.subscriptions, this.connection.filter] }

  protected override render() {
    const { subscriptions: { all }, phase } = this.connection
    const connected = phase === 'connected' || phase === 'reconnecting'
    const ended = all.filter(each => each.phase === 'ended')
    return html`<section class="panel" aria-labelledby="subscriptions-heading">
      <div class="panel-head"><h2 id="subscriptions-heading">${t('messages.subscriptions')}</h2>
        ${connected && ended.length > 1 ? html`<button type="button" id="again-all" @click=${() => this.#again(ended)}>${t('messages.againAll')}</button>` : nothing}</div>
      <form id="subscribe-form" method="dialog" class="stack" novalidate autocomplete="off" @submit=${this.#subscribe}>
        <label class="field"><span>${t('messages.filter')} <span class="muted">${t('messages.filter.several')}</span></span>
          <input id="filter" type="text" class="mono" spellcheck="false" autocapitalize="off" autocomplete="off" value="demo/#"></label>
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
        </div></details>
      </form>
      <error-notice id="subscribe-error" .error=${this.error} .fieldOf=${(field: string) => this.#fieldOf(field)}></error-notice>
      ${all.length === 0 ? html`<p class="empty">${t('messages.subscriptions.empty')}</p>` : nothing}
      <ul id="subscriptions" class="subscriptions">${repeat(all, ({ id }) => id, each => this.#subscription(each, connected))}</ul>
    </section>`
  }

  #subscription(each: SubscriptionState, connected: boolean) {
    const { id, filter, alias, tone, phase, grantedQos, count } = each
    const { wanted } = this.connection.filter
    return html`<li class="subscription" data-filter=${filter} data-state=${phase} data-tone=${tone} data-count=${count} data-granted-qos=${grantedQos ?? nothing}>
      <button type="button" class="subscription-select" data-action="select" aria-pressed=${wanted.filter === filter} @click=${() => this.connection.filter.set({ filter: wanted.filter === filter ? undefined : filter })}>
        <span class="swatch" aria-hidden="true"></span><span class="topic">${alias ? html`<strong>${alias}</strong> ` : nothing}${filter}</span></button>
      <div class="subscription-facts">
        <span class="count">${t('messages.count', { count })}</span>
        <span class="muted">${phase === 'granted' ? `QoS ${grantedQos}` : t(`messages.phase.${phase}`)}</span>
        <button type="button" class="small" data-action="alias" aria-expanded=${this.edited === id} @click=${() => { this.edited = this.edited === id ? undefined : id }}>${t('messages.alias')}</button>
        ${phase === 'ended' && connected ? html`<button type="button" class="small" data-action="again" @click=${() => this.#again([each])}>${t('messages.again')}</button>` : nothing}
        <button type="button" class="small" data-action="end" aria-label=${t(phase === 'ended' ? 'messages.forget' : 'messages.end', { filter })} @click=${() => this.#end(id)}>×</button>
      </div>
      ${this.edited === id ? html`<div class="joined alias-editor">
        <input type="text" aria-label=${t('messages.alias.name', { filter })} .value=${alias} @input=${(event: Event) => this.connection.subscriptions.change(id, { alias: (event.target as HTMLInputElement).value })}>
        <select aria-label=${t('messages.alias.tone', { filter })} @change=${(event: Event) => this.connection.subscriptions.change(id, { tone: Number((event.target as HTMLSelectElement).value) })}>
          ${Array.from({ length: tones }, (_, at) => html`<option value=${at} ?selected=${at === tone}>${t('messages.tone', { number: at + 1 })}</option>`)}</select></div>` : nothing}
    </li>`
  }

  async #subscribe(event: Event): Promise<void> {
    event.preventDefault()
    const value = <T extends HTMLInputElement | HTMLSelectElement>(id: string): T => this.querySelector<T>(`#${id}`)!
    const filters = value<HTMLInputElement>('filter').value.split(',').map(each => each.trim()).filter(Boolean)
    const options: SubscribeOptions = {
      qos: Number(value('filter-qos').value) as QoS, noLocal: value<HTMLInputElement>('no-local').checked, retainAsPublished: value<HTMLInputElement>('retain-as-published').checked,
      retainHandling: Number(value('retain-handling').value) as 0 | 1 | 2,
      ...value('subscription-identifier').value && { properties: { subscriptionIdentifier: value<HTMLInputElement>('subscription-identifier').valueAsNumber } },
    }
    await this.#try(() => this.connection.subscriptions.add(filters.length > 0 ? filters : [''], options))
  }

  #again(ended: readonly SubscriptionState[]): Promise<void> {
    return this.#try(async () => { for (const { filter, options } of ended) await this.connection.subscriptions.add([filter], options) })
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
