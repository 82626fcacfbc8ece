/** Commands to devices, and how far each of them came: waiting, at the broker, done by the device. */
import { $, clock, element } from '../shared/dom.js'

const kept = 20, patience = 10_000

export class Commands {
  #client
  #root
  #commands = new Map()

  constructor(client, root) {
    this.#client = client
    this.#root = root
    for (const event of ['connect', 'close']) {
      client.on(event, () => { for (const command of this.#commands.values()) this.#show(command) })
    }
  }

  /** Without a connection the client keeps it, and sends it when the connection is back. */
  send(device, set) {
    const [name, value] = Object.entries(set)[0]
    const id = crypto.randomUUID()
    const text = name === 'fan' ? `fan ${value ? 'on' : 'off'}` : `samples every ${value / 1000} s`
    const outcome = element('span', { className: 'outcome' })
    const item = element('li', { className: 'command', data: { command: id } },
      element('time', {}, clock(Date.now(), true)), element('span', { className: 'what' }, element('b', {}, device.replaceAll('-', ' ')), ` ${text}`), outcome)
    const command = { state: 'sending', since: performance.now(), item, outcome }
    this.#commands.set(id, command)
    $('commands').prepend(item)
    for (const old of [...$('commands').children].slice(kept)) {
      old.remove()
      this.#commands.delete(old.dataset.command)
    }
    this.#show(command)
    this.#client.publish(`${this.#root}/${device}/command`, JSON.stringify({ id, set }), { qos: 1 }, error => {
      if (error) return this.#settle(command, 'failed', error.message)
      if (command.state !== 'sending') return // the device was faster
      this.#settle(command, 'sent')
      setTimeout(() => { if (command.state === 'sent') this.#settle(command, 'unanswered') }, patience)
    })
  }

  /** A device says that it has done a command. */
  acknowledged({ id }) {
    const command = this.#commands.get(id)
    if (command && command.state !== 'done') this.#settle(command, 'done')
  }

  #settle(command, state, reason) {
    command.state = state
    command.reason = reason
    command.took = Math.round(performance.now() - command.since)
    this.#show(command)
  }

  #show({ state, reason, took, item, outcome }) {
    const shown = state === 'sending' && !this.#client.connected ? 'queued' : state
    const texts = {
      queued: 'waits for the connection', sending: 'sending', sent: `at the broker after ${took} ms`,
      done: `done by the device after ${took} ms`, unanswered: 'at the broker, no answer from the device', failed: `failed: ${reason}`,
    }
    if (item.dataset.state !== shown) {
      item.dataset.state = shown
      outcome.textContent = texts[shown]
    }
    $('no-commands').hidden = true
    $('waiting').textContent = String([...this.#commands.values()].filter(({ state }) => state === 'sending').length)
  }
}
