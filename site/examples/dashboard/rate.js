/** Counts messages, in all and of the last five seconds. */
import { $ } from '../shared/dom.js'

const span = 5

export class Rate {
  #all = 0
  #seconds = Array(span).fill(0)

  constructor() {
    setInterval(() => {
      $('received').textContent = this.#all.toLocaleString()
      $('rate').textContent = (this.#seconds.reduce((a, b) => a + b) / span).toFixed(1)
      this.#seconds = [0, ...this.#seconds.slice(0, -1)]
    }, 1000)
  }

  count() {
    this.#all++
    this.#seconds[0]++
  }
}
