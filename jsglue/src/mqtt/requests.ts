/** What waits for an answer of the server, by packet identifier. */
import type * as types from './types'

export interface Pending {
  readonly id: number
  readonly cmd: types.PendingCommand
  packet: types.Packet
  readonly cb: (error?: Error, packet?: types.Packet) => void
  /** Takes a message back. */
  readonly abort: AbortController
}

export class Requests {
  private readonly _pending = new Map<number, Pending>()
  /** Calls that wait for a packet identifier. */
  private _numberless: (() => boolean)[] = []

  /** `settled` hears of each that was answered, or given up. */
  constructor(private readonly _ids: types.IMessageIdProvider, private readonly _settled: () => void) {}

  get size(): number { return this._pending.size }
  get all(): Pending[] { return [...this._pending.values()] }
  get(id: number): Pending | undefined { return this._pending.get(id) }

  /** Calls back with a packet identifier, as soon as one is free. */
  number(f: (id: number) => void): void {
    const attempt = (): boolean => {
      const id = this._ids.allocate()
      if (id === null) return false
      f(id)
      return true
    }
    if (this._numberless.length > 0 || !attempt()) this._numberless.push(attempt)
  }

  /** Notes one that an earlier page gave a packet identifier. */
  register(id: number): void { this._ids.register(id) }

  add(id: number, cmd: types.PendingCommand, packet: types.Packet, cb: types.PacketCallback): Pending {
    const pending: Pending = { id, cmd, packet, cb: cb as Pending['cb'], abort: new AbortController() }
    this._pending.set(id, pending)
    return pending
  }

  /** Calls its callback, once, and lets go of its packet identifier. */
  settle(pending: Pending, error?: Error | null, packet?: types.Packet): void {
    const { id } = pending
    if (this._pending.get(id) !== pending) return
    this._pending.delete(id)
    this._ids.deallocate(id)
    while (this._numberless[0]?.()) this._numberless.shift()
    if (error && !packet) pending.cb(error) // as many arguments as mqtt.js gives
    else pending.cb(error ?? null as never, packet)
    this._settled()
  }

  fail(error: Error): void {
    for (const pending of this.all) this.settle(pending, error)
  }
}
