/**
 * Live charts: rates, round trips and links of the connection, and numbers in the
 * payloads of a topic.
 *
 * Hooks: `#charts-facts [data-fact]`, `line-chart[data-chart="rates|round-trips|links|field"]`, `#chart-topic`, `#chart-field`.
 */
import { html } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { numericFields } from '../model/numeric-fields'
import type { TopicNode } from '../model/topic-tree'
import './line-chart'
import { View } from './view'

export class ChartsView extends View {
  static override properties = { connection: { attribute: false }, topic: { state: true }, field: { state: true } }
  declare connection: Connection
  declare topic: string
  declare field: string | undefined

  constructor() {
    super()
    this.topic = ''
  }

  protected override watched() { return [this.connection, this.connection.traffic, this.connection.tree] }

  protected override render() {
    const { samples, stats } = this.connection.traffic
    const at = samples.map(each => each.at / 1000)
    const facts = stats ? {
      received: stats.messagesReceived, sent: stats.messagesSent, waiting: stats.waiting, inFlight: stats.inFlight, reconnects: stats.links - 1, ping: stats.pingRoundTrip === undefined ? '–' : `${stats.pingRoundTrip.toFixed(1)} ms`,
      puback: stats.pubackRoundTrip === undefined ? '–' : `${stats.pubackRoundTrip.toFixed(1)} ms`,
    } : {}
    return html`<div class="stack">
      ${stats ? html`<section class="panel" aria-labelledby="figures-heading"><h2 id="figures-heading">${t('seeing.figures')}</h2>
        <dl id="charts-facts" class="facts">${Object.entries(facts).map(([name, value]) => html`<div data-fact=${name}><dt>${t(`seeing.fact.${name as 'received'}`)}</dt><dd>${value}</dd></div>`)}</dl></section>`
      : html`<p class="empty">${t('seeing.empty')}</p>`}
      <div class="charts" ?hidden=${!stats}>
        <section class="panel"><h3>${t('seeing.rates')}</h3><line-chart data-chart="rates" .label=${t('seeing.rates')} .series=${[t('messages.direction.received'), t('messages.direction.sent')]} .points=${[at, samples.map(each => each.received), samples.map(each => each.sent)]}></line-chart></section>
        <section class="panel"><h3>${t('seeing.roundTrips')}</h3><line-chart data-chart="round-trips" .label=${t('seeing.roundTrips')} .series=${['PINGRESP', 'PUBACK']} .points=${[at, samples.map(each => each.pingRoundTrip ?? null), samples.map(each => each.pubackRoundTrip ?? null)]}></line-chart></section>
        <section class="panel"><h3>${t('seeing.links')}</h3><line-chart data-chart="links" .label=${t('seeing.links')} .series=${[t('seeing.links'), t('seeing.fact.inFlight')]} .points=${[at, samples.map(each => each.links), samples.map(each => each.inFlight)]}></line-chart></section>
        ${this.#fields()}
      </div></div>`
  }

  #fields() {
    const topics = topicsOf(this.connection.tree.root)
    const fields = this.topic ? numericFields(this.connection.history.entries, this.topic) : new Map<string, { at: number, value: number }[]>()
    const field = this.field !== undefined && fields.has(this.field) ? this.field : fields.keys().next().value, points = field === undefined ? [] : fields.get(field)!
    return html`<section class="panel"><h3>${t('seeing.field')}</h3>
      <div class="fields">
        <label class="field"><span>${t('publish.topic')}</span><select id="chart-topic" @change=${(event: Event) => { this.topic = (event.target as HTMLSelectElement).value }}><option value="">${t('seeing.field.choose')}</option>${topics.map(topic => html`<option value=${topic} ?selected=${topic === this.topic}>${topic}</option>`)}</select></label>
        <label class="field"><span>${t('seeing.field.path')}</span><select id="chart-field" ?disabled=${fields.size === 0} @change=${(event: Event) => { this.field = (event.target as HTMLSelectElement).value }}>${[...fields.keys()].map(path => html`<option value=${path} ?selected=${path === field}>${path || t('seeing.field.whole')}</option>`)}</select></label>
      </div>
      ${points.length === 0 ? html`<p class="note">${t('seeing.field.empty')}</p>` : html`<line-chart data-chart="field" .label=${`${this.topic} ${field}`} .series=${[field || t('seeing.field.whole')]} .points=${[points.map(each => each.at / 1000), points.map(each => each.value)]}></line-chart>`}

    </section>`
  }
}
customElements.define('charts-view', ChartsView)

/** Topics that had messages, at most so many. */
function topicsOf(root: TopicNode, most = 500): string[] {
  const found: string[] = []
  const walk = (node: TopicNode): void => {
    for (const child of node.children.values()) {
      if (found.length >= most) return
      if (child.last) found.push(child.topic)
      walk(child)
    }
  }
  walk(root)
  return found.sort()
}
