/** One device: what it measures, whether it is online, and its two controls. */
import { clock, element } from '../shared/dom.js'
import { Chart } from './chart.js'

let tones = 0

export class DeviceCard {
  online = false
  #sensors = new Map()
  #status = element('p', { className: 'status', data: { online: 'false' } }, 'no word yet')
  #charts = element('div', { className: 'charts' })
  #fan
  #every
  element

  /** @param command sends {fan} or {every} to the device */
  constructor(name, command) {
    const title = element('h3', { id: `device-${name}` }, name.replaceAll('-', ' '))
    this.#fan = element('button', { type: 'button', className: 'fan', ariaPressed: 'false', onclick: () => command({ fan: this.#fan.ariaPressed !== 'true' }) }, 'Fan off')
    this.#every = element('select', { onchange: () => command({ every: Number(this.#every.value) }) },
      ...[500, 1000, 2000].map(every => element('option', { value: every }, `${every / 1000} s`)))
    this.#every.value = '1000'
    this.element = element('article', { className: 'panel device', data: { device: name } },
      element('div', { className: 'panel-head' }, title, this.#status), this.#charts,
      element('div', { className: 'actions' }, this.#fan, element('label', { className: 'every' }, 'Samples every', this.#every)))
    this.element.setAttribute('aria-labelledby', title.id)
  }

  measured(sensor, { value, unit, at }) {
    if (typeof value !== 'number' || typeof at !== 'number') return
    let shown = this.#sensors.get(sensor)
    if (!shown) {
      const now = element('span', { className: 'value' })
      const chart = new Chart(`${sensor} of the last minute`)
      shown = { now, chart }
      this.#sensors.set(sensor, shown)
      this.#charts.append(element('div', { className: 'sensor', data: { sensor, tone: tones++ % 8 } },
        element('p', {}, element('span', { className: 'muted' }, sensor), now), chart.element))
    }
    shown.now.textContent = `${value.toFixed(1).replace('-', '−')} ${unit ?? ''}`
    shown.chart.add(value, at)
  }

  /** Takes a status or the state that comes with an acknowledgement. */
  reported({ online, state }) {
    if (typeof online === 'boolean') {
      this.online = online
      this.#status.dataset.online = String(online)
      this.#status.textContent = online ? 'online' : `offline since ${clock(Date.now())}`
    }
    if (!state) return
    this.#fan.ariaPressed = String(Boolean(state.fan))
    this.#fan.textContent = state.fan ? 'Fan on' : 'Fan off'
    if (document.activeElement !== this.#every) this.#every.value = String(state.every)
  }
}
