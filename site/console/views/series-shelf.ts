/** Series that are kept under a name, in this browser. */
import { html, nothing } from 'lit'
import { t } from '../i18n'
import { Saved } from '../model/saved'
import { isSeries, type Series } from '../model/series'
import { View } from './view'

const kept = new Saved('series', isSeries)

export class SeriesShelf extends View {
  static override properties = { series: { attribute: false } }
  declare series: Series

  protected override watched() { return [kept] }

  protected override render() {
    return html`<section class="panel" aria-labelledby="kept-heading">
      <div class="panel-head"><h2 id="kept-heading">${t('delayed.kept')}</h2></div>
      <form method="dialog" class="joined" autocomplete="off" @submit=${this.#save}>
        <input id="series-name" type="text" required aria-label=${t('delayed.kept.name')} placeholder=${t('delayed.kept.name')}>
        <button type="submit" id="series-save">${t('delayed.kept.save')}</button>
      </form>
      ${kept.all.size === 0 ? html`<p class="empty">${t('delayed.kept.empty')}</p>` : nothing}
      <ul id="kept-series" class="shelf">${[...kept.all].map(([name, data]) => html`<li data-series=${name}>
        <button type="button" class="take" @click=${() => this.series.set(data)}><strong>${name}</strong> <span class="muted">${t('delayed.kept.steps', { count: data.steps.length })}</span></button>
        <button type="button" aria-label=${t('delayed.kept.remove', { name })} @click=${() => kept.remove(name)}>×</button></li>`)}</ul>
    </section>`
  }

  #save(event: Event): void {
    event.preventDefault()
    const input = this.querySelector<HTMLInputElement>('#series-name')!
    if (!input.value.trim()) return
    kept.save(input.value.trim(), this.series.data)
    input.value = ''
  }
}
customElements.define('series-shelf', SeriesShelf)
