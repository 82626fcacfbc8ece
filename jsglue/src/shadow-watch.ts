/** Watching a shadow: its newest state, in the order of its versions. */
import { IotError } from './errors'
import { noView, parse, viewOf } from './shadow-document'
import { backOff, leave, subscribeToAll } from './shadow-requests'
import type { Client, Message, ShadowDocument, ShadowView, Subscription } from './types'

/** What a Watch needs of its shadow. */
export interface Watched {
  client: Client
  prefix: string
  exact: boolean
  get: (signal: AbortSignal) => Promise<ShadowDocument>
  /** Hears that the watch ended. */
  left: (watch: Watch) => void
}

/**
 * One iteration. A reader that is slow misses states in between: it gets the
 * newest. Messages may come twice, late, or in another order; what they leave
 * open is asked of the service.
 */
export class Watch implements AsyncIterator<ShadowView> {
  readonly #shadow: Watched
  readonly #ended = new AbortController()
  readonly #undo: (() => void)[]
  readonly #readers: { resolve: (result: IteratorResult<ShadowView>) => void, reject: (error: unknown) => void }[] = []
  #unread: ShadowView | undefined
  #error: unknown
  #subscription: Subscription | undefined
  #sessionLost = false
  #inDoubt = true // the service is to be asked
  #wake: () => void = () => undefined
  #version = 0 // the highest of the shadow, or of what was deleted
  #deleted = false
  #changes = 0 // states seen

  constructor(shadow: Watched, signal: AbortSignal | undefined) {
    this.#shadow = shadow
    const end = (): void => this.end()
    signal?.addEventListener('abort', end)
    this.#undo = [
      () => signal?.removeEventListener('abort', end),
      shadow.client.on('close', end),
      shadow.client.on('connect', ({ sessionPresent }) => {
        this.#sessionLost ||= !sessionPresent
        this.#doubt()
      }),
    ]
    if (signal?.aborted) end()
    else void this.#run()
  }

  next(): Promise<IteratorResult<ShadowView>> {
    const value = this.#unread, error = this.#error
    this.#unread = this.#error = undefined
    if (value) return Promise.resolve({ value, done: false })
    if (error !== undefined) return Promise.reject(error)
    if (this.#ended.signal.aborted) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<ShadowView>> {
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Ends the iteration, with an error where there is one. */
  end(error?: unknown): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#wake()
    for (const undo of this.#undo) undo()
    if (this.#subscription) void leave([this.#subscription])
    this.#shadow.left(this)
    this.#unread = undefined
    const [first, ...others] = this.#readers.splice(0)
    if (error === undefined) first?.resolve({ value: undefined, done: true })
    else if (first) first.reject(error)
    else this.#error = error
    for (const reader of others) reader.resolve({ value: undefined, done: true })
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#ended.signal.aborted) {
      if (!this.#inDoubt) {
        await this.#sleep(Infinity)
        continue
      }
      this.#inDoubt = false
      try {
        await this.#listen()
        await this.#ask()
        failures = 0
      } catch (e) {
        if (e instanceof IotError && e.code === 'closed') return this.end()
        const relinked = this.#inDoubt
        this.#inDoubt = true
        const linked = this.#shadow.client.state === 'connected'
        // Who has seen nothing yet is told what is wrong, unless it is the link.
        if (!(e instanceof IotError && e.retryable) || (this.#changes === 0 && linked && !relinked)) return this.end(e)
        if (!relinked) await this.#sleep(linked ? backOff(4 + failures++) : Infinity)
      }
    }
  }

  async #listen(): Promise<void> {
    if (this.#subscription && !this.#sessionLost) return
    this.#sessionLost = false
    const { client, prefix } = this.#shadow
    try {
      const subscription = await subscribeToAll(client, [`${prefix}/update/documents`, `${prefix}/delete/accepted`], m => this.#hear(m), this.#ended.signal)
      const replaced = this.#subscription
      this.#subscription = subscription
      if (replaced) void leave([replaced])
      if (this.#ended.signal.aborted) void leave([subscription])
    } catch (e) {
      this.#sessionLost = true
      throw e
    }
  }

  /** Asks the service. What it says is the truth, unless something came in the meantime. */
  async #ask(): Promise<void> {
    const changes = this.#changes
    let document: ShadowDocument
    try {
      document = await this.#shadow.get(this.#ended.signal)
    } catch (e) {
      if (!(e instanceof IotError && e.code === 'shadow-rejected' && e.reasonCode === 404)) throw e
      if (this.#changes === changes && !this.#deleted) this.#take(noView())
      return
    }
    const { version } = document
    const isTruth = this.#changes === changes
    // A lower version is of a shadow that was deleted and made again.
    if (version > this.#version || (isTruth && (this.#deleted || version < this.#version))) this.#take(viewOf(document))
    else if (!isTruth && this.#deleted) this.#doubt()
  }

  #hear(message: Message): void {
    const content = parse(message.text(), this.#shadow.exact) as { current?: ShadowDocument, version?: number } | null | undefined
    if (content?.current) this.#updated(content.current)
    else if (typeof content?.version === 'number' && !this.#deleted) this.#gone(content.version)
  }

  #updated(document: ShadowDocument): void {
    if (document.version > this.#version) this.#take(viewOf(document))
    else if (this.#deleted) this.#doubt() // it was made again, or the message is old
  }

  #gone(version: number): void {
    if (version >= this.#version) this.#take(noView(version))
    else this.#doubt() // as above
  }

  #take(view: ShadowView): void {
    if (this.#ended.signal.aborted) return
    this.#changes++
    this.#deleted = view.deleted
    if (!view.deleted || view.version > 0) this.#version = view.version
    const reader = this.#readers.shift()
    if (reader) reader.resolve({ value: view, done: false })
    else this.#unread = view
  }

  #doubt(): void {
    this.#inDoubt = true
    this.#wake()
  }

  /** Waits until something is in doubt, the end, or for `ms`. */
  async #sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      if (ms !== Infinity) timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
  }
}
