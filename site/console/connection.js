// @ts-check
import { loadPackage } from './package.js'

/**
 * @typedef {import('../../jsglue/src/types').Client} Client
 * @typedef {import('../../jsglue/src/types').ConnectOptions} ConnectOptions
 * @typedef {import('../../jsglue/src/types').Message} Message
 * @typedef {import('../../jsglue/src/types').IotError} IotError
 */

/** Opens and closes the one client of the console, and puts its state into the store. */
export class Connection {
  /** @type {Client | undefined} */
  #client
  /** @type {AbortController | undefined} */
  #attempt
  /** @type {Set<(message: Message) => void>} */
  #messageHandlers = new Set()
  #store

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store
  }

  /** The open client. Throws where there is none. */
  get client() {
    if (!this.#client) throw Object.assign(new Error('Not connected.'), { code: 'closed', hint: 'Connect first.' })
    return this.#client
  }

  /**
   * Every received message, across connections.
   *
   * @param {(message: Message) => void} handler
   * @returns {() => void}
   */
  onMessage(handler) {
    this.#messageHandlers.add(handler)
    return () => this.#messageHandlers.delete(handler)
  }

  /**
   * Connects; a failure goes into the store.
   *
   * @param {ConnectOptions} options
   * @returns {Promise<boolean>} whether there is a connection now
   */
  async connect(options) {
    if (this.#client) return true
    if (this.#attempt) return false
    const attempt = this.#attempt = new AbortController()
    this.#store.update({ connection: { phase: 'connecting', detail: 'loading the module' }, connectionError: undefined })
    try {
      const iotwasm = await loadPackage()
      await iotwasm.load({ worker: options.worker })
      attempt.signal.throwIfAborted()
      this.#store.update({ connection: { phase: 'connecting', detail: 'waiting for the CONNACK' } })
      const client = await iotwasm.connect({ ...options, signal: attempt.signal })
      this.#opened(client, options)
      return this.#client === client
    } catch (error) {
      if (attempt.signal.aborted) this.#store.update({ connection: { phase: 'closed', detail: 'cancelled' } })
      else this.#store.update({ connection: { phase: 'closed', detail: 'could not connect', failed: true }, connectionError: error })
      return false
    } finally {
      this.#attempt = undefined
    }
  }

  /** Closes the client, or gives up the attempt under way. */
  async disconnect() {
    this.#attempt?.abort()
    await this.#client?.close()
  }

  /**
   * @param {Client} client
   * @param {ConnectOptions} options
   */
  #opened(client, options) {
    if (client.state === 'closed') throw Object.assign(new Error('The server ended the connection right after the CONNACK.'), { code: 'transport-closed' })
    this.#client = client
    client.on('message', (message) => { for (const handler of this.#messageHandlers) handler(message) })
    client.on('error', (error) => this.#store.update({ connectionError: error }))
    client.on('offline', (error) => this.#store.update({ connection: { phase: 'reconnecting', detail: 'the link was lost' }, connectionError: error }))
    client.on('reconnect', ({ attempt, delay }) => {
      this.#store.update({ connection: { phase: 'reconnecting', detail: `attempt ${attempt} in ${(delay / 1000).toFixed(1)} s` } })
    })
    client.on('connect', () => this.#connected(client, options))
    client.on('close', (error) => this.#closed(client, error))
    this.#connected(client, options)
  }

  /**
   * @param {Client} client
   * @param {ConnectOptions} options
   */
  #connected(client, options) {
    this.#store.update({
      connection: { phase: 'connected', connack: client.connack, clientId: client.clientId, keepAlive: options.keepAlive, worker: options.worker },
      connectionError: undefined,
    })
  }

  /**
   * @param {Client} client
   * @param {IotError} [error]
   */
  #closed(client, error) {
    if (this.#client !== client) return
    this.#client = undefined
    const subscriptions = this.#store.state.subscriptions.map((each) => ({ ...each, phase: /** @type {const} */ ('ended') }))
    this.#store.update({
      connection: error ? { phase: 'closed', detail: 'the link was lost', failed: true } : { phase: 'closed', detail: 'disconnected by you' },
      connectionError: error,
      subscriptions,
    })
  }
}
