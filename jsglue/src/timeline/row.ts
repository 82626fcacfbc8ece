/** One row of the timeline: a step, its state, its marks and its button. */
import type { DelayedStep } from '../types'
import { html, setAttribute, setText, svg } from './dom'
import { markIcon, shapes } from './marks'
import type { Scale } from './scale'
import { isPending } from './summary'
import type { DelayedRunLabels } from './types'

/** What a row needs to know beside its step. */
export interface RowContext {
  labels: DelayedRunLabels
  scale: Scale
  /** Position in the list, from 0. */
  position: number
  /** Steps of the run; undefined where it drops some. */
  total: number | undefined
  /** The row that the Tab key reaches. */
  active: boolean
  /** The row whose details are shown. */
  selected: boolean
}

/** Size of a mark on the time line, of that in the column of states. */
const markScale = 0.85

export class RowView {
  readonly element: HTMLElement
  /** Index of the step that it shows. */
  index = -1
  readonly #number = html('span', { class: 'number' })
  readonly #topic = html('span', { class: 'topic' })
  readonly #stateText = html('span')
  readonly #error = html('span', { class: 'error' })
  readonly #state = markIcon('waiting')
  readonly #way = svg('path', { class: 'way' })
  readonly #answer = svg('path', { class: 'way answer' })
  readonly #planned = svg('path', { class: 'planned', part: 'planned', d: shapes.planned })
  readonly #mark = svg('path', { class: 'mark', part: 'mark' })
  readonly #lane = html('div', { class: 'lane', role: 'gridcell' },
    svg('svg', { 'aria-hidden': 'true' }, this.#way, this.#answer, this.#planned, this.#mark))
  readonly #deviation = html('div', { class: 'deviation', role: 'gridcell' })
  readonly #cancel = html('button', { type: 'button', class: 'cancel-step', part: 'button' }, markIcon('cancelled').icon)

  constructor() {
    this.element = html('div', { class: 'row', role: 'row', part: 'row' },
      html('div', { class: 'step', role: 'gridcell' }, this.#number, ' ', this.#topic),
      html('div', { class: 'state', role: 'gridcell' },
        html('div', { class: 'state-name' }, this.#state.icon, this.#stateText), this.#error),
      this.#lane, this.#deviation,
      html('div', { class: 'action', role: 'gridcell' }, this.#cancel))
  }

  update(step: DelayedStep, { labels, scale, position, total, active, selected }: RowContext): void {
    const { element } = this
    this.index = step.index
    const offset = step.plannedAt - scale.origin
    element.style.setProperty('--_at', String(position))
    setAttribute(element, 'aria-rowindex', position + 2)
    setAttribute(element, 'aria-label', labels.row(step, offset, total))
    setAttribute(element, 'aria-selected', String(selected))
    setAttribute(element, 'tabindex', active ? 0 : -1)
    setAttribute(element, 'data-step', step.index)
    setAttribute(element, 'data-state', step.state)

    setText(this.#number, String(step.index + 1))
    setText(this.#topic, labels.shortTopic(step.topic))
    setAttribute(this.#topic, 'title', step.topic)
    setText(this.#stateText, labels.stepState[step.state])
    setText(this.#error, step.error?.message ?? '')
    setAttribute(this.#error, 'title', step.error?.message)
    setAttribute(this.#state.path, 'd', shapes[step.state])
    setText(this.#deviation, step.deviation === undefined ? '' : labels.difference(step.deviation))
    setAttribute(this.#lane, 'aria-label', labels.marks(step, offset))
    this.#place(step, scale)

    setAttribute(this.#cancel, 'aria-label', labels.cancelStep(step.index))
    setAttribute(this.#cancel, 'title', labels.cancelStep(step.index))
    setAttribute(this.#cancel, 'tabindex', active ? 0 : -1)
    const over = !isPending(step)
    if (over && this.#cancel.matches(':focus')) element.focus({ preventScroll: true })
    this.#cancel.hidden = over
  }

  #place({ state, plannedAt, sentAt, acknowledgedAt }: DelayedStep, scale: Scale): void {
    const planned = scale.x(plannedAt), actual = scale.x(sentAt ?? plannedAt)
    setAttribute(this.#planned, 'transform', `translate(${planned})`)
    setAttribute(this.#way, 'd', sentAt === undefined ? undefined : `M${planned} 0H${actual}`)
    const answered = acknowledgedAt === undefined ? undefined : scale.x(acknowledgedAt)
    setAttribute(this.#answer, 'd', answered === undefined ? undefined : `M${actual} 0H${answered}M${answered}-7V7`)
    // What only waits has but its plan.
    setAttribute(this.#mark, 'd', state === 'waiting' && sentAt === undefined ? undefined : shapes[state])
    setAttribute(this.#mark, 'transform', `translate(${actual}) scale(${markScale})`)
  }
}
