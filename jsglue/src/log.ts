/** What a client tells the page's log. */
import { reportUncaught, type IotError } from './errors'
import type { ClientState, ConnectOptions, LogEntry, LogLevel, Packet } from './types'

const levels: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']

export class Log {
  readonly #write: ((entry: LogEntry) => void) | undefined
  readonly #level: number
  #clientId: string

  constructor(options: ConnectOptions & { clientId: string, logLevel: LogLevel }) {
    this.#write = options.log
    this.#level = levels.indexOf(options.logLevel)
    this.#clientId = options.clientId
  }

  hears(level: LogLevel): boolean { return this.#write !== undefined && levels.indexOf(level) <= this.#level }

  connected(clientId: string): void {
    this.#clientId = clientId
    this.#tell('info', 'connected')
  }

  state(state: ClientState, error: IotError | undefined): void {
    if (state === 'connected') return
    this.#tell(error ? 'warn' : 'info', state, { ...(error && { error }) })
  }

  retry(attempt: number, delay: number): void { this.#tell('info', `attempt ${attempt} in ${Math.round(delay)} ms`) }
  failed(error: IotError): void { this.#tell('error', error.message, { error }) }
  packet(packet: Packet): void { this.#tell('debug', `${packet.direction} ${packet.type}`, { packet }) }

  #tell(level: LogLevel, message: string, more: Partial<LogEntry> = {}): void {
    if (!this.hears(level)) return
    try {
      this.#write!({ level, at: Date.now(), clientId: this.#clientId, message, ...more })
    } catch (e) {
      reportUncaught(e)
    }
  }
}
