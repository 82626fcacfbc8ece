/** A line of the last minute, drawn as SVG. It breaks where nothing came for a while. */

const span = 60_000, gap = 6_000
const width = 300, height = 72

const scale = value => value.toFixed(1).replace('-', '−')

const svg = (name, attributes, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

export class Chart {
  #points = []
  #line = svg('path', { class: 'line' })
  #area = svg('path', { class: 'area' })
  #dot = svg('circle', { class: 'dot', r: 3 })
  #high = svg('text', { class: 'scale', x: 2, y: 11 })
  #low = svg('text', { class: 'scale', x: 2, y: height - 3 })
  #pending = false
  element

  constructor(label) {
    const grid = [0.25, 0.5, 0.75].map(part => svg('line', { class: 'grid', x1: 0, x2: width, y1: height * part, y2: height * part }))
    this.element = svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
      ...grid, this.#area, this.#line, this.#dot, this.#high, this.#low)
  }

  add(value, at) {
    this.#points.push({ value, at })
    this.#points = this.#points.filter(point => point.at > at - span)
    if (this.#pending) return
    this.#pending = true
    requestAnimationFrame(() => {
      this.#pending = false
      this.#draw()
    })
  }

  #draw() {
    const values = this.#points.map(({ value }) => value)
    const middle = (Math.max(...values) + Math.min(...values)) / 2
    const reach = Math.max((Math.max(...values) - Math.min(...values)) * 0.6, 0.5)
    const end = this.#points.at(-1).at
    const x = at => (width - 4) * (1 - (end - at) / span)
    const y = value => height / 2 - (value - middle) / reach * height / 2
    let line = '', area = '', start = 0
    for (const [index, { value, at }] of this.#points.entries()) {
      const breaks = index === 0 || at - this.#points[index - 1].at > gap
      if (breaks) start = x(at)
      const here = `${x(at).toFixed(1)},${y(value).toFixed(1)}`
      line += `${breaks ? 'M' : 'L'}${here}`
      area += breaks ? `M${start.toFixed(1)},${height}L${here}` : `L${here}`
      const next = this.#points[index + 1]
      if (!next || next.at - at > gap) area += `L${x(at).toFixed(1)},${height}Z`
    }
    this.#line.setAttribute('d', line)
    this.#area.setAttribute('d', area)
    this.#dot.setAttribute('cx', x(end))
    this.#dot.setAttribute('cy', y(values.at(-1)))
    this.#high.textContent = scale(middle + reach)
    this.#low.textContent = scale(middle - reach)
  }
}
