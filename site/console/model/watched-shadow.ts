/** One shadow of a thing that is looked at: its state, live, and what is done with it. */
import type { Client, Shadow, ShadowUpdate, ShadowView } from 'iotwasm'
import { Observable } from './observable'

export class WatchedShadow extends Observable {
  readonly thing: string
  /** Undefined is the classic one. */
  readonly name: string | undefined
  /** As it is now; undefined before it was read. */
  view: ShadowView | undefined
  error: unknown
  #shadow: Shadow | undefined
  #ended: AbortController | undefined

  constructor(thing: string, name: string | undefined) {
    super()
    this.thing = thing
    this.name = name
  }

  /** Reads it and follows it, on this client. */
  async follow(client: Client): Promise<void> {
    this.stop()
    const ended = this.#ended = new AbortController()
    this.error = undefined
    try {
      const shadow = this.#shadow = client.shadow(this.thing, this.name)
      for await (const view of shadow.watch({ signal: ended.signal, exactIntegers: true })) {
        this.view = view
        this.changed()
      }
    } catch (error) {
      if (ended.signal.aborted) return
      this.error = error
      this.changed()
    }
  }

  stop(): void {
    this.#ended?.abort()
    void this.#shadow?.close().catch(() => undefined)
    this.#shadow = undefined
  }

  /** Changes fields; with `version` of that version only. */
  async update(change: ShadowUpdate, version?: number): Promise<void> {
    await this.#open.update(change, version === undefined ? {} : { version })
  }

  async delete(): Promise<void> { await this.#open.delete() }

  get #open(): Shadow {
    if (!this.#shadow) throw Object.assign(new Error('Not connected.'), { code: 'closed' })
    return this.#shadow
  }
}
