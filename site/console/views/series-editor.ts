/** The table in which a series is written, and what holds for all of its steps. */
import type { QoS } from 'iotwasm'
import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { t } from '../i18n'
import { jsonProblem } from '../model/payload-encoding'
import type { Gate, Series, SeriesData, Step, Timing } from '../model/series'
import { View } from './view'

const gates = ['none', 'sent', 'ack', 'shadow'] as const

/** What is written in a control that an event is of. */
const written = (event: Event): string => (event.target as HTMLInputElement | HTMLSelectElement).value
/** An empty number is a mistake here, not a zero. */
const number = (event: Event): number => (event.target as HTMLInputElement).valueAsNumber
const shown = (value: number): string => Number.isNaN(value) ? '' : String(value)

export class SeriesEditor extends View {
  static override properties = { series: { attribute: false } }
  declare series: Series

  protected override watched() { return [this.series] }

  protected override render() {
    const { data } = this.series
    return html`<table class="steps-editor" role="table" aria-label=${t('delayed.steps')}>
        <thead role="rowgroup"><tr role="row">${(['topic', 'payload', 'when', 'qos', 'gate', 'times'] as const).map(column =>
          html`<th role="columnheader" scope="col" data-of=${column}>${t(`delayed.column.${column}`)}</th>`)}<th role="columnheader" scope="col" data-of="move"><span class="visually-hidden">${t('delayed.column.move')}</span></th></tr></thead>
        <tbody role="rowgroup" id="step-rows">${repeat(data.steps.keys(), index => index, index => this.#row(data.steps[index]!, index, data.steps.length))}</tbody>
      </table>
      ${data.steps.length === 0 ? html`<p class="empty">${t('delayed.steps.empty')}</p>` : nothing}
      <div class="actions"><button type="button" id="step-add" @click=${this.#add}>${t('delayed.add')}</button></div>
      <div class="run-options">
        ${this.#choice('run-gate', 'gate', gates, data)}
        ${this.#choice('run-offline', 'offline', ['wait', 'skip', 'fail'] as const, data)}
        ${this.#choice('run-on-failure', 'onFailure', ['continue', 'retry', 'stop'] as const, data)}
        <label class="field"><span>${t('delayed.jitter')} <span class="muted">ms</span></span><input id="run-jitter" type="number" min="0" step="1" .value=${shown(data.jitter)}
          @change=${(event: Event) => this.series.change({ jitter: number(event) || 0 })}></label>
      </div>`
  }

  #row(step: Step, index: number, count: number) {
    const set = (change: Partial<Step>): void => this.series.changeStep(index, change)
    const name = (column: 'topic' | 'payload' | 'timing' | 'ms' | 'qos' | 'gate' | 'times' | 'every'): string => t('delayed.cell', { column: t(`delayed.column.${column}`), number: index + 1 })
    const problem = jsonProblem(step.payload)
    return html`<tr role="row" data-step=${index}>
      <td role="cell" data-of="topic" data-label=${t('delayed.column.topic')}><input type="text" data-column="topic" aria-label=${name('topic')} spellcheck="false" autocapitalize="off" autocomplete="off" .value=${step.topic} @change=${(event: Event) => set({ topic: written(event) })}></td>
      <td role="cell" data-of="payload" data-label=${t('delayed.column.payload')}><input type="text" data-column="payload" aria-label=${name('payload')} title=${problem ? t('publish.json.invalid', { problem }) : nothing} class=${problem ? 'doubtful' : ''} spellcheck="false" autocapitalize="off" autocomplete="off" .value=${step.payload} @change=${(event: Event) => set({ payload: written(event) })}></td>
      <td role="cell" data-of="when" data-label=${t('delayed.column.when')}><div class="joined">
        <select data-column="timing" aria-label=${name('timing')} @change=${(event: Event) => set({ timing: written(event) as Timing })}>
          ${(['delay', 'spacing'] as const).map(each => html`<option value=${each} ?selected=${each === step.timing}>${t(`delayed.timing.${each}`)}</option>`)}</select>
        <input type="number" data-column="ms" aria-label=${name('ms')} min="0" step="any" .value=${shown(step.ms)} @change=${(event: Event) => set({ ms: number(event) })}></div></td>
      <td role="cell" data-of="qos" data-label="QoS"><select data-column="qos" aria-label=${name('qos')} @change=${(event: Event) => set({ qos: Number(written(event)) as QoS })}>${[0, 1, 2].map(each => html`<option ?selected=${each === step.qos}>${each}</option>`)}</select></td>
      <td role="cell" data-of="gate" data-label=${t('delayed.column.gate')}><select data-column="gate" aria-label=${name('gate')} @change=${(event: Event) => this.#setGate(index, written(event))}>
        <option value="">${t('delayed.gate.series')}</option>${gates.map(each => html`<option value=${each} ?selected=${each === step.gate}>${t(`delayed.gate.${each}`)}</option>`)}</select></td>
      <td role="cell" data-of="times" data-label=${t('delayed.column.times')}><div class="joined"><input type="number" data-column="times" aria-label=${name('times')} min="1" step="1" .value=${shown(step.times)} @change=${(event: Event) => set({ times: number(event) })}>
        ${step.times === 1 ? nothing : html`<input type="number" data-column="every" aria-label=${name('every')} title=${t('delayed.column.every')} min="1" step="1" .value=${shown(step.every)} @change=${(event: Event) => set({ every: number(event) })}>`}</div></td>
      <td role="cell" data-of="move" class="step-buttons">
        <button type="button" aria-label=${t('delayed.up', { number: index + 1 })} ?disabled=${index === 0} @click=${() => this.series.move(index, -1)}>↑</button>
        <button type="button" aria-label=${t('delayed.down', { number: index + 1 })} ?disabled=${index === count - 1} @click=${() => this.series.move(index, 1)}>↓</button>
        <button type="button" aria-label=${t('delayed.remove', { number: index + 1 })} @click=${() => this.#remove(index)}>×</button></td>
    </tr>`
  }

  #choice<K extends 'gate' | 'offline' | 'onFailure'>(id: string, name: K, values: readonly (SeriesData[K] & string)[], data: SeriesData) {
    return html`<label class="field"><span>${t(`delayed.${name}`)}</span><select id=${id} @change=${(event: Event) => this.series.change({ [name]: written(event) })}>
      ${values.map(value => html`<option value=${value} ?selected=${value === data[name]}>${t(`delayed.${name}.${value}` as Parameters<typeof t>[0])}</option>`)}</select></label>`
  }

  #setGate(index: number, gate: string): void {
    const { gate: _, ...step } = this.series.data.steps[index]!
    this.series.set({ ...this.series.data, steps: this.series.data.steps.map((each, at) => at === index ? { ...step, ...gate && { gate: gate as Gate } } : each) })
  }

  async #add(): Promise<void> {
    this.series.add()
    await this.updateComplete
    this.querySelector<HTMLElement>('tr:last-child [data-column="topic"]')?.focus()
  }

  /** The focus goes to the row that takes its place. */
  async #remove(index: number): Promise<void> {
    this.series.remove(index)
    await this.updateComplete
    const rows = this.querySelectorAll<HTMLElement>('#step-rows tr')
    const row = rows[Math.min(index, rows.length - 1)]
    const target = row?.querySelector<HTMLElement>('button:last-child') ?? this.querySelector<HTMLElement>('#step-add')
    target?.focus()
  }
}
customElements.define('series-editor', SeriesEditor)
