/** One room's messages, by the order of their time, each of them once. */
import { $, clock, element } from '../shared/dom.js'
import { tone } from './tone.js'

const states = { sending: 'sending', sent: 'sent', failed: 'not sent' }

export class Room {
  unread = 0
  asked = false
  #me
  #messages = new Map()
  /** What is on the page, so that what stays is not announced again. */
  #shown = new Map()

  constructor(name, me) {
    this.name = name
    this.#me = me
  }

  /** A message of mine, not yet sent. */
  write(text) {
    const message = { id: `${this.#me.id}-${Date.now().toString(36)}-${this.#messages.size}`, person: this.#me, text, at: Date.now() }
    this.#messages.set(message.id, { ...message, state: 'sending' })
    return message
  }

  /** What became of it. */
  settled(id, error) {
    const message = this.#messages.get(id)
    if (message) message.state = error ? 'failed' : 'sent'
  }

  /** Whether it is a new one. */
  add(message) {
    const { id, person, text, at } = message
    if (typeof id !== 'string' || typeof text !== 'string' || typeof person?.id !== 'string' || this.#messages.has(id)) return false
    this.#messages.set(id, { id, person: { id: person.id, nick: String(person.nick) }, text, at: Number(at) })
    return true
  }

  /** Whether messages of mine that were sent since its first are missing in it. */
  addHistory(history) {
    for (const message of history) this.add(message)
    const there = new Set(history.map(({ id }) => id))
    const first = history[0]?.at ?? 0
    return [...this.#messages.values()].some(({ id, state, at }) => state === 'sent' && at > first && !there.has(id))
  }

  last(count) {
    return this.#sorted().filter(({ state }) => state !== 'failed').slice(-count).map(({ id, person, text, at }) => ({ id, person, text, at }))
  }

  get waiting() { return this.#sorted().filter(({ state }) => state === 'sending').length }

  render() {
    const list = $('messages'), scroll = $('scroll')
    const other = list.dataset.of !== this.name
    const atEnd = other || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40
    if (other) {
      list.dataset.of = this.name
      list.replaceChildren()
      this.#shown.clear()
    }
    for (const [index, message] of this.#sorted().entries()) {
      let shown = this.#shown.get(message.id)
      if (!shown) this.#shown.set(message.id, shown = this.#element(message))
      if (message.state && shown.dataset.state !== message.state) {
        shown.dataset.state = message.state
        shown.querySelector('.delivery').textContent = states[message.state]
      }
      if (list.children[index] !== shown) list.insertBefore(shown, list.children[index] ?? null)
    }
    $('empty').hidden = this.#messages.size > 0
    if (atEnd) scroll.scrollTop = scroll.scrollHeight
  }

  #sorted() { return [...this.#messages.values()].sort((a, b) => a.at - b.at) }

  #element({ id, person, text, at }) {
    const mine = person.id === this.#me.id
    return element('li', { className: 'message', data: { id, mine: String(mine), tone: tone(person.id) } },
      element('p', { className: 'message-head' }, element('span', { className: 'nick' }, mine ? 'You' : person.nick),
        element('time', { dateTime: new Date(at).toISOString() }, clock(at)), element('span', { className: 'delivery' })),
      element('p', { className: 'message-text' }, text))
  }
}
