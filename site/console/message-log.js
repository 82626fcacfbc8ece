// @ts-check
import { byId, button, input, setText } from './dom.js'
import { oncePerFrame } from './frame.js'
import { createLogEntry } from './log-entry.js'
import { decodeText } from './payload-format.js'
import { matches } from './topic-filter.js'

/**
 * @typedef {import('./message-history.js').Entry} Entry
 * @typedef {import('./store.js').SubscriptionState} SubscriptionState
 */

/** How long the filter box waits for the next key. */
const TYPING_MS = 120

/**
 * The log, newest first. Changes are gathered and drawn once per frame.
 *
 * @param {import('./store.js').Store} store
 * @param {import('./message-history.js').MessageHistory} history
 */
export function mountMessageLog(store, history) {
  const list = byId('log', HTMLElement)
  const scroller = byId('log-scroll', HTMLElement)
  const empty = byId('log-empty', HTMLElement)
  const count = byId('log-count', HTMLElement)
  const direction = byId('log-direction', HTMLSelectElement)
  const pauseButton = button('log-pause')
  const chip = button('log-subscription')

  /** @type {Map<number, ReturnType<typeof createLogEntry>>} nodes by entry, in order of arrival */
  const shown = new Map()
  /** @type {Entry[]} */
  let arrived = []
  /** @type {Set<Entry>} */
  const changed = new Set()
  let redraw = false
  let paused = false
  let missed = 0

  const subscription = () => store.state.subscriptions.find((each) => each.id === store.state.logSubscription)

  /** @returns {(entry: Entry) => boolean} */
  const filter = () => {
    const wanted = input('log-filter').value.trim().toLowerCase()
    const only = subscription()
    return (entry) => {
      if (direction.value !== 'all' && entry.direction !== direction.value) return false
      if (only && !matches(only.filter, entry.topic)) return false
      return !wanted || entry.topic.toLowerCase().includes(wanted) || (decodeText(entry.payload) ?? '').toLowerCase().includes(wanted)
    }
  }

  /** @param {Entry[]} entries oldest first */
  const prepend = (entries) => {
    const passes = filter()
    const fragment = document.createDocumentFragment()
    for (const entry of entries.slice(-history.limit)) {
      if (!passes(entry)) continue
      const view = createLogEntry(entry, toneOf(entry, store.state.subscriptions))
      view.update(entry)
      shown.set(entry.id, view)
      fragment.prepend(view.element)
    }
    list.prepend(fragment)
  }

  const dropOld = () => {
    const oldest = history.entries[0]?.id ?? Infinity
    for (const [id, { element }] of shown) {
      if (id >= oldest) break
      element.remove()
      shown.delete(id)
    }
  }

  const draw = () => {
    if (redraw) {
      list.replaceChildren()
      shown.clear()
      prepend(history.entries)
      missed = 0
    } else if (!paused) {
      prepend(arrived)
    }
    if (paused && !redraw) missed += arrived.length
    else dropOld()
    for (const entry of changed) shown.get(entry.id)?.update(entry)
    arrived = []
    changed.clear()
    redraw = false
    showCounts()
  }

  const showCounts = () => {
    const total = history.entries.length
    const parts = [shown.size === total || paused ? `${total}` : `${shown.size} of ${total}`]
    if (paused) parts.push(`paused, ${missed} new`)
    if (history.dropped) parts.push(`${history.dropped} dropped`)
    setText(count, total ? parts.join(' · ') : '')
    scroller.hidden = shown.size === 0
    empty.hidden = shown.size > 0
    setText(empty, total ? 'No message passes the filter.' : 'No messages yet. Subscribe to a topic filter, or run the two named shadows above.')
  }

  const schedule = oncePerFrame(draw)
  const drawAll = () => {
    redraw = true
    schedule()
  }

  history.onAppend = (entry) => {
    arrived.push(entry)
    // A hidden page draws seldom; what the history has dropped need not wait here.
    if (arrived.length > 2 * history.limit) {
      if (paused) missed += history.limit
      arrived = arrived.slice(-history.limit)
    }
    schedule()
  }
  history.onChange = (entry) => {
    changed.add(entry)
    schedule()
  }
  history.onRemove = (entry) => {
    arrived = arrived.filter((each) => each !== entry)
    shown.get(entry.id)?.element.remove()
    shown.delete(entry.id)
    schedule()
  }
  history.onClear = () => {
    arrived = []
    drawAll()
  }

  pauseButton.addEventListener('click', () => {
    paused = !paused
    pauseButton.setAttribute('aria-pressed', String(paused))
    setText(pauseButton, paused ? 'Resume' : 'Pause')
    if (paused) schedule()
    else drawAll()
  })
  button('log-clear').addEventListener('click', () => history.clear())
  direction.addEventListener('change', drawAll)
  let typing = 0
  input('log-filter').addEventListener('input', () => {
    clearTimeout(typing)
    typing = window.setTimeout(drawAll, TYPING_MS)
  })
  chip.addEventListener('click', () => {
    store.update({ logSubscription: undefined })
    input('log-filter').focus()
  })
  store.watch(['logSubscription'], () => {
    const only = subscription()
    chip.hidden = !only
    setText(chip, only ? `${only.filter} ×` : '')
    chip.setAttribute('aria-label', only ? `Show all subscriptions again, not only ${only.filter}` : '')
    drawAll()
  })
}

/**
 * @param {Entry} entry
 * @param {readonly SubscriptionState[]} subscriptions
 */
function toneOf({ direction, topic }, subscriptions) {
  return direction === 'received' ? subscriptions.find((each) => matches(each.filter, topic))?.tone : undefined
}
