// @ts-check
import { el, setData, setText, topicText } from './dom.js'
import { clockTime, signedMs } from './time-format.js'

/**
 * @typedef {import('./store.js').RunState} RunState
 * @typedef {import('./store.js').RunStep} RunStep
 *
 * @typedef {object} RunView
 * @property {HTMLElement} element
 * @property {(run: RunState) => void} update
 */

const COLUMNS = ['Step', 'State', 'Planned', 'Sent', 'Deviation', 'Acknowledged', 'Shadow’s answer']

/**
 * One run and its steps, live.
 *
 * @param {RunState} run
 * @param {(step?: number) => void} cancel
 * @returns {RunView}
 */
export function createRunView(run, cancel) {
  const heading = `run-${run.id}`
  const summary = el('span', { class: 'note', role: 'status' })
  const cancelRun = el('button', { type: 'button', class: 'run-cancel', onclick: () => cancel() }, 'Cancel run')
  const rows = run.steps.map((step) => createStepRow(step, () => cancel(step.step.index)))
  const element = el('section', { class: 'run', 'data-run': run.id, 'aria-labelledby': heading },
    el('div', { class: 'panel-head' },
      el('h3', { id: heading }, `Run ${run.id} `, el('span', { class: 'muted' }, `from ${clockTime(run.startedAt)}`)),
      summary, el('div', { class: 'actions' }, cancelRun)),
    el('table', { class: 'steps', role: 'table', 'aria-labelledby': heading },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
        ...COLUMNS.map((name) => el('th', { role: 'columnheader', scope: 'col' }, name)),
        el('th', { role: 'columnheader', scope: 'col' }, el('span', { class: 'visually-hidden' }, 'Cancel')))),
      el('tbody', { role: 'rowgroup' }, ...rows.map((row) => row.element))))

  return {
    element,
    update(state) {
      setData(element, 'state', state.finished ? 'finished' : 'running')
      setText(summary, summaryText(state))
      cancelRun.hidden = state.finished
      for (const [index, row] of rows.entries()) row.update(state.steps[index], state.startedAt)
    },
  }
}

/** @param {RunState} run */
function summaryText({ finished, steps }) {
  const sent = steps.filter(({ step }) => step.sentAt !== undefined).length
  const accepted = steps.filter(({ answer }) => answer?.accepted).length
  const shadows = steps.filter(({ shadow }) => shadow).length
  return `${finished ? 'Finished' : 'Running'}: ${sent} of ${steps.length} sent${shadows ? `, ${accepted} of ${shadows} accepted` : ''}`
}

/**
 * @param {RunStep} first
 * @param {() => void} cancel
 */
function createStepRow({ step: { index, topic }, delay, shadow }, cancel) {
  const cells = Object.fromEntries(COLUMNS.map((name) => [name, el('td', { role: 'cell', 'data-label': name })]))
  cells.Step.append(el('strong', {}, shadow ?? `Step ${index + 1}`), el('span', { class: 'topic muted' }, ...topicText(topic)))
  cells.Planned.textContent = signedMs(delay)
  const state = el('span', { class: 'step-state' })
  const reason = el('span', { class: 'step-reason' })
  cells.State.append(state, reason)
  const cancelStep = el('button', { type: 'button', onclick: cancel, 'aria-label': `Cancel step ${index + 1}`, title: 'Cancel' }, '×')
  const element = el('tr', { role: 'row', 'data-step': index },
    ...COLUMNS.map((name) => cells[name]), el('td', { role: 'cell', class: 'step-cancel' }, cancelStep))

  return {
    element,
    /**
     * @param {RunStep} current
     * @param {number} startedAt
     */
    update({ step, qos, shadow: updates, answer }, startedAt) {
      setData(element, 'state', step.state)
      setData(element, 'deviation', step.deviation)
      setData(element, 'accepted', answer?.accepted)
      setData(element, 'version', answer?.version)
      setText(state, step.state)
      setText(reason, step.error ? [step.error.message, step.error.hint].filter(Boolean).join(' ') : '')
      setText(cells.Sent, step.sentAt === undefined ? '–' : signedMs(step.sentAt - startedAt))
      setText(cells.Deviation, step.deviation === undefined ? '–' : signedMs(step.deviation))
      setText(cells.Acknowledged, step.acknowledgedAt === undefined ? (qos === 0 ? 'not at QoS 0' : '–') : signedMs(step.acknowledgedAt - startedAt))
      setText(cells['Shadow’s answer'], updates ? answerText(answer) : 'no shadow')
      cancelStep.hidden = step.state !== 'waiting'
    },
  }
}

/** @param {RunStep['answer']} answer */
function answerText(answer) {
  if (!answer) return '–'
  if (answer.accepted) return `accepted, version ${answer.version ?? 'unknown'}`
  return `rejected: ${[answer.code, answer.message].filter(Boolean).join(' ') || 'no reason given'}`
}
