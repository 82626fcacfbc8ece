/** All that is known of the selected step. */
import type { DelayedStep } from '../types'
import { html, setAttribute, setText } from './dom'
import type { DelayedRunLabels } from './types'

/** Characters of an answer that are shown. */
const answerLength = 400

export class Details {
  readonly #facts = html('dl')
  readonly element = html('div', { class: 'details', part: 'details', role: 'group' }, this.#facts)

  update(step: DelayedStep | undefined, labels: DelayedRunLabels, origin: number): void {
    this.element.hidden = !step
    if (!step) return
    const time = (at: number | undefined): string => at === undefined ? '' : `${labels.time(at - origin, 3)} (${labels.timeOfDay(at)})`
    const { topic, plannedAt, sentAt, acknowledgedAt, deviation, attempts, interrupted, answer, error } = step
    setAttribute(this.element, 'aria-label', labels.stepNumber(step.index))
    this.#show([
      [labels.stepNumber(step.index), topic, 'wide mono'],
      [labels.state, labels.stepState[step.state]],
      [labels.planned, time(plannedAt)],
      [labels.sent, time(sentAt)],
      [labels.deviation, deviation === undefined ? '' : labels.difference(deviation)],
      [labels.acknowledged, time(acknowledgedAt)],
      [labels.attempts, attempts ? `${attempts}${interrupted ? `, ${labels.interrupted}` : ''}` : ''],
      [labels.error, [error?.message, error?.hint].filter(Boolean).join(' '), 'wide bad'],
      [labels.answer, answer ? shorten(answer.text()) : '', 'wide mono'],
    ])
  }

  #show(facts: [name: string, value: string, kind?: string][]): void {
    facts.forEach(([name, value, kind = ''], i) => {
      let fact = this.#facts.children[i] as HTMLElement | undefined
      if (!fact) this.#facts.append(fact = html('div', { class: kind }, html('dt'), html('dd')))
      setText(fact.firstChild!, name)
      setText(fact.lastChild!, value)
      fact.hidden = !value
    })
  }
}

function shorten(text: string): string { return text.length > answerLength ? `${text.slice(0, answerLength)}…` : text }
