/** Messages that a connection received since it was last looked at. */
import type { MessageHistory } from './message-history'
import { Observable } from './observable'

export class Unread extends Observable {
  #count = 0
  #looking = false

  constructor(history: MessageHistory) {
    super()
    history.onAppend(({ direction }) => {
      if (this.#looking || direction === 'sent') return
      this.#count++
      this.changed()
    })
  }

  get count(): number { return this.#count }

  /** Whether the connection is the one that is shown. */
  set looking(looking: boolean) {
    this.#looking = looking
    this.#count = 0
    this.changed()
  }
}
