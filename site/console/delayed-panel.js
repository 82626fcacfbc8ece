// @ts-check
import { button, byId, el, input, setText, setUnavailable } from './dom.js'
import { ErrorNotice } from './error-notice.js'
import { twoNamedShadows } from './shadow-topics.js'
import { StepEditor } from './step-editor.js'

/**
 * @param {import('./store.js').Store} store
 * @param {import('./delayed-runs.js').DelayedRuns} runs
 * @param {() => Promise<boolean>} connect connects where nothing is connected yet
 */
export function mountDelayedPanel(store, runs, connect) {
  const thing = input('thing-name')
  const editor = new StepEditor(twoNamedShadows(thing.value))
  const [gate, offline, onFailure] = ['run-gate', 'run-offline', 'run-on-failure'].map((id) => byId(id, HTMLSelectElement))
  const progress = byId('delayed-progress', HTMLElement)
  const notice = new ErrorNotice(byId('delayed-error', HTMLElement), (field) => {
    if (field === 'gate') return gate
    const [, index, column] = /^steps\[(\d+)\]\.(topic|payload|delay|qos)$/.exec(field) ?? []
    return column ? editor.input(Number(index), /** @type {import('./step-editor.js').Column} */ (column)) ?? undefined : undefined
  })
  const buttons = [button('preset-run'), button('delayed-run')]

  let starting = false
  const start = async () => {
    if (starting) return
    starting = true
    let outcome = ''
    notice.clear()
    for (const each of buttons) setUnavailable(each, true)
    try {
      setText(progress, 'Connecting')
      if (!await connect()) {
        outcome = 'Not connected: the reason stands under Connection'
        return
      }
      setText(progress, 'Waiting for the subscriptions to be granted')
      await runs.start(editor.read(), /** @type {import('./delayed-runs.js').DelayedOptions} */ ({
        gate: gate.value, offline: offline.value, onFailure: onFailure.value,
      }))
    } catch (error) {
      notice.show(error)
    } finally {
      setText(progress, outcome)
      starting = false
      for (const each of buttons) setUnavailable(each, false)
    }
  }

  button('preset-run').addEventListener('click', () => {
    if (starting) return
    editor.write(twoNamedShadows(thing.value.trim()))
    gate.value = 'shadow'
    start()
  })
  byId('delayed-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    start()
  })

  /** @type {Map<import('../../jsglue/src/types').DelayedRun, HTMLElement>} */
  const shown = new Map()
  const place = byId('runs', HTMLElement)
  store.watch(['runs'], ({ runs }) => {
    for (const [run, element] of shown) {
      if (runs.some((each) => each.run === run)) continue
      element.remove()
      shown.delete(run)
    }
    for (const { run, startedAt, finished } of runs.toReversed()) {
      let element = shown.get(run)
      if (!element) {
        element = Object.assign(el('delayed-run', { 'data-run': run.id }), { run, origin: startedAt })
        shown.set(run, element)
        place.prepend(element)
      }
      element.dataset.state = finished ? 'finished' : 'running'
    }
  })
}
