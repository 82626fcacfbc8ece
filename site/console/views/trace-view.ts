/**
 * The control packets, without payloads and secrets.
 *
 * Hooks: `#trace-on`, `#trace-clear`, `#trace-export`, `#packets tr[data-type][data-direction]`.
 */
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { reasonText } from '../model/reason-codes'
import { formatSize } from '../model/payload-format'
import { save } from './save-file'
import { clockTime } from './time-format'
import { View } from './view'

/** Rows that are drawn; all are exported. */
const drawn = 300

export class TraceView extends View {
  static override properties = { connection: { attribute: false } }
  declare connection: Connection

  protected override watched() { return [this.connection, this.connection.trace] }

  protected override render() {
    const { trace } = this.connection, { packets } = trace
    return html`<section class="panel" aria-labelledby="trace-heading">
      <div class="panel-head"><h2 id="trace-heading">${t('view.trace')}</h2><p class="note">${packets.length > 0 ? t('seeing.packets', { count: packets.length }) : ''}${trace.dropped > 0 ? ` · ${t('messages.dropped', { dropped: trace.dropped })}` : ''}</p>
        <div class="actions">
          <button type="button" id="trace-on" aria-pressed=${trace.on} @click=${() => { trace.on = !trace.on }}>${t(trace.on ? 'seeing.trace.stop' : 'seeing.trace.start')}</button>
          <button type="button" id="trace-export" ?disabled=${packets.length === 0} @click=${() => save('packets.jsonl', 'application/jsonl', trace.export())}>${t('messages.export')}</button>
          <button type="button" id="trace-clear" @click=${() => trace.clear()}>${t('messages.clear')}</button>
        </div></div>
      <p class="note">${t('seeing.trace.note')}</p>
      ${packets.length === 0 ? html`<p class="empty">${t(trace.on ? 'seeing.trace.waiting' : 'seeing.trace.off')}</p>` : html`<div class="scroll" tabindex="0" role="group" aria-label=${t('view.trace')}><table id="packets">
        <thead><tr><th scope="col">${t('messages.time')}</th><th scope="col">${t('messages.direction')}</th><th scope="col">${t('seeing.packet')}</th><th scope="col">${t('seeing.packet.id')}</th><th scope="col">${t('seeing.packet.what')}</th></tr></thead>
        <tbody>${repeat(packets.slice(-drawn).reverse(), packet => packet, ({ at, direction, type, id, topic, filters, qos, retain, dup, payloadBytes, reasonCodes }) => html`<tr data-type=${type} data-direction=${direction}>
          <td><time>${clockTime(at)}</time></td><td>${direction === 'sent' ? '↑' : '↓'} ${t(`messages.direction.${direction}`)}</td><td><code>${type}</code></td><td>${id ?? ''}</td>
          <td>${topic === undefined ? nothing : html`<span class="topic">${topic}</span> `}${filters ? html`<span class="topic">${filters.join(', ')}</span> ` : nothing}
            ${qos === undefined ? nothing : html`<span class="badge">QoS ${qos}</span> `}${retain ? html`<span class="badge">retain</span> ` : nothing}${dup ? html`<span class="badge">dup</span> ` : nothing}
            ${payloadBytes === undefined ? nothing : formatSize(payloadBytes)} ${reasonCodes?.map(code => reasonText(code)).join(', ') ?? ''}</td></tr>`)}</tbody></table></div>`}
    </section>`
  }
}
customElements.define('trace-view', TraceView)
