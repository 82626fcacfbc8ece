// @ts-check
import { el, setData } from './dom.js'
import { reasonText } from './reason-codes.js'

/**
 * Shows an error of the module in one place of the page, and marks the field
 * that it names.
 */
export class ErrorNotice {
  /** @type {HTMLElement | undefined} */
  #marked
  #box
  #fieldOf

  /**
   * @param {HTMLElement} box with role alert
   * @param {(field: string) => HTMLElement | undefined} fieldOf the input for an argument of the module
   */
  constructor(box, fieldOf) {
    this.#box = box
    this.#fieldOf = fieldOf
  }

  clear() {
    this.#box.hidden = true
    this.#box.replaceChildren()
    for (const name of ['code', 'field', 'reasonCode']) setData(this.#box, name, undefined)
    this.#marked?.removeAttribute('aria-invalid')
    this.#marked?.removeAttribute('aria-describedby')
    this.#marked = undefined
  }

  /** @param {unknown} error */
  show(error) {
    this.clear()
    const { message, code, hint, field, reasonCode } = readError(error)
    setData(this.#box, 'code', code)
    setData(this.#box, 'field', field)
    setData(this.#box, 'reasonCode', reasonCode)
    this.#box.append(el('p', { class: 'error-message' }, message))
    if (hint) this.#box.append(el('p', { class: 'error-hint' }, hint))
    const facts = [code, field && `field ${field}`, reasonCode !== undefined && `reason code ${reasonText(reasonCode)}`].filter(Boolean)
    if (facts.length) this.#box.append(el('p', { class: 'error-facts' }, facts.join(' · ')))
    this.#box.hidden = false
    if (field) this.#mark(this.#fieldOf(field))
  }

  /** @param {HTMLElement} [target] */
  #mark(target) {
    if (!target) return
    // A field inside closed details cannot take the focus.
    for (let at = target.closest('details'); at; at = at.parentElement?.closest('details') ?? null) at.open = true
    target.setAttribute('aria-invalid', 'true')
    target.setAttribute('aria-describedby', this.#box.id)
    target.focus({ preventScroll: true })
    // Where the two do not fit together, what is wrong is the one to read first.
    target.scrollIntoView({ block: 'nearest' })
    this.#box.scrollIntoView({ block: 'nearest' })
    this.#marked = target
  }
}

/**
 * @param {unknown} error
 * @returns {{ message: string, code?: string, hint?: string, field?: string, reasonCode?: number }}
 */
function readError(error) {
  if (typeof error !== 'object' || error === null) return { message: String(error) }
  const { message, code, hint, field, reasonCode } = /** @type {Record<string, any>} */ (error)
  return { message: message || 'Something failed.', code, hint, field, reasonCode }
}
