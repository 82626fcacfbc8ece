/** Packet identifiers, none of which is given out while it is in use. */
import type { IMessageIdProvider } from './types'

const last = 65535

class Ids {
  protected _used = new Set<number>()

  /** False where it is in use already, or is no identifier. */
  register(id: number): boolean {
    if (!(id >= 1 && id <= last) || this._used.has(id)) return false
    this._used.add(id)
    return true
  }

  deallocate(id: number): void { this._used.delete(id) }
  clear(): void { this._used.clear() }

  /** The first that is free after `id`, round and round; null where none is. */
  protected _after(id: number): number | null {
    if (this._used.size >= last) return null
    do id = id % last + 1; while (this._used.has(id))
    this._used.add(id)
    return id
  }
}

/** Counts on from a random number. */
export class DefaultMessageIdProvider extends Ids implements IMessageIdProvider {
  private _last = 1 + Math.floor(Math.random() * last)

  allocate(): number | null {
    const id = this._after(this._last)
    if (id) this._last = id
    return id
  }

  getLastAllocated(): number { return this._last }
}

/** Gives the lowest that is free. */
export class UniqueMessageIdProvider extends Ids implements IMessageIdProvider {
  private _last: number | null = null
  /** All up to here are in use. */
  private _low = 0

  allocate(): number | null {
    this._last = this._after(this._low)
    if (this._last) this._low = this._last
    return this._last
  }

  getLastAllocated(): number | null { return this._last }

  override deallocate(id: number): void {
    super.deallocate(id)
    if (id > 0 && id <= this._low) this._low = id - 1
  }

  override clear(): void {
    super.clear()
    this._low = 0
  }
}
