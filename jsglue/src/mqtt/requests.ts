/** What waits for an answer of the server, by packet identifier. */
import { guarded, reportUncaught } from '../errors'
import type * as types from './types'

export interface Pending {
  readonly id: number
  readonly cmd: types.PendingCommand
  packet: types.Packet
  readonly cb: (error?: Error, packet?: types.Packet) => void
  /** Takes a message back. */
  readonly abort: AbortController
}

interface Numberless {
  f(id: number): void
  failed(error: Error): void
}

export class Requests {
  private readonly _pending = new Map<number, Pending>()
  /** Calls that wait for a packet identifier. */
  private _numberless: Numberless[] = []

  /** `settled` hears of each that was answered, or given up. */
  constructor(private readonly _ids: types.IMessageIdProvider, private readonly _settled: () => void) {}

  get size(): number { return this._pending.size }
  get all(): Pending[] { return [...this._pending.values()] }
  get(id: number): Pending | undefined { return this._pending.get(id) }

  /** Calls back with a packet identifier, as soon as one is free. */
  number(f: (id: number) => void, failed: (error: Error) => void): void {
    this._numberless.push({ f, failed })
    if (this._numberless.length === 1) this._number()
  }

  /** Gives packet identifiers to those that wait, as far as there are. The provider may be the page's, and throw. */
  private _number(): void {
    for (let next; (next = this._numberless[0]);) {
      let id: number | null
      try {
        id = this._ids.allocate()
      } catch (e) {
        this._numberless.shift()
        next.failed(e as Error)
        continue
      }
      if (id === null) return
      this._numberless.shift()
      next.f(id)
    }
  }

  /** Notes one that an earlier page gave a packet identifier. */
  register(id: number): void { this._ids.register(id) }

  holds(pending: Pending): boolean { return this._pending.get(pending.id) === pending }

  add(id: number, cmd: types.PendingCommand, packet: types.Packet, cb: types.PacketCallback): Pending {
    const pending: Pending = { id, cmd, packet, cb: guarded(cb as Pending['cb']), abort: new AbortController() }
    this._pending.set(id, pending)
    return pending
  }

  /** Calls its callback, once, and lets go of its packet identifier. */
  settle(pending: Pending, error?: Error | null, packet?: types.Packet): void {
    if (!this.holds(pending)) return
    this._pending.delete(pending.id)
    try {
      this._ids.deallocate(pending.id)
    } catch (e) {
      reportUncaught(e)
    }
    this._number()
    if (error && !packet) pending.cb(error) // as many arguments as mqtt.js gives
    else pending.cb(error ?? null as never, packet)
    this._settled()
  }

  fail(error: Error): void {
    const numberless = this._numberless.splice(0)
    for (const pending of this.all) this.settle(pending, error)
    for (const { failed } of numberless) failed(error)
  }
}
