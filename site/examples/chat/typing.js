/** Who writes at the moment; and tells the others that I do, every two seconds while I type. */
import { $ } from '../shared/dom.js'

export class Typing {
  #tell
  #told = 0
  #writing = new Map()

  /** @param tell publishes {writes} */
  constructor(tell) { this.#tell = tell }

  typed(something) {
    const now = Date.now()
    if (something ? now - this.#told < 2000 : this.#told === 0) return
    this.#told = something ? now : 0
    this.#tell({ writes: something })
  }

  heard({ id, nick, writes }) {
    clearTimeout(this.#writing.get(id)?.timer)
    this.#writing.delete(id)
    if (writes) this.#writing.set(id, { nick, timer: setTimeout(() => this.heard({ id, writes: false }), 4000) })
    this.#render()
  }

  /** For another room. */
  reset() {
    if (this.#told) this.typed(false)
    for (const { timer } of this.#writing.values()) clearTimeout(timer)
    this.#writing.clear()
    this.#render()
  }

  #render() {
    const names = [...this.#writing.values()].map(({ nick }) => nick)
    $('typing').textContent = names.length === 0 ? '' : names.length < 3 ? `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…` : 'Several are typing…'
  }
}
