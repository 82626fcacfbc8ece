/**
 * The messages, oldest first; it follows the newest until someone scrolls up. Only
 * the rows that are seen are drawn, since there may be ten thousand.
 *
 * Hooks: `#log [role=option][data-topic][data-direction]`, `#log-search`, `#log-direction`, `#log-subscription`,
 * `#log-pause`, `#log-clear`, `#log-export`, `#log-limit`, `#log-count`. Keys: arrows, Page Up and Down, Home, End, Enter.
 */
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { jsonLines } from '../model/message-export'
import type { Entry } from '../model/message-history'
import { formatSize, previewText } from '../model/payload-format'
import { matches } from '../model/topic-filter'
import { save } from './save-file'
import { clockTime } from './time-format'
import { route } from './route'
import { View } from './view'

/** Height of a row in CSS pixels, as messages.css has it. */
const rowHeight = 48
const spare = 6

export class MessageList extends View {
  static override properties = { connection: { attribute: false }, selected: { attribute: false } }
  declare connection: Connection
  declare selected: Entry | undefined
  #top = 0
  #height = 600
  #follows = true
  #before: readonly Entry[] = []
  #wanted: unknown
  #moved = false
  #resized = new ResizeObserver(([entry]) => {
    this.#height = entry!.contentRect.height
    this.requestUpdate()
  })

  protected override watched() { return [this.connection.filter, this.connection.subscriptions] }

  protected override render() {
    const { filter, history } = this.connection
    const shown = filter.read(), { wanted, paused, missed } = filter
    this.#anchor(shown)
    const from = Math.max(0, Math.floor(this.#top / rowHeight) - spare), to = Math.min(shown.length, Math.ceil((this.#top + this.#height) / rowHeight) + spare)
    const counts = [
      shown.length === history.entries.length || paused ? t('messages.shown', { count: shown.length }) : t('messages.shown.of', { count: shown.length, total: history.entries.length }),
      ...paused ? [t('messages.paused', { missed })] : [], ...history.dropped > 0 ? [t('messages.dropped', { dropped: history.dropped })] : [],
    ]
    return html`<section class="panel log-panel" aria-labelledby="messages-heading">
      <div class="panel-head"><h2 id="messages-heading">${t('view.messages')}</h2><p id="log-count" class="note">${history.lastId > 0 ? counts.join(' · ') : ''}</p>
        <div class="actions">
          <button type="button" id="log-pause" aria-pressed=${paused} @click=${() => filter.pause(!paused)}>${paused ? t('messages.resume') : t('messages.pause')}</button>
          <button type="button" id="log-export" @click=${() => save('messages.jsonl', 'application/jsonl', jsonLines(shown))}>${t('messages.export')}</button>
          <button type="button" id="log-clear" @click=${() => history.clear()}>${t('messages.clear')}</button>
        </div></div>
      <div class="log-filters">
        <label class="field"><span class="visually-hidden">${t('messages.search')}</span><input id="log-search" type="search" placeholder=${t('messages.search')} spellcheck="false" autocapitalize="off" autocomplete="off"
          .value=${wanted.search} @input=${(event: Event) => filter.set({ search: (event.target as HTMLInputElement).value })}></label>
        <label class="field short"><span class="visually-hidden">${t('messages.direction')}</span><select id="log-direction" @change=${(event: Event) => filter.set({ direction: (event.target as HTMLSelectElement).value as 'all' })}>
          ${(['all', 'received', 'sent'] as const).map(each => html`<option value=${each} ?selected=${each === wanted.direction}>${t(`messages.direction.${each}`)}</option>`)}</select></label>
        <label class="field short"><span class="visually-hidden">${t('messages.limit')}</span><select id="log-limit" title=${t('messages.limit')} @change=${(event: Event) => { history.limit = Number((event.target as HTMLSelectElement).value) }}>
          ${[1000, 10_000, 50_000].map(each => html`<option value=${each} ?selected=${each === history.limit}>${t('messages.limit.keep', { count: each })}</option>`)}</select></label>
        ${[wanted.filter, wanted.below && `${wanted.below}/…`].map((each, at) => each ? html`<button type="button" class="chip" id=${at === 0 ? 'log-subscription' : 'log-below'}
          aria-label=${t('messages.only.remove', { filter: each })} @click=${() => filter.set(at === 0 ? { filter: undefined } : { below: undefined })}>${each} ×</button>` : nothing)}
      </div>
      ${shown.length === 0 ? this.#empty(history.entries.length > 0) : nothing}
      <div id="log" class="log-scroll" role="listbox" tabindex="0" aria-labelledby="messages-heading" ?hidden=${shown.length === 0}
        aria-activedescendant=${this.selected && shown.includes(this.selected) ? `message-${this.selected.id}` : nothing} @scroll=${this.#scrolled} @keydown=${this.#key} @click=${this.#click}>
        <div class="log-space"><div class="log-rows" role="presentation">${repeat(shown.slice(from, to), ({ id }) => id, (entry, at) => this.#row(entry, from + at, shown.length))}</div></div>
      </div>
    </section>`
  }

  #row(entry: Entry, at: number, total: number) {
    const { id, direction, time, topic, payload, qos, retain, dup, outcome, failed } = entry
    const tone = direction === 'received' ? this.connection.subscriptions.all.find(each => matches(each.filter, topic))?.tone : undefined
    return html`<div class="log-row ${direction}" role="option" id="message-${id}" data-id=${id} data-topic=${topic} data-direction=${direction} data-tone=${tone ?? nothing}
      aria-selected=${entry === this.selected} aria-setsize=${total} aria-posinset=${at + 1}>
      <span class="log-head"><span class="direction" aria-hidden="true">${direction === 'sent' ? '↑' : '↓'}</span><span class="visually-hidden">${t(`messages.direction.${direction}`)}</span>
        <time datetime=${new Date(time).toISOString()}>${clockTime(time)}</time> <span class="topic">${topic}</span>
        <span class="badge">QoS ${qos}</span>${retain ? html`<span class="badge">retain</span>` : nothing}${dup ? html`<span class="badge">dup</span>` : nothing}
        <span class="outcome ${failed ? 'failed' : ''}">${outcome ?? ''}</span></span>
      <span class="log-preview">${payload.length === 0 ? t('messages.emptyPayload') : previewText(payload, 300)?.replace(/\s+/g, ' ') ?? t('messages.binary', { size: formatSize(payload.length) })}</span>
    </div>`
  }

  #empty(some: boolean) {
    if (some) return html`<p class="empty">${t('messages.nonePass')}</p>`
    return html`<div class="empty stack"><p>${t('messages.empty')}</p><div class="actions">
      <button type="button" @click=${() => this.closest('messages-view')?.querySelector<HTMLElement>('#filter')?.focus()}>${t('messages.empty.subscribe')}</button>
      <button type="button" @click=${() => { route.view = 'delayed' }}>${t('messages.empty.shadows')}</button></div></div>`
  }

  /** The rows that are read stay where they are when the history drops what is above them. */
  #anchor(shown: readonly Entry[]): void {
    const before = this.#before, same = this.#wanted === this.connection.filter.wanted, oldest = shown[0]?.id
    this.#before = shown
    this.#wanted = this.connection.filter.wanted
    if (this.#follows || !same || oldest === undefined || before.length === 0 || before[0]!.id >= oldest) return
    const gone = before.findIndex(({ id }) => id >= oldest)
    this.#top = gone < 0 ? 0 : Math.max(0, this.#top - gone * rowHeight)
    this.#moved = true
  }

  protected override firstUpdated(): void { this.#resized.observe(this.querySelector('#log')!) }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resized.disconnect()
  }

  protected override updated(): void {
    const log = this.querySelector<HTMLElement>('#log')!, space = log.querySelector<HTMLElement>('.log-space')!
    const count = this.connection.filter.read().length
    space.style.blockSize = `${count * rowHeight}px`
    const from = Math.max(0, Math.floor(this.#top / rowHeight) - spare)
    space.querySelector<HTMLElement>('.log-rows')!.style.transform = `translateY(${from * rowHeight}px)`
    if (this.#moved) log.scrollTop = this.#top
    this.#moved = false
    if (this.#follows && log.scrollTop + log.clientHeight < log.scrollHeight - 1) log.scrollTop = log.scrollHeight
  }

  #scrolled(event: Event): void {
    const log = event.currentTarget as HTMLElement
    this.#top = log.scrollTop
    this.#follows = log.scrollTop + log.clientHeight >= log.scrollHeight - rowHeight
    this.requestUpdate()
  }

  #click(event: Event): void {
    const id = Number((event.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'])
    const entry = this.connection.filter.read().find(each => each.id === id)
    if (entry) this.#select(entry)
  }

  #key(event: KeyboardEvent): void {
    const shown = this.connection.filter.read(), at = this.selected ? shown.indexOf(this.selected) : -1, page = Math.max(1, Math.floor(this.#height / rowHeight))
    const to: Record<string, number> = {
      ArrowDown: at + 1, ArrowUp: at < 0 ? shown.length - 1 : at - 1, PageDown: at + page, PageUp: at < 0 ? shown.length - 1 : at - page, Home: 0, End: shown.length - 1,
    }
    const next = to[event.key]
    if (next === undefined || shown.length === 0) return
    event.preventDefault()
    const index = Math.min(shown.length - 1, Math.max(0, next)), log = event.currentTarget as HTMLElement
    this.#select(shown[index]!)
    const top = index * rowHeight
    if (top < log.scrollTop) log.scrollTop = top
    else if (top + rowHeight > log.scrollTop + log.clientHeight) log.scrollTop = top + rowHeight - log.clientHeight
  }

  #select(entry: Entry): void { this.dispatchEvent(new CustomEvent('select', { detail: entry })) }
}
customElements.define('message-list', MessageList)
