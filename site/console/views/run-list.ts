/** The runs of a connection, newest first, each with its timeline. */
import { html } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { language, t } from '../i18n'
import { runLabels } from '../i18n/run-labels'
import type { DelayedRuns } from '../model/delayed-runs'
import { View } from './view'

export class RunList extends View {
  static override properties = { runs: { attribute: false } }
  declare runs: DelayedRuns

  protected override watched() { return [this.runs] }

  protected override render() {
    const { all } = this.runs
    return html`<section class="panel" aria-labelledby="runs-heading">
      <div class="panel-head"><h2 id="runs-heading">${t('delayed.runs')}</h2></div>
      ${all.length === 0 ? html`<p class="empty">${t('delayed.runs.empty')}</p>` : ''}
      <div id="runs">${repeat(all, ({ run }) => run.id, ({ run, startedAt, finished }) =>
        html`<delayed-run data-run=${run.id} data-state=${finished ? 'finished' : 'running'} .labels=${runLabels[language.language]} .origin=${startedAt} .run=${run}></delayed-run>`)}</div>
    </section>`
  }
}
customElements.define('run-list', RunList)
