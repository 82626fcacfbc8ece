// @ts-check
import { byId, button, input } from './dom.js'

/** @typedef {import('../../jsglue/src/types').ConnectOptions} ConnectOptions */

/** Arguments of `connect` and the inputs that they come from. */
const INPUTS = {
  'credentials.accessKeyId': 'access-key-id',
  'credentials.secretAccessKey': 'secret-access-key',
  'credentials.sessionToken': 'session-token',
  credentials: 'secret-access-key',
  endpoint: 'endpoint',
  region: 'region',
  url: 'url',
  username: 'username',
  password: 'password',
  clientId: 'client-id',
  keepAlive: 'keep-alive',
  connectTimeout: 'connect-timeout',
  sessionExpiryInterval: 'session-expiry',
  clockOffset: 'clock-offset',
}

/** @param {string} field */
export function connectionInput(field) {
  const id = Object.hasOwn(INPUTS, field) ? INPUTS[/** @type {keyof typeof INPUTS} */ (field)] : undefined
  return id === undefined ? undefined : input(id)
}

/** Wires the parts of the form that work without a connection. */
export function setUpConnectionForm() {
  const settings = new URLSearchParams(location.search)
  if (settings.get('worker') === 'false') input('worker-false').checked = true

  const showServer = () => {
    byId('aws-fields', HTMLElement).hidden = !input('server-aws').checked
    byId('url-fields', HTMLElement).hidden = !input('server-url').checked
  }
  input('server-aws').addEventListener('change', showServer)
  input('server-url').addEventListener('change', showServer)
  showServer()

  const suggestClientId = () => { input('client-id').value = `console-${randomHex(4)}` }
  button('new-client-id').addEventListener('click', suggestClientId)
  suggestClientId()
}

/** Fills in the local gateway's endpoint and credentials where one serves this page. */
export async function prefillFromGateway() {
  const answer = await fetch(new URL('../gateway.json', import.meta.url), { cache: 'no-store' })
  if (!answer.ok) return
  const gateway = await answer.json()
  // What somebody has typed in the meantime stays.
  if (input('endpoint').value) return
  input('endpoint').value = gateway.endpoint ?? ''
  input('region').value = gateway.region ?? ''
  input('access-key-id').value = gateway.accessKeyId ?? ''
  input('secret-access-key').value = gateway.secretAccessKey ?? ''
  byId('gateway-note', HTMLElement).hidden = false
}

/**
 * The options as they stand. Nothing is checked here: the module says what is
 * wrong and names the field.
 *
 * @returns {ConnectOptions}
 */
export function readConnectionForm() {
  return {
    ...input('server-aws').checked ? readAws() : readUrl(),
    clientId: text('client-id'),
    keepAlive: number('keep-alive'),
    connectTimeout: number('connect-timeout'),
    sessionExpiryInterval: number('session-expiry'),
    cleanStart: input('clean-start').checked,
    reconnect: input('reconnect').checked ? undefined : false,
    worker: input('worker-true').checked,
  }
}

/** @returns {ConnectOptions} */
function readAws() {
  return {
    endpoint: input('endpoint').value.trim(),
    region: text('region'),
    credentials: {
      accessKeyId: input('access-key-id').value.trim(),
      secretAccessKey: input('secret-access-key').value.trim(),
      sessionToken: text('session-token'),
    },
    clockOffset: number('clock-offset'),
  }
}

/** @returns {ConnectOptions} */
function readUrl() {
  return {
    url: input('url').value.trim(),
    username: input('username').value || undefined,
    password: input('password').value || undefined,
  }
}

/** @param {string} id */
function text(id) {
  return input(id).value.trim() || undefined
}

/** NaN where it is no number, which the module refuses. @param {string} id */
function number(id) {
  const field = input(id)
  return field.value === '' && !field.validity.badInput ? undefined : field.valueAsNumber
}

/** @param {number} bytes */
function randomHex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
