/** Listeners by event. What one throws does not keep the others from hearing. */
import { reportUncaught } from './errors'

export class Emitter<Events extends { [E in keyof Events]: (...args: never[]) => void }> {
  readonly #handlers = new Map<keyof Events, Set<(...args: never[]) => void>>()

  on<E extends keyof Events>(event: E, handler: Events[E]): () => void {
    let handlers = this.#handlers.get(event)
    if (!handlers) this.#handlers.set(event, handlers = new Set())
    const own: (...args: never[]) => void = (...args) => handler(...args) // so that one handler may be added twice
    handlers.add(own)
    return () => { handlers.delete(own) }
  }

  has(event: keyof Events): boolean { return (this.#handlers.get(event)?.size ?? 0) > 0 }

  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      try {
        handler(...args as never[])
      } catch (e) {
        reportUncaught(e)
      }
    }
  }
}
