/** What the shapes mean. */
import type { DelayedState } from '../types'
import { html } from './dom'
import { markIcon, type MarkName } from './marks'
import type { DelayedRunLabels } from './types'

export class Legend {
  readonly element = html('ul', { class: 'legend', part: 'legend', role: 'list' })

  update(labels: DelayedRunLabels): void {
    const states = Object.entries(labels.stepState) as [DelayedState, string][]
    const entries: [MarkName, string][] = [['planned', labels.planned], ...states, ['answered', labels.acknowledged], ['now', labels.now]]
    this.element.setAttribute('aria-label', labels.legend)
    this.element.replaceChildren(...entries.map(([name, text]) =>
      html('li', { 'data-state': name === 'answered' ? 'acknowledged' : name === 'now' ? 'running' : name }, markIcon(name).icon, text)))
  }
}
