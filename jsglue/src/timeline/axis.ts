/** The axis: ticks with their texts, and the line at the present time. */
import { html, setText } from './dom'
import type { Scale } from './scale'
import type { DelayedRunLabels } from './types'

/** A text nearer than this to the end would run into the next column, in px. */
const endRoom = 16

export class Axis {
  /** In the header. */
  readonly texts = html('div', { class: 'tick-texts', 'aria-hidden': 'true' })
  /** Behind the rows. */
  readonly lines: HTMLElement
  readonly #lane = html('div', { class: 'lane' })
  readonly #now = html('div', { class: 'now', part: 'now' })
  readonly #nowHead = html('div', { class: 'now-head' })
  #ticks: { line: HTMLElement, text: HTMLElement }[] = []

  constructor() {
    this.lines = html('div', { class: 'lines row', 'aria-hidden': 'true' }, this.#lane)
    this.#lane.append(this.#now)
    this.texts.append(this.#nowHead)
  }

  update(scale: Scale, labels: DelayedRunLabels): void {
    const offsets = scale.ticks()
    while (this.#ticks.length < offsets.length) {
      const tick = { line: html('div', { class: 'tick' }), text: html('span') }
      this.#ticks.push(tick)
      this.#lane.prepend(tick.line)
      this.texts.append(tick.text)
    }
    for (const { line, text } of this.#ticks.splice(offsets.length)) {
      line.remove()
      text.remove()
    }
    for (const [i, { line, text }] of this.#ticks.entries()) {
      const x = scale.x(scale.origin + offsets[i]!)
      line.style.left = text.style.left = `${x}px`
      text.hidden = x > scale.width - endRoom
      setText(text, labels.time(offsets[i]!, scale.decimals))
    }
  }

  /** Moves the line; undefined hides it. */
  moveNow(scale: Scale, now: number | undefined): void {
    const x = now === undefined ? -1 : scale.x(now)
    const hidden = x < 0 || x > scale.width
    for (const each of [this.#now, this.#nowHead]) {
      each.hidden = hidden
      if (!hidden) each.style.left = `${x}px`
    }
  }
}
