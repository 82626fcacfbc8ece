/**
 * What is known of one message.
 *
 * Hooks: `#details`, `payload-view [data-kind]`, `[data-form]`, `#details-close`, `#copy-topic`, `#copy-payload`, `#publish-again`, `#details-delete`, `[data-fact]`.
 */
import { html, type PropertyValues } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import type { Entry } from '../model/message-history'
import { fromBytes, toHex } from '../model/payload-encoding'
import { decodeText, formatSize } from '../model/payload-format'
import './payload-view'
import { route } from './route'
import { clockTime } from './time-format'
import { View } from './view'

export class MessageDetails extends View {
  static override properties = { connection: { attribute: false }, entry: { attribute: false }, said: { state: true } }
  declare connection: Connection
  declare entry: Entry
  declare said: 'messages.copied' | 'messages.notCopied' | undefined

  protected override watched() { return [this.connection.history] }

  protected override render() {
    const { topic, payload, direction, time, qos, retain, dup, outcome } = this.entry
    const facts = [
      ['time', t('messages.time'), clockTime(time)], ['direction', t('messages.direction'), t(`messages.direction.${direction}`)], ['qos', 'QoS', String(qos)],
      ['size', t('messages.size'), formatSize(payload.length)], ['flags', t('messages.flags'), [retain && 'retain', dup && 'dup'].filter(Boolean).join(', ')], ['outcome', t('messages.outcome'), outcome ?? ''],
      ...this.#properties(),
    ].filter(([, , value]) => value)
    return html`<section id="details" class="panel" aria-labelledby="details-heading">
      <div class="panel-head"><h2 id="details-heading" class="topic">${topic}</h2><div class="actions"><button type="button" id="details-close" @click=${() => this.dispatchEvent(new Event('close'))}>${t('messages.close')}</button></div></div>
      <div class="actions">
        <button type="button" id="copy-topic" @click=${() => this.#copy(topic)}>${t('messages.copyTopic')}</button>
        <button type="button" id="copy-payload" @click=${() => this.#copy(fromBytes(payload).payload)}>${t('messages.copyPayload')}</button>
        <button type="button" id="publish-again" @click=${this.#again}>${t('messages.publishAgain')}</button>
        <button type="button" id="details-delete" @click=${this.#delete}>${t('messages.delete')}</button>
        <span role="status" class="note">${this.said ? t(this.said) : ''}</span>
      </div>
      <payload-view .payload=${payload} .previous=${this.#previous()?.payload}></payload-view>
      <dl class="facts">${facts.map(([name, term, value]) => html`<div data-fact=${name!}><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
    </section>`
  }

  /** The message of this topic before, of the same direction. */
  #previous(): Entry | undefined {
    const { entries } = this.connection.history
    for (let at = entries.indexOf(this.entry) - 1; at >= 0; at--) if (entries[at]!.topic === this.entry.topic && entries[at]!.direction === this.entry.direction) return entries[at]
    return undefined
  }

  /** On a narrow screen they stand above the list, out of sight of who has scrolled there. */
  protected override updated(changed: PropertyValues): void {
    if (changed.has('entry') && matchMedia('(max-width: 69.99rem)').matches) this.scrollIntoView({ block: 'start' })
  }

  #properties(): [string, string, string][] {
    return Object.entries(this.entry.properties).flatMap(([name, value]: [string, unknown]): [string, string, string][] => {
      if (name === 'userProperties') return Object.entries(value as Record<string, string | string[]>).map(([key, values]) => [`user-${key}`, key, [values].flat().join(', ')])
      if (value instanceof Uint8Array) return [[name, t('publish.correlationData'), decodeText(value) ?? toHex(value)]]
      return [[name, name, Array.isArray(value) ? value.join(', ') : String(value)]]
    })
  }

  async #copy(text: string): Promise<void> {
    // Only pages of a secure context have a clipboard, and a browser may refuse it.
    this.said = await Promise.resolve().then(() => navigator.clipboard.writeText(text)).then(() => 'messages.copied' as const, () => 'messages.notCopied' as const)
    setTimeout(() => { this.said = undefined }, 4000)
  }

  #again(): void {
    const { topic, payload, qos, retain, properties } = this.entry
    const { subscriptionIdentifiers: _, topicAlias: __, ...own } = properties as { subscriptionIdentifiers?: number[], topicAlias?: number }
    this.connection.draft.take({ topic, payload, qos, retain, properties: own })
    route.view = 'publish'
  }

  #delete(): void {
    this.connection.history.remove(this.entry)
    this.dispatchEvent(new Event('close'))
  }
}
customElements.define('message-details', MessageDetails)
