/**
 * Node's EventEmitter as pages of mqtt.js use it. A handler that throws is reported
 * and keeps nobody else from hearing, and an `error` without a listener never
 * throws. The fields are plain ones: Vue wraps a page's objects in proxies, which
 * cannot reach `#private` fields.
 */
import { reportUncaught } from '../errors'
import type { TypedEventEmitter } from './types'

type Handler = ((...args: never[]) => unknown) & { listener?: Handler }

export class EventEmitter<Events extends { [E in keyof Events]: (...args: never[]) => unknown }> implements TypedEventEmitter<Events> {
  /** Each list is replaced, never changed: an `emit` that is under way goes on with the one it began with. */
  private readonly _events = new Map<keyof Events, readonly Handler[]>()
  private _maxListeners = 10

  on<E extends keyof Events>(event: E, handler: Events[E]): this { return this._add(event, handler) }
  addListener<E extends keyof Events>(event: E, handler: Events[E]): this { return this._add(event, handler) }
  prependListener<E extends keyof Events>(event: E, handler: Events[E]): this { return this._add(event, handler, true) }
  once<E extends keyof Events>(event: E, handler: Events[E]): this { return this._add(event, this._once(event, handler)) }
  prependOnceListener<E extends keyof Events>(event: E, handler: Events[E]): this { return this._add(event, this._once(event, handler), true) }
  off<E extends keyof Events>(event: E, handler: Events[E]): this { return this.removeListener(event, handler) }

  /** Removes it once: where it was added twice, the later one. */
  removeListener<E extends keyof Events>(event: E, handler: Events[E]): this {
    const list = this.rawListeners(event) as Handler[]
    for (let i = list.length; i--;) {
      if (list[i] === handler || list[i]!.listener === handler) {
        list.splice(i, 1)
        this._set(event, list)
        break
      }
    }
    return this
  }

  removeAllListeners(event?: keyof Events): this {
    if (event === undefined) this._events.clear()
    else this._events.delete(event)
    this._listenersChanged()
    return this
  }

  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): boolean {
    const list = this._events.get(event)
    for (const handler of list ?? []) {
      try {
        handler.apply(this, args)
      } catch (e) {
        reportUncaught(e)
      }
    }
    return !!list
  }

  listenerCount<E extends keyof Events>(event: E, handler?: Events[E]): number {
    const list = this.listeners(event)
    return handler ? list.filter(h => h === handler).length : list.length
  }

  listeners<E extends keyof Events>(event: E): Events[E][] {
    return (this.rawListeners(event) as Handler[]).map(h => h.listener ?? h) as unknown[] as Events[E][]
  }

  /** With the wrappers of `once`, each with its handler as `listener`. */
  rawListeners<E extends keyof Events>(event: E): Events[E][] { return [...this._events.get(event) ?? []] as unknown[] as Events[E][] }

  eventNames(): (keyof Events)[] { return [...this._events.keys()] }

  setMaxListeners(n: number): this {
    this._maxListeners = n
    return this
  }

  getMaxListeners(): number { return this._maxListeners }

  private _add(event: keyof Events, handler: Handler, first?: boolean): this {
    if (typeof handler !== 'function') throw new TypeError('a listener must be a function')
    const list = this._events.get(event) ?? []
    this._set(event, first ? [handler, ...list] : [...list, handler])
    return this
  }

  private _set(event: keyof Events, list: readonly Handler[]): void {
    if (list.length) this._events.set(event, list)
    else this._events.delete(event)
    this._listenersChanged()
  }

  /** Called after who listens has changed. */
  protected _listenersChanged(): void {}

  private _once(event: keyof Events, handler: Handler): Events[keyof Events] {
    if (typeof handler !== 'function') return handler // for _add to refuse
    let fired = false
    const once: Handler = (...args) => {
      if (fired) return
      fired = true
      this.removeListener(event, once as unknown as Events[keyof Events])
      handler.apply(this, args)
    }
    once.listener = handler
    return once as unknown as Events[keyof Events]
  }
}
