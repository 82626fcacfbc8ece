/** Who is there. Those whose will came are shown as away as long as the page stays. */
import { $, clock, element } from '../shared/dom.js'
import { tone } from './tone.js'

export class People {
  #me
  #known = new Map()

  constructor(me) {
    this.#me = me
    this.#render()
  }

  /** Takes a presence message; without one the person has left for good. */
  heard(id, presence) {
    const before = this.#known.get(id)
    if (!presence) this.#known.delete(id)
    else if (presence.online) this.#known.set(id, { nick: String(presence.nick), online: true })
    else if (before) this.#known.set(id, { ...before, online: false, since: before.online ? Date.now() : before.since })
    if (id !== this.#me.id) this.#tell(before, this.#known.get(id))
    this.#render()
  }

  close() {
    this.#known.clear()
    this.#render()
  }

  #tell(before, now) {
    if (!before?.online && now?.online) $('presence-news').textContent = `${now.nick} is online`
    if (before?.online && !now?.online) $('presence-news').textContent = `${before.nick} is ${now ? 'offline' : 'gone'}`
  }

  #render() {
    const known = [...this.#known].sort(([, a], [, b]) => Number(b.online) - Number(a.online) || a.nick.localeCompare(b.nick))
    $('people-count').textContent = String(known.filter(([, { online }]) => online).length)
    $('people').replaceChildren(...known.map(([id, { nick, online, since }]) => element('li', { className: 'person', data: { online: String(online), tone: tone(id) } },
      element('span', { className: 'face', ariaHidden: 'true' }, nick.slice(0, 1).toUpperCase()),
      element('span', { className: 'nick' }, nick, ...id === this.#me.id ? [element('span', { className: 'muted' }, ' (you)')] : []),
      element('span', { className: 'note' }, online ? 'online' : `offline since ${clock(since)}`))))
  }
}
