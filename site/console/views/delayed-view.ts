/**
 * Delayed publish: the preset of two named shadows, the series that is being
 * written, series that are kept, and the runs with their timelines.
 *
 * Hooks: `#thing-name`, `#preset-run`, `#series-form`, `#step-rows tr [data-column]`, `#step-add`,
 * `#run-gate`, `#run-offline`, `#run-on-failure`, `#run-jitter`, `#run-start`, `#delayed-progress`,
 * `#delayed-error`, `#series-name`, `#series-save`, `#kept-series [data-series]`,
 * `#runs delayed-run[data-run][data-state="running|finished"]`, newest first.
 */
import { html, nothing } from 'lit'
import { t } from '../i18n'
import type { Connection } from '../model/connection'
import { planned, twoNamedShadows } from '../model/series'
import './error-notice'
import './run-list'
import './series-editor'
import './series-shelf'
import { View } from './view'

export class DelayedView extends View {
  static override properties = { connection: { attribute: false }, error: { state: true }, progress: { state: true } }
  declare connection: Connection
  declare error: unknown
  declare progress: 'connecting' | 'subscribing' | 'refused' | undefined

  protected override watched() { return [this.connection, this.connection.series] }

  protected override render() {
    const busy = this.progress === 'connecting' || this.progress === 'subscribing'
    return html`<div class="delayed-columns">
      <div class="stack">
        <section class="panel" aria-labelledby="preset-heading">
          <div class="panel-head"><h2 id="preset-heading">${t('delayed.preset')}</h2></div>
          <form method="dialog" class="preset" autocomplete="off" @submit=${this.#runPreset}>
            <label class="field"><span>${t('delayed.thing')}</span><input id="thing-name" type="text" class="mono" required spellcheck="false" autocapitalize="off" autocomplete="off" value="iotwasm-demo"></label>
            <button type="submit" id="preset-run" class="primary" aria-disabled=${busy}>${t('delayed.preset.run')}</button>
          </form>
          <p class="note">${t('delayed.preset.note')}</p>
        </section>
        <section class="panel" aria-labelledby="series-heading">
          <div class="panel-head"><h2 id="series-heading">${t('delayed.series')}</h2></div>
          <form id="series-form" method="dialog" novalidate autocomplete="off" @submit=${this.#runSeries}>
            <series-editor .series=${this.connection.series}></series-editor>
            <div class="actions">
              <button type="submit" id="run-start" class="primary" aria-disabled=${busy}>${t('delayed.run')}</button>
              <span id="delayed-progress" class="note" role="status">${this.progress ? t(`delayed.progress.${this.progress}`) : ''}</span>
            </div>
          </form>
          <error-notice id="delayed-error" .error=${this.error} .fieldOf=${(field: string) => this.#fieldOf(field)}></error-notice>
          ${this.progress === 'refused' ? html`<error-notice .error=${this.connection.error}></error-notice>` : nothing}
        </section>
      </div>
      <div class="stack"><run-list .runs=${this.connection.runs}></run-list><series-shelf .series=${this.connection.series}></series-shelf></div>
    </div>`
  }

  #runPreset(event: Event): void {
    event.preventDefault()
    this.connection.series.set(twoNamedShadows(this.querySelector<HTMLInputElement>('#thing-name')!.value.trim()))
    void this.#run()
  }

  #runSeries(event: Event): void {
    event.preventDefault()
    void this.#run()
  }

  /** Connects if need be, subscribes to the shadows' answers, starts. */
  async #run(): Promise<void> {
    if (this.progress === 'connecting' || this.progress === 'subscribing') return
    this.error = undefined
    this.progress = 'connecting'
    try {
      if (!await this.connection.connect()) {
        this.progress = 'refused'
        return
      }
      this.progress = 'subscribing'
      const { steps, options } = planned(this.connection.series.data)
      await this.connection.runs.start(steps, options)
    } catch (error) {
      this.error = error
    }
    this.progress = undefined
  }

  #fieldOf(field: string): HTMLElement | null {
    const [, index, column = ''] = /^steps\[(\d+)\]\.(\w+)/.exec(field) ?? []
    if (index !== undefined) return this.querySelector(`#step-rows [data-step="${index}"] [data-column="${column === 'delay' || column === 'spacing' ? 'ms' : column}"]`)
    return this.querySelector(`#run-${field === 'onFailure' ? 'on-failure' : field}`)
  }
}
customElements.define('delayed-view', DelayedView)
