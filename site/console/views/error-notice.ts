/** An error of the module: its message, its hint, and the facts; it marks and focuses the field that is wrong. */
import { html, nothing, type PropertyValues } from 'lit'
import { t } from '../i18n'
import { reasonText } from '../model/reason-codes'
import { View } from './view'

interface Shown {
  message?: string
  code?: string
  hint?: string
  field?: string
  reasonCode?: number
}

export class ErrorNotice extends View {
  static override properties = { error: { attribute: false }, fieldOf: { attribute: false } }
  declare error: unknown
  /** The input for an argument of the module. */
  declare fieldOf: ((field: string) => HTMLElement | null | undefined) | undefined
  #marked: HTMLElement | undefined

  protected override watched() { return [] }

  override connectedCallback(): void {
    super.connectedCallback()
    this.id ||= `error-${crypto.randomUUID().slice(0, 8)}`
    this.setAttribute('role', 'alert')
    this.classList.add('error')
  }

  protected override render() {
    const { message, code, hint, field, reasonCode } = (this.error ?? {}) as Shown
    this.hidden = !this.error
    if (!this.error) return nothing
    const facts = [code, field && t('error.facts.field', { field }), reasonCode !== undefined && t('error.facts.reasonCode', { code: reasonText(reasonCode) })].filter(Boolean)
    return html`<p class="error-message">${message || String(this.error)}</p>
      ${hint ? html`<p class="error-hint">${hint}</p>` : nothing}
      ${facts.length > 0 ? html`<p class="error-facts">${facts.join(' · ')}</p>` : nothing}`
  }

  protected override updated(changed: PropertyValues): void {
    const { code, field, reasonCode } = (this.error ?? {}) as Shown
    for (const [name, value] of Object.entries({ code, field, reasonCode })) {
      if (value === undefined) delete this.dataset[name]
      else this.dataset[name] = String(value)
    }
    if (!changed.has('error')) return
    this.#marked?.removeAttribute('aria-invalid')
    this.#marked?.removeAttribute('aria-describedby')
    this.#marked = field ? this.fieldOf?.(field) ?? undefined : undefined
    if (!this.#marked) return
    // A field inside closed details cannot take the focus.
    for (let at = this.#marked.closest('details'); at; at = at.parentElement?.closest('details') ?? null) at.open = true
    this.#marked.setAttribute('aria-invalid', 'true')
    this.#marked.setAttribute('aria-describedby', this.id)
    this.#marked.focus({ preventScroll: true })
    this.#marked.scrollIntoView({ block: 'nearest' })
    this.scrollIntoView({ block: 'nearest' })
  }
}
customElements.define('error-notice', ErrorNotice)
