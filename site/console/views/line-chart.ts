/**
 * Lines over time, drawn by uPlot, which is loaded with the first of them; the last
 * values stand beside it as text, for who does not see the lines.
 */
import { html, type PropertyValues } from 'lit'
import type uPlot from 'uplot'
import { t } from '../i18n'
import { View } from './view'

const height = 180

type UPlot = typeof uPlot
let drawing: UPlot | undefined

export class LineChart extends View {
  static override properties = { label: { attribute: false }, series: { attribute: false }, points: { attribute: false } }
  declare label: string
  declare series: readonly string[]
  /** Times in seconds since the epoch, then the values of each line. */
  declare points: readonly (readonly (number | null)[])[]
  #chart: uPlot | undefined
  #drawnAs = ''
  readonly #resized = new ResizeObserver(() => this.#chart?.setSize({ width: this.#width, height }))

  protected override watched() { return [] }

  get #width(): number { return Math.max(200, this.clientWidth) }

  protected override render() {
    const last = this.series.map((name, at) => `${name} ${format(this.points[at + 1]?.at(-1))}`).join(', ')
    return html`<div class="chart" role="img" aria-label=${t('seeing.chart', { label: this.label, last })}></div><p class="note chart-last">${this.series.map((name, at) =>
      html`<span><span class="swatch" data-tone=${at} aria-hidden="true"></span> ${name} <strong>${format(this.points[at + 1]?.at(-1))}</strong></span>`)}</p>`
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resized.observe(this)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', this.#recoloured)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resized.disconnect()
    matchMedia('(prefers-color-scheme: dark)').removeEventListener('change', this.#recoloured)
    this.#chart?.destroy()
    this.#chart = undefined
  }

  readonly #recoloured = (): void => {
    this.#drawnAs = ''
    this.requestUpdate()
  }

  protected override firstUpdated(): void {
    if (drawing) return
    // It does not load where the browser has no language that Intl takes; the texts stay.
    import('uplot').then(module => {
      drawing = module.default
      this.requestUpdate()
    }, () => undefined)
  }

  protected override updated(_: PropertyValues): void {
    if (!drawing) return
    const place = this.querySelector<HTMLElement>('.chart')!, data = this.points as unknown as uPlot.AlignedData
    const drawnAs = `${this.series.join('\n')} ${getComputedStyle(this).color}`
    if (this.#chart && drawnAs === this.#drawnAs) {
      this.#chart.setData(data)
      return
    }
    this.#chart?.destroy()
    this.#drawnAs = drawnAs
    const colour = (name: string): string => resolved(this, name)
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } }
    this.#chart = new drawing({
      width: this.#width, height, legend: { show: false }, cursor: { drag: { x: false, y: false } }, axes: [axis, { ...axis, size: 56 }],
      series: [{}, ...this.series.map((label, at) => ({ label, stroke: colour(`--tone-${at}`), width: 2, spanGaps: true, points: { show: data[0].length < 3 } }))],
    }, data, place)
  }
}
customElements.define('line-chart', LineChart)

const format = (value: number | null | undefined): string => value === null || value === undefined ? '–' : Number.isInteger(value) ? String(value) : value.toFixed(1)

/** A colour as a canvas takes it: light-dark() is resolved by a property that has colours. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
