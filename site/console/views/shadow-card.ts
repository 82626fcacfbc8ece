/**
 * One shadow: desired, reported and delta side by side, live; edited, updated with a
 * check of the version, deleted after a question.
 *
 * Hooks: `[data-section="desired|reported|delta"]`, `[data-version]`, `[data-action="edit|update|cancel|delete|close"]`, `[data-edit="desired|reported"]`,
 * `[data-check-version]`, `dialog [value=delete]`, `error-notice`.
 */
import type { ShadowState, ShadowUpdate } from 'iotwasm'
import { html, nothing } from 'lit'
import { t } from '../i18n'
import { exactJson } from '../model/exact-json'
import type { WatchedShadow } from '../model/watched-shadow'
import './error-notice'
import { View } from './view'

const sections = ['desired', 'reported'] as const

export class ShadowCard extends View {
  static override properties = { shadow: { attribute: false }, connected: { attribute: false }, error: { state: true }, edited: { state: true } }
  declare shadow: WatchedShadow
  declare connected: boolean
  declare error: unknown
  /** Version that is being edited. */
  declare edited: number | undefined
  /** Texts of the sections when the editing began. */
  #before: Record<string, string> = {}

  protected override watched() { return [this.shadow] }

  protected override render() {
    const { thing, name, view } = this.shadow
    const title = name ?? t('shadows.classic')
    return html`<section class="panel" aria-label=${t('shadows.of', { name: title, thing })} data-version=${view?.version ?? nothing}>
      <div class="panel-head"><h3>${title} <span class="muted">${thing}</span></h3><p class="note" role="status">${!view ? t('shadows.reading') : view.deleted ? t('shadows.none') : t('shadows.version', { version: view.version })}</p>
        <div class="actions">
          ${this.edited === undefined ? html`<button type="button" class="small" data-action="edit" aria-disabled=${!this.connected || !view} @click=${this.#edit}>${t('shadows.edit')}</button>` : nothing}
          <button type="button" class="small" data-action="delete" aria-disabled=${!this.connected || !view || view.deleted} @click=${() => { if (this.connected && view && !view.deleted) this.querySelector('dialog')!.showModal() }}>${t('shadows.delete')}</button>
          <button type="button" class="small" data-action="close" aria-label=${t('shadows.close', { name: title })} @click=${() => this.dispatchEvent(new Event('remove'))}>×</button>
        </div></div>
      ${this.edited === undefined ? this.#sections() : this.#editor()}
      <error-notice .error=${this.error ?? this.shadow.error}></error-notice>
      <dialog aria-label=${t('shadows.delete')}><form method="dialog" class="stack"><p>${t('shadows.delete.ask', { name: title, thing })}</p>
        <div class="actions"><button value="cancel">${t('connections.cancel')}</button><button value="delete" class="primary" @click=${() => this.#try(() => this.shadow.delete())}>${t('shadows.delete')}</button></div></form></dialog>
    </section>`
  }

  #sections() {
    const { view } = this.shadow
    const state = (of: 'desired' | 'reported' | 'delta'): ShadowState => view?.[of] ?? {}
    return html`<div class="shadow-sections">${(['desired', 'reported', 'delta'] as const).map(of => html`<div data-section=${of} class=${of === 'delta' && Object.keys(state(of)).length > 0 ? 'differs' : ''}>
      <h4>${t(`shadows.${of}`)}</h4><pre class="payload" tabindex="0" role="group" aria-label=${t(`shadows.${of}`)}>${exactJson(state(of))}</pre></div>`)}</div>`
  }

  #editor() {
    return html`<form method="dialog" class="stack" novalidate @submit=${this.#update}>
      <div class="shadow-sections">${sections.map(of => html`<label class="field"><span>${t(`shadows.${of}`)}</span>
        <textarea data-edit=${of} rows="8" spellcheck="false" .defaultValue=${this.#before[of] ?? ''}></textarea></label>`)}</div>
      <label class="check"><input type="checkbox" data-check-version checked> ${t('shadows.checkVersion', { version: this.edited! })}</label>
      <p class="note">${t('shadows.edit.note')}</p>
      <div class="actions"><button type="submit" class="primary" data-action="update">${t('shadows.update')}</button><button type="button" data-action="cancel" @click=${() => { this.edited = undefined }}>${t('connections.cancel')}</button></div>
    </form>`
  }

  #edit(): void {
    const { view } = this.shadow
    if (!view || !this.connected) return
    this.error = undefined
    this.#before = Object.fromEntries(sections.map(of => [of, exactJson(view[of])]))
    this.edited = view.version
  }

  async #update(event: Event): Promise<void> {
    event.preventDefault()
    const change: ShadowUpdate = {}, version = this.edited!
    try {
      for (const of of sections) {
        const { value } = this.querySelector<HTMLTextAreaElement>(`[data-edit="${of}"]`)!
        if (value === this.#before[of]) continue
        change[of] = withRemoved(parse(value, of), parse(this.#before[of]!, of))
      }
    } catch (error) {
      this.error = error
      return
    }
    const check = this.querySelector<HTMLInputElement>('[data-check-version]')!.checked
    if (await this.#try(() => this.shadow.update(change, check && version > 0 ? version : undefined))) this.edited = undefined
  }

  async #try(work: () => Promise<void>): Promise<boolean> {
    this.error = undefined
    try {
      await work()
      return true
    } catch (error) {
      this.error = error
      return false
    }
  }
}
customElements.define('shadow-card', ShadowCard)

function parse(text: string, section: string): ShadowState {
  try {
    const value: unknown = JSON.parse(text || '{}')
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ShadowState
  } catch (cause) {
    throw Object.assign(new Error(t('publish.json.invalid', { problem: (cause as Error).message }), { cause }), { code: 'invalid-argument', field: section })
  }
  throw Object.assign(new Error(t('shadows.object')), { code: 'invalid-argument', field: section })
}

/** The service keeps what an update does not name: a key that was taken out is sent as null. */
function withRemoved(after: ShadowState, before: ShadowState): ShadowState {
  const change: ShadowState = { ...after }
  const isObject = (value: unknown): value is ShadowState => typeof value === 'object' && value !== null && !Array.isArray(value)
  for (const [key, old] of Object.entries(before)) {
    if (!Object.hasOwn(after, key)) change[key] = null
    else if (isObject(old) && isObject(after[key])) change[key] = withRemoved(after[key], old)
  }
  return change
}
