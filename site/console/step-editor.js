// @ts-check
import { button, byId, el } from './dom.js'

/**
 * @typedef {import('./delayed-runs.js').PlannedStep} PlannedStep
 * @typedef {'topic' | 'payload' | 'delay' | 'qos'} Column
 */

/** The table in which the steps of the next run are written. */
export class StepEditor {
  #rows = byId('step-rows', HTMLElement)

  /** @param {readonly PlannedStep[]} steps */
  constructor(steps) {
    button('step-add').addEventListener('click', () => {
      const last = this.read().at(-1)
      this.#append({ topic: last?.topic ?? '', payload: last?.payload ?? '', delay: (last?.delay || 0) + 1000, qos: last?.qos ?? 1 })
      this.input(this.#rows.children.length - 1, 'topic')?.focus()
    })
    this.write(steps)
  }

  /** @param {readonly PlannedStep[]} steps */
  write(steps) {
    this.#rows.replaceChildren()
    for (const step of steps) this.#append(step)
  }

  /** The steps as they stand; the module checks them. @returns {PlannedStep[]} */
  read() {
    return [...this.#rows.children].map((_, index) => ({
      topic: this.#value(index, 'topic').trim(),
      payload: this.#value(index, 'payload'),
      // An empty delay is a mistake here, not a zero.
      delay: this.#value(index, 'delay') === '' ? NaN : Number(this.#value(index, 'delay')),
      qos: /** @type {PlannedStep['qos']} */ (Number(this.#value(index, 'qos'))),
    }))
  }

  /**
   * @param {number} index
   * @param {Column} column
   * @returns {HTMLInputElement | HTMLSelectElement | null}
   */
  input(index, column) {
    return this.#rows.children[index]?.querySelector(`[data-column="${column}"]`) ?? null
  }

  /**
   * @param {number} index
   * @param {Column} column
   */
  #value(index, column) {
    return this.input(index, column)?.value ?? ''
  }

  /** @param {PlannedStep} step */
  #append({ topic, payload, delay, qos }) {
    const row = el('tr', { role: 'row' },
      cell('Topic', el('input', { type: 'text', 'data-column': 'topic', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', value: topic })),
      cell('Payload', el('input', { type: 'text', 'data-column': 'payload', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', value: payload })),
      cell('Delay, ms', el('input', { type: 'number', 'data-column': 'delay', min: 0, step: 'any', value: delay })),
      cell('QoS', el('select', { 'data-column': 'qos' }, ...[0, 1, 2].map((each) => el('option', { selected: each === qos }, String(each))))),
      el('td', { role: 'cell', class: 'step-remove' }, el('button', { type: 'button', onclick: () => this.#remove(row), title: 'Remove' }, '×')),
    )
    this.#rows.append(row)
    this.#number()
  }

  /** @param {HTMLElement} row */
  #remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling
    row.remove()
    this.#number()
    const target = next?.querySelector('button') ?? button('step-add')
    target.focus()
  }

  #number() {
    for (const [index, row] of [...this.#rows.children].entries()) {
      for (const field of row.querySelectorAll('[data-column]')) {
        field.setAttribute('aria-label', `${field.closest('td')?.dataset.label}, step ${index + 1}`)
      }
      row.querySelector('button')?.setAttribute('aria-label', `Remove step ${index + 1}`)
    }
  }
}

/**
 * @param {string} label shown where the table has no room for its head
 * @param {HTMLElement} field
 */
function cell(label, field) {
  return el('td', { role: 'cell', 'data-label': label }, field)
}
