// @ts-check
import { button, byId, input, setText, setUnavailable } from './dom.js'
import { ErrorNotice } from './error-notice.js'
import { createRunView } from './run-view.js'
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
  const progress = byId('delayed-progress', HTMLElement)
  const notice = new ErrorNotice(byId('delayed-error', HTMLElement), (field) => {
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
      await runs.start(editor.read())
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
    start()
  })
  byId('delayed-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    start()
  })

  /** @type {Map<number, import('./run-view.js').RunView>} */
  const views = new Map()
  const place = byId('runs', HTMLElement)
  store.watch(['runs'], (state) => {
    for (const [id, view] of views) {
      if (state.runs.some((run) => run.id === id)) continue
      view.element.remove()
      views.delete(id)
    }
    for (const run of state.runs.toReversed()) {
      let view = views.get(run.id)
      if (!view) {
        view = createRunView(run, (step) => runs.cancel(run.id, step))
        views.set(run.id, view)
        place.prepend(view.element)
      }
      view.update(run)
    }
  })
}
