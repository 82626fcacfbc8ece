// @ts-check
import { byId, button, el, setData, setText, setUnavailable } from './dom.js'
import { ErrorNotice } from './error-notice.js'
import { connectionInput, readConnectionForm, setUpConnectionForm } from './connection-form.js'

/**
 * @typedef {import('./store.js').ConnectionState} ConnectionState
 */

/**
 * @param {import('./store.js').Store} store
 * @param {import('./connection.js').Connection} connection
 * @returns {{ connect: () => Promise<boolean> }}
 */
export function mountConnectionPanel(store, connection) {
  const settings = byId('connection-settings', HTMLDetailsElement)
  const notice = new ErrorNotice(byId('error', HTMLElement), connectionInput)
  const connect = () => connection.connect(readConnectionForm())

  setUpConnectionForm()
  byId('connection-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    connect()
  })
  button('disconnect').addEventListener('click', () => connection.disconnect())

  let phase = store.state.connection.phase
  store.watch(['connection'], ({ connection: state }) => {
    showState(state)
    showConnack(state)
    const active = state.phase !== 'idle' && state.phase !== 'closed'
    setUnavailable(button('connect'), active)
    setUnavailable(button('disconnect'), !active)
    setText(button('disconnect'), state.phase === 'connecting' ? 'Cancel' : 'Disconnect')
    if (state.phase === phase) return
    phase = state.phase
    settings.open = phase !== 'connected' && phase !== 'reconnecting'
    // A field in closed details would lose the focus to the page.
    if (!settings.open && settings.contains(document.activeElement)) settings.querySelector('summary')?.focus()
  })
  store.watch(['connectionError'], ({ connectionError }) => {
    if (connectionError) notice.show(connectionError)
    else notice.clear()
  })
  return { connect }
}

/** @param {ConnectionState} state */
function showState(state) {
  const place = byId('state', HTMLElement)
  setData(place, 'state', state.phase)
  setData(place, 'failed', state.failed)
  setText(byId('state-text', HTMLElement), stateText(state))
}

/** @param {ConnectionState} state */
function stateText({ phase, detail, clientId }) {
  switch (phase) {
    case 'idle': return 'Not connected'
    case 'connecting': return `Connecting: ${detail}`
    case 'connected': return `Connected as ${clientId}`
    case 'reconnecting': return `Reconnecting: ${detail}`
    case 'closed': return `Closed: ${detail}`
  }
}

/** @param {ConnectionState} state */
function showConnack({ connack, clientId, keepAlive, worker }) {
  const list = byId('connack', HTMLElement)
  list.hidden = !connack
  if (!connack) return list.replaceChildren()
  const { properties } = connack
  /** @type {[name: string, term: string, value: string][]} */
  const facts = [
    ['client-id', properties.assignedClientIdentifier ? 'Client ID, assigned' : 'Client ID', clientId ?? ''],
    ['receive-maximum', 'Receive maximum', String(properties.receiveMaximum ?? 65535)],
    ['maximum-qos', 'Maximum QoS', String(properties.maximumQoS ?? 2)],
    ['keep-alive', properties.serverKeepAlive === undefined ? 'Keep alive' : 'Server keep alive', keepAliveText(properties.serverKeepAlive ?? keepAlive ?? 60)],
    ['maximum-packet-size', 'Maximum packet size', properties.maximumPacketSize === undefined ? 'no limit' : `${properties.maximumPacketSize} B`],
    ['session', 'Session', connack.sessionPresent ? 'present' : 'new'],
    ['worker', 'Module runs in', worker ? 'a Worker' : 'the page’s thread'],
  ]
  list.replaceChildren(...facts.map(([name, term, value]) => el('div', { 'data-fact': name }, el('dt', {}, term), el('dd', {}, value))))
}

/** @param {number} seconds */
function keepAliveText(seconds) {
  return seconds === 0 ? 'off' : `${seconds} s`
}
