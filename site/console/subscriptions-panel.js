// @ts-check
import { byId, button, el, input, setData, setText, topicText } from './dom.js'
import { ErrorNotice } from './error-notice.js'

/**
 * @typedef {import('./store.js').SubscriptionState} SubscriptionState
 * @typedef {import('./store.js').State} State
 * @typedef {import('../../jsglue/src/types').QoS} QoS
 */

/**
 * @param {import('./store.js').Store} store
 * @param {import('./subscriptions.js').Subscriptions} subscriptions
 */
export function mountSubscriptionsPanel(store, subscriptions) {
  const notice = new ErrorNotice(byId('subscribe-error', HTMLElement), (field) => field.startsWith('filter') ? input('filter') : undefined)
  /** @param {Promise<void>} work */
  const report = (work) => work.then(() => notice.clear(), (error) => notice.show(error))

  byId('subscribe-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    // An empty filter goes to the module as well, which says what is wrong with it.
    const filters = input('filter').value.split(',').map((filter) => filter.trim())
    report(subscriptions.add(filters, /** @type {QoS} */ (Number(byId('filter-qos', HTMLSelectElement).value))))
  })

  /** @type {Map<number, Row>} */
  const rows = new Map()
  const list = byId('subscriptions', HTMLElement)
  const empty = byId('subscriptions-empty', HTMLElement)
  store.watch(['subscriptions', 'connection', 'logSubscription'], (state) => {
    const connected = state.connection.phase === 'connected'
    button('subscribe').disabled = !connected
    empty.hidden = state.subscriptions.length > 0
    for (const [id, row] of rows) {
      if (state.subscriptions.some((each) => each.id === id)) continue
      row.element.remove()
      rows.delete(id)
    }
    for (const each of state.subscriptions) {
      let row = rows.get(each.id)
      if (!row) {
        row = createRow(each, {
          select: () => store.update({ logSubscription: store.state.logSubscription === each.id ? undefined : each.id }),
          end: () => report(subscriptions.end(each.id)),
          again: () => report(subscriptions.add([each.filter], each.qos)),
        })
        rows.set(each.id, row)
        list.append(row.element)
      }
      row.update(each, { connected, selected: state.logSubscription === each.id })
    }
  })
}

/**
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(subscription: SubscriptionState, view: { connected: boolean, selected: boolean }) => void} update
 */

/**
 * @param {SubscriptionState} subscription
 * @param {{ select: () => void, end: () => void, again: () => void }} actions
 * @returns {Row}
 */
function createRow({ filter, tone }, actions) {
  const count = el('span', { class: 'count' })
  const granted = el('span', { class: 'badge' })
  const select = el('button', { type: 'button', class: 'subscription-select', onclick: actions.select, title: 'Show only these messages' },
    el('span', { class: 'swatch', 'aria-hidden': 'true' }), el('span', { class: 'topic' }, ...topicText(filter)))
  const again = el('button', { type: 'button', onclick: actions.again, 'aria-label': `Subscribe again to ${filter}` }, 'Subscribe')
  const end = el('button', { type: 'button', onclick: actions.end })
  const element = el('li', { class: 'subscription', 'data-filter': filter, 'data-tone': tone },
    select, el('span', { class: 'subscription-facts' }, granted, count), el('span', { class: 'actions' }, again, end))

  return {
    element,
    update({ phase, qos, grantedQos, count: received }, { connected, selected }) {
      setData(element, 'state', phase)
      setData(element, 'count', received)
      setData(element, 'grantedQos', grantedQos)
      select.setAttribute('aria-pressed', String(selected))
      setText(granted, phase === 'pending' ? 'waiting' : phase === 'ended' ? 'ended' : grantedText(qos, grantedQos))
      setText(count, received === 1 ? '1 message' : `${received} messages`)
      again.hidden = phase !== 'ended' || !connected
      setText(end, phase === 'ended' ? 'Remove' : 'Unsubscribe')
      end.disabled = phase === 'pending'
      end.setAttribute('aria-label', `${end.textContent} ${filter}`)
    },
  }
}

/**
 * @param {QoS} asked
 * @param {QoS} [granted]
 */
function grantedText(asked, granted = asked) {
  return granted === asked ? `QoS ${granted}` : `QoS ${granted}, asked ${asked}`
}
