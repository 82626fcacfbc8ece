/** Shows in the page's bar what becomes of the connection, and which library it is of. */
import { $ } from './dom.js'

/** Follows a client's events. */
export function showState(client) {
  let attempts = 0
  const show = (state, text) => {
    $('state').dataset.state = state
    $('state-text').textContent = text
  }
  show('connecting', 'Connecting')
  client.on('connect', () => {
    attempts = 0
    hideError()
    show('connected', 'Connected')
  })
  client.on('reconnect', () => show('reconnecting', `Reconnecting, attempt ${++attempts}`))
  client.on('close', () => show(client.disconnecting ? 'closed' : 'reconnecting', client.disconnecting ? 'Not connected' : 'Connection lost, trying again'))
  client.on('error', error => showError(error.message))
}

export function showError(text) {
  $('error').textContent = text
  $('error').hidden = false
}

export function hideError() { $('error').hidden = true }

/** Names the library, with a link to the same page on the other one. */
export function showLibrary() {
  const { library } = document.documentElement.dataset
  const other = library === 'mqttjs' ? 'iotwasm' : 'mqttjs'
  const names = { iotwasm: 'iotwasm', mqttjs: 'mqtt.js' }
  const there = new URL(location.href)
  there.searchParams.set('library', other)
  $('library').textContent = `On ${names[library]}. `
  $('library').append(Object.assign(document.createElement('a'), { href: there.href, textContent: `Switch to ${names[other]}` }))
}
