/** Says things in a live region, one a second at most. */
const soonest = 200
const between = 1000

export class Announcer {
  #timer: ReturnType<typeof setTimeout> | undefined
  #last = 0
  readonly #region: HTMLElement
  readonly #compose: () => string

  /** `compose` gives what there is to say by then; nothing where it is empty. */
  constructor(region: HTMLElement, compose: () => string) {
    this.#region = region
    this.#compose = compose
  }

  /** There may be something to say. */
  wake(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const text = this.#compose()
      if (!text) return
      this.#last = Date.now()
      // A new node is heard also where the text is the one before.
      this.#region.replaceChildren(text)
    }, Math.max(soonest, this.#last + between - Date.now()))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Forgets what was said. */
  clear(): void {
    this.stop()
    this.#region.replaceChildren()
  }
}
