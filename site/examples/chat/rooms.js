/** The rooms, the one that is open, and what waits unread in the others. */
import { $, element } from '../shared/dom.js'
import { Room } from './room.js'
import { Typing } from './typing.js'

export class Rooms {
  #client
  #root
  #me
  #rooms = new Map()
  #current
  #typing
  #listening = new AbortController()

  constructor(client, root, me) {
    this.#client = client
    this.#root = root
    this.#me = me
    this.#typing = new Typing(state => {
      if (client.connected) client.publish(`${root}/rooms/${this.#current.name}/typing`, JSON.stringify({ ...me, ...state }))
    })
    for (const name of ['lobby', 'workshop', 'weather']) this.#room(name)
    const { signal } = this.#listening
    $('message-form').addEventListener('submit', () => this.#send(), { signal })
    $('text').addEventListener('input', () => this.#typing.typed($('text').value !== ''), { signal })
    $('room-form').addEventListener('submit', () => {
      const name = $('new-room').value.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-')
      $('new-room').value = ''
      if (name) this.open(name)
    }, { signal })
  }

  /** Shows a room. Its history is asked for by its own topic, which every broker has retained messages for. */
  open(name) {
    const room = this.#room(name)
    this.#typing.reset()
    this.#current = room
    room.unread = 0
    if (!room.asked) this.#client.subscribe(`${this.#root}/rooms/${name}/history`, { qos: 1 })
    room.asked = true
    $('room-name').textContent = `# ${name}`
    room.render()
    this.#renderList()
    $('text').focus()
  }

  /** Takes what came below rooms/<name>/. */
  heard(name, what, content) {
    if (!content) return
    const room = this.#room(name)
    const open = room === this.#current
    if (what === 'typing' && open && content.id !== this.#me.id) this.#typing.heard(content)
    if (what === 'history' && Array.isArray(content)) {
      const missing = room.addHistory(content)
      if (missing) this.#keep(room) // two wrote it at a time
    }
    if (what === 'messages') {
      if (content.person?.id === this.#me.id) this.#keep(room)
      this.#typing.heard({ ...content.person, writes: false })
      const added = room.add(content)
      if (added && !open) room.unread++
    }
    if (open) room.render()
    else this.#renderList()
  }

  close() {
    this.#listening.abort()
    this.#typing.reset()
    this.#rooms.clear()
    delete $('messages').dataset.of // another Room of this name draws itself anew
    $('queued').textContent = ''
  }

  #room(name) {
    let room = this.#rooms.get(name)
    if (!room) this.#rooms.set(name, room = new Room(name, this.#me))
    return room
  }

  #send() {
    const text = $('text').value.trim()
    if (!text) return
    $('text').value = ''
    this.#typing.typed(false)
    const room = this.#current
    const message = room.write(text)
    this.#render(room)
    this.#client.publish(`${this.#root}/rooms/${room.name}/messages`, JSON.stringify(message), { qos: 1 }, error => {
      room.settled(message.id, error)
      this.#render(room)
    })
  }

  /** Leaves the last messages for who comes later. */
  #keep(room) {
    this.#client.publish(`${this.#root}/rooms/${room.name}/history`, JSON.stringify(room.last(30)), { qos: 1, retain: true })
  }

  #render(room) {
    if (room === this.#current) room.render()
    const waiting = [...this.#rooms.values()].reduce((sum, { waiting }) => sum + waiting, 0)
    $('queued').textContent = waiting > 0 && !this.#client.connected ? `${waiting} waiting for the connection` : ''
  }

  #renderList() {
    $('rooms').replaceChildren(...[...this.#rooms.values()].map(room => {
      const button = element('button', {
        type: 'button', className: 'room', ariaCurrent: room === this.#current ? 'true' : null,
        data: { room: room.name, unread: room.unread }, onclick: () => this.open(room.name),
      }, element('span', {}, `# ${room.name}`))
      if (room.unread > 0) {
        button.append(element('span', { className: 'unread' }, String(room.unread), element('span', { className: 'visually-hidden' }, ' unread')))
      }
      return element('li', {}, button)
    }))
  }
}
