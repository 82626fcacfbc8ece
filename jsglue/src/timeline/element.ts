/** `<delayed-run>`: follows one run, and draws what changed once a frame at most, while it is seen. */
import type { DelayedRun, DelayedStep } from '../types'
import { Announcer } from './announcer'
import { Axis } from './axis'
import { Details } from './details'
import { html, setAttribute, setText } from './dom'
import { english } from './labels'
import { Legend } from './legend'
import { markIcon, shapes } from './marks'
import { RowView, type RowContext } from './row'
import { Scale } from './scale'
import { styleSheet } from './style'
import { isPending, summarize, type Summary } from './summary'
import type { DelayedRunElement as Face, DelayedRunLabels } from './types'

/** Below this width a row has two lines, in px. */
const narrowWidth = 600
/** Rows that are kept ready above and below those that are seen. */
const overscan = 2
/** Shortest time that the axis shows, in ms. */
const leastSpan = 100
/** The present time moves on the screen this often at least, in ms; the state of the run is looked at then. */
const tick = 1000
/** Up to this many ms the next pixel of the present time is a matter of the next frame. */
const frameTime = 20

/** When an element was first given the run, so that a run keeps its origin when it moves to another element. */
const firstSeen = new WeakMap<DelayedRun, number>()

// Importing the module where there is no DOM, on a server, does nothing.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement

export class DelayedRunElement extends Base implements Face {
  #run: DelayedRun | undefined
  #origin: number | undefined
  #labels: DelayedRunLabels = english

  readonly #title = html('span', { class: 'heading', part: 'heading' })
  readonly #runIcon = markIcon('sent')
  readonly #runState = html('span')
  readonly #summary = html('span', { class: 'summary' })
  readonly #head = html('div', { class: 'state-name', part: 'state' }, this.#runIcon.icon, this.#runState)
  readonly #pause = html('button', { type: 'button', part: 'button' })
  readonly #cancel = html('button', { type: 'button', part: 'button' })
  readonly #columns = ['step', 'state', 'timeline', 'deviation', 'actions'] as const
  readonly #headers = this.#columns.map(() => html('span'))
  readonly #axis = new Axis()
  readonly #laneHeader: HTMLElement
  readonly #header: HTMLElement
  readonly #body = html('div', { class: 'body', role: 'rowgroup' }, this.#axis.lines)
  readonly #grid: HTMLElement
  readonly #details = new Details()
  readonly #legend = new Legend()
  readonly #region = html('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' })
  readonly #frame: HTMLElement
  readonly #root: ShadowRoot

  readonly #rows = new Map<number, RowView>()
  readonly #spare: RowView[] = []
  #steps: readonly DelayedStep[] = []
  #facts: Summary | undefined
  #scale: Scale | undefined
  #rowHeight = 1
  /** End of the axis, which runs ahead of the present time so as to change seldom. */
  #reach = 0
  /** Index of the step that the Tab key reaches; the element's own choice until `#chosen`. */
  #active = -1
  #chosen = false
  #selected: number | undefined
  #follow = true
  /** First row that is seen: its step and position, to hold the place where the run drops steps. */
  #top = { index: -1, position: 0 }

  #frameRequest = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #stale = true
  #drawn = false
  #seen = false
  #shownState: DelayedRun['state'] | undefined
  #unsubscribe: (() => void) | undefined
  #disconnected: AbortController | undefined
  #saidState: DelayedRun['state'] | undefined
  #failed = new Map<number, DelayedStep>()

  readonly #announcer = new Announcer(this.#region, () => this.#news())
  readonly #sizes = new ResizeObserver(() => this.#resized())
  readonly #sight = new IntersectionObserver(entries => {
    this.#seen = entries.at(-1)!.isIntersecting
    this.#schedule()
  })
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)')

  constructor() {
    super()
    const [step, state, timeline, deviation, actions] = this.#headers as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement]
    for (const each of [timeline, actions]) each.className = 'visually-hidden'
    const column = (name: string, ...children: Node[]): HTMLElement => html('div', { class: name, role: 'columnheader' }, ...children)
    this.#laneHeader = column('lane', timeline, this.#axis.texts)
    this.#header = html('div', { class: 'header', role: 'rowgroup', part: 'header' },
      html('div', { class: 'row', role: 'row', 'aria-rowindex': '1' },
        column('step', step), column('state', state), this.#laneHeader, column('deviation', deviation), column('action', actions)))
    this.#grid = html('div', { class: 'grid', role: 'grid', part: 'grid' }, this.#header, this.#body)
    this.#frame = html('div', { class: 'frame', part: 'frame', role: 'group' },
      html('div', { class: 'head', part: 'head' },
        html('slot', { name: 'heading' }, this.#title), this.#head, this.#summary,
        html('div', { class: 'controls', part: 'controls' }, this.#pause, this.#cancel)),
      this.#grid, this.#details.element, this.#legend.element)
    this.#frame.hidden = true
    this.#root = this.attachShadow({ mode: 'open' })
    this.#root.adoptedStyleSheets = [styleSheet()]
    this.#root.append(this.#frame, this.#region)

    this.#pause.addEventListener('click', () => this.#command(run => run.state === 'paused' ? run.resume() : run.pause()))
    this.#cancel.addEventListener('click', () => this.#command(run => run.cancel()))
    this.#body.addEventListener('click', event => this.#clicked(event))
    this.#body.addEventListener('keydown', event => this.#pressed(event))
    this.#body.addEventListener('focusin', event => this.#focused(event))
    this.#grid.addEventListener('scroll', () => this.#scrolled(), { passive: true })
    this.#label()

    // What a page set before this class was there hides the accessors.
    for (const name of ['run', 'origin', 'labels'] as const) this.#takeUp(name)
  }

  get run(): DelayedRun | undefined { return this.#run }
  set run(run: DelayedRun | undefined) {
    if (run === this.#run) return
    this.#forget()
    this.#run = run
    if (run && !firstSeen.has(run)) firstSeen.set(run, Math.min(Date.now(), summarize(run.steps).first))
    // What was over before has no news.
    if (run?.state === 'finished') this.#saidState = 'finished'
    this.#listen()
  }

  get origin(): number | undefined { return this.#origin }
  set origin(origin: number | undefined) {
    this.#origin = origin
    this.#changed()
  }

  get labels(): DelayedRunLabels { return this.#labels }
  set labels(labels: Partial<DelayedRunLabels>) {
    this.#labels = { ...english, ...labels }
    this.#label()
    this.#changed()
  }

  connectedCallback(): void {
    this.#disconnected = new AbortController()
    document.addEventListener('visibilitychange', () => {
      this.#schedule()
      this.#announcer.wake()
    }, { signal: this.#disconnected.signal })
    this.#sizes.observe(this)
    this.#sizes.observe(this.#laneHeader)
    this.#sizes.observe(this.#grid)
    this.#sight.observe(this)
    this.#listen()
  }

  disconnectedCallback(): void {
    this.#disconnected?.abort()
    this.#sizes.disconnect()
    this.#sight.disconnect()
    this.#seen = false
    this.#rest()
  }

  #takeUp(name: 'run' | 'origin' | 'labels'): void {
    if (!Object.hasOwn(this, name)) return
    const value = this[name]
    delete (this as Partial<Face>)[name]
    Object.assign(this, { [name]: value })
  }

  #listen(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = this.isConnected && this.#run ? this.#hear(this.#run) : undefined
    this.#changed()
    if (this.isConnected && this.#run) this.#announcer.wake()
  }

  #hear(run: DelayedRun): () => void {
    const offs = [run.on('progress', step => this.#progressed(step)), run.on('state', () => this.#changed())]
    return () => { for (const off of offs) off() }
  }

  /** Ends what goes on by itself. */
  #rest(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#announcer.stop()
    cancelAnimationFrame(this.#frameRequest)
    this.#frameRequest = 0
    clearTimeout(this.#timer)
  }

  #forget(): void {
    this.#rest()
    this.#announcer.clear()
    for (const row of this.#rows.values()) row.element.remove()
    this.#rows.clear()
    this.#failed.clear()
    this.#steps = []
    this.#facts = this.#scale = this.#selected = this.#saidState = this.#shownState = undefined
    this.#reach = 0
    this.#active = -1
    this.#chosen = this.#drawn = false
    this.#follow = true
    this.#top = { index: -1, position: 0 }
    this.#grid.scrollTop = 0
  }

  /** Of ten thousand calls in a turn each costs next to nothing. */
  #progressed(step: DelayedStep): void {
    if (step.state === 'failed' || step.state === 'rejected') this.#failed.set(step.index, step)
    this.#announcer.wake()
    this.#changed()
  }

  #changed(): void {
    this.#stale = true
    this.#schedule()
  }

  /** Draws in the next frame, unless nobody would see it. What is new is drawn once in any case, for its size. */
  #schedule(): void {
    if (this.#frameRequest || !this.isConnected || document.hidden || this.#drawn && !this.#seen) return
    clearTimeout(this.#timer)
    this.#frameRequest = requestAnimationFrame(() => {
      this.#frameRequest = 0
      this.#draw()
    })
  }

  #draw(): void {
    const run = this.#run, now = Date.now()
    this.#frame.hidden = !run
    this.#drawn = true
    if (!run) return
    const { state } = run
    if (state !== this.#shownState) {
      this.#stale = true
      this.#announcer.wake()
    }
    if (this.#stale || state !== 'finished' && this.#scale && now > this.#scale.end) this.#render(run, now)
    const scale = this.#scale!
    this.#axis.moveNow(scale, state === 'finished' ? undefined : now)
    if (state === 'finished') return
    const wait = Math.max(Math.min(scale.msPerPixel, tick), this.#stillness.matches ? tick : 0)
    if (wait <= frameTime) this.#schedule()
    else this.#timer = setTimeout(() => this.#schedule(), wait)
  }

  #render(run: DelayedRun, now: number): void {
    this.#stale = false
    this.#steps = run.steps
    this.#facts = summarize(this.#steps)
    this.#shownState = run.state
    this.#renderHead(run, this.#facts)

    const scale = this.#makeScale(run, this.#facts, now)
    if (!scale.equals(this.#scale)) this.#axis.update(scale, this.#labels)
    this.#scale = scale

    this.#body.style.setProperty('--_count', String(this.#steps.length))
    setAttribute(this.#grid, 'aria-rowcount', this.#steps.length + 1)
    this.#rowHeight = this.#body.offsetHeight / this.#steps.length || 1
    if (!this.#follow) this.#holdPlace()
    const focused = this.#body.contains(this.#root.activeElement)
    if (this.#follow && !focused && run.state !== 'finished') this.#reveal(this.#facts.current, true)
    this.#renderRows(focused)

    const selected = this.#selected === undefined ? undefined : this.#steps[this.#position(this.#selected)]
    this.#details.update(selected, this.#labels, scale.origin)
  }

  #renderHead(run: DelayedRun, { counts }: Summary): void {
    const labels = this.#labels, { state } = run
    const outcome = state === 'finished' ? counts.states.failed + counts.states.rejected ? 'failed' : 'acknowledged' : state
    setText(this.#title, labels.run(run.id))
    setText(this.#runState, labels.runState[state])
    setText(this.#summary, labels.summary(counts))
    setAttribute(this.#head, 'data-state', outcome)
    setAttribute(this.#runIcon.path, 'd', shapes[outcome === 'running' ? 'sent' : outcome === 'paused' ? 'due' : outcome === 'standby' ? 'waiting' : outcome])
    setAttribute(this.#frame, 'aria-label', labels.run(run.id))
    setAttribute(this.#grid, 'aria-label', `${labels.run(run.id)}, ${labels.timeline}`)
    setText(this.#pause, state === 'paused' ? labels.resume : labels.pause)
    const over = state === 'finished'
    if (over && this.#pause.parentElement!.contains(this.#root.activeElement)) this.#rows.get(this.#active)?.element.focus({ preventScroll: true })
    this.#cancel.hidden = over
    this.#pause.hidden = over || state === 'standby'
  }

  #makeScale(run: DelayedRun, { first, last }: Summary, now: number): Scale {
    const origin = this.#origin ?? firstSeen.get(run) ?? first
    const span = last - first
    // Neither the past of an endless run nor a long wait before a short one may squeeze its steps.
    const dropping = (this.#steps[0]?.index ?? 0) > 0
    const start = dropping || origin > first ? first : first - origin > 10 * span && span > 0 ? first - span / 10 : origin
    let end = Math.max(last, start + leastSpan)
    if (run.state !== 'finished' && now > end) {
      if (now > this.#reach || this.#reach > now + (now - start) / 4) this.#reach = now + Math.max((now - start) / 10, leastSpan)
      end = this.#reach
    }
    return new Scale(start, end, this.#laneHeader.clientWidth, origin)
  }

  #renderRows(focused: boolean): void {
    const { current } = this.#facts!, steps = this.#steps
    let active = this.#position(this.#active)
    if (active < 0 || !this.#chosen && !focused) this.#active = steps[active = current]?.index ?? -1
    const [from, to] = this.#window()
    const positions = Array.from({ length: to - from }, (_, i) => from + i)
    // The row that the Tab key reaches is there also where it is not seen.
    if (active >= 0 && active < from) positions.unshift(active)
    else if (active >= to) positions.push(active)

    const shown = new Set(positions.map(p => steps[p]!.index))
    let lost = false
    for (const [index, row] of this.#rows) {
      if (shown.has(index)) continue
      lost ||= row.element.contains(this.#root.activeElement)
      row.element.remove()
      this.#rows.delete(index)
      this.#spare.push(row)
    }
    const last = steps.at(-1)
    const context: Omit<RowContext, 'position' | 'active' | 'selected'> = {
      labels: this.#labels, scale: this.#scale!, total: last && last.index + 1 === steps.length ? steps.length : undefined,
    }
    // In the order of the steps, for those who read the document; no row that stays is moved, for it may have the focus.
    let next = this.#axis.lines.nextElementSibling
    for (const position of positions) {
      const step = steps[position]!
      let row = this.#rows.get(step.index)
      if (!row) this.#rows.set(step.index, row = this.#spare.pop() ?? new RowView())
      row.update(step, { ...context, position, active: step.index === this.#active, selected: step.index === this.#selected })
      if (row.element === next) next = next.nextElementSibling
      else this.#body.insertBefore(row.element, next)
    }
    if (lost) this.#rows.get(this.#active)?.element.focus({ preventScroll: true })
    this.#spare.length = Math.min(this.#spare.length, this.#rows.size)
    this.#top = { index: steps[from]?.index ?? -1, position: from }
  }

  /** Positions of the rows that are drawn, from and to. */
  #window(): [number, number] {
    // A page that sets no bound to the height still gets no more than fit on its screen.
    const height = Math.min(this.#grid.clientHeight, screen.height)
    const from = Math.max(0, Math.floor(this.#grid.scrollTop / this.#rowHeight) - overscan)
    return [from, Math.min(this.#steps.length, from + Math.ceil(height / this.#rowHeight) + 2 * overscan)]
  }

  /** Position of the step with this index, or -1. */
  #position(index: number): number {
    const guess = index - (this.#steps[0]?.index ?? 0)
    return this.#steps[guess]?.index === index ? guess : this.#steps.findIndex(s => s.index === index)
  }

  /** Scrolls the row into view; to the middle of it where it follows the run. */
  #reveal(position: number, centred = false): void {
    const height = this.#grid.clientHeight - this.#header.offsetHeight, top = position * this.#rowHeight
    const bottom = top + this.#rowHeight
    const { scrollTop } = this.#grid
    if (top >= scrollTop && bottom <= scrollTop + height) return
    this.#grid.scrollTop = centred ? top - (height - this.#rowHeight) / 2 : top < scrollTop ? top : bottom - height
  }

  /** Scrolls by as many rows as the run has dropped above. */
  #holdPlace(): void {
    const position = this.#position(this.#top.index)
    if (position >= 0 && position !== this.#top.position) this.#grid.scrollTop += (position - this.#top.position) * this.#rowHeight
  }

  #scrolled(): void {
    if (!this.#facts) return
    const top = this.#facts.current * this.#rowHeight, { scrollTop, clientHeight } = this.#grid
    // Who scrolls away from where the run is wants to stay there.
    this.#follow = top >= scrollTop - this.#rowHeight && top <= scrollTop + clientHeight
    this.#changed()
  }

  #resized(): void {
    this.#frame.classList.toggle('narrow', this.clientWidth < narrowWidth)
    this.#changed()
  }

  #rowOf(event: Event): RowView | undefined {
    const row = (event.target as Element).closest('[data-step]')
    return row ? this.#rows.get(Number(row.getAttribute('data-step'))) : undefined
  }

  #clicked(event: Event): void {
    const row = this.#rowOf(event)
    if (!row) return
    if ((event.target as Element).closest('button')) this.#cancelStep(row.index)
    else this.#select(row.index, row.index !== this.#selected)
  }

  #focused(event: Event): void {
    const row = this.#rowOf(event)
    if (!row) return
    this.#chosen = true
    if (row.index === this.#active) return
    this.#active = row.index
    this.#changed()
  }

  #pressed(event: KeyboardEvent): void {
    const row = this.#rowOf(event)
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return
    const position = this.#position(row.index)
    const page = Math.max(1, Math.floor((this.#grid.clientHeight - this.#header.offsetHeight) / this.#rowHeight) - 1)
    const actions: Record<string, () => void> = {
      ArrowDown: () => this.#move(position + 1),
      ArrowUp: () => this.#move(position - 1),
      PageDown: () => this.#move(position + page),
      PageUp: () => this.#move(position - page),
      Home: () => this.#move(0),
      End: () => this.#move(this.#steps.length - 1),
      Delete: () => this.#cancelStep(row.index),
      Escape: () => this.#select(row.index, false),
      // On the button of a row they are the button's own.
      ...event.target === row.element && { 'Enter': () => this.#select(row.index), ' ': () => this.#select(row.index) },
    }
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }

  #move(position: number): void {
    const to = Math.max(0, Math.min(this.#steps.length - 1, position))
    this.#active = this.#steps[to]?.index ?? -1
    this.#chosen = true
    this.#reveal(to)
    this.#renderRows(true)
    this.#rows.get(this.#active)?.element.focus({ preventScroll: true })
  }

  #select(index: number, shown = true): void {
    this.#selected = shown ? index : undefined
    this.#changed()
    const step = this.#steps[this.#position(index)]
    if (shown && step) this.dispatchEvent(new CustomEvent('step-select', { detail: step, bubbles: true, composed: true }))
  }

  #cancelStep(index: number): void {
    const step = this.#steps[this.#position(index)]
    if (step && isPending(step) && !this.hasAttribute('no-controls')) this.#command(run => run.cancel(index))
  }

  #command(command: (run: DelayedRun) => void): void {
    if (this.#run) command(this.#run)
    this.#changed()
  }

  /** The texts that no run changes. */
  #label(): void {
    for (const [i, name] of this.#columns.entries()) setText(this.#headers[i]!, this.#labels[name])
    setText(this.#cancel, this.#labels.cancelRun)
    this.#legend.update(this.#labels)
    this.#scale = undefined
  }

  /** What there is to announce. */
  #news(): string {
    const run = this.#run
    if (!run || document.hidden) return ''
    const [first] = this.#failed.values()
    const said = first ? [this.#labels.announceFailures(first, this.#failed.size)] : []
    this.#failed.clear()
    if (run.state !== this.#saidState) {
      this.#saidState = run.state
      said.push(this.#labels.announceState(run.id, run.state, summarize(run.steps).counts))
    }
    return said.join('. ')
  }
}

if (globalThis.customElements && !customElements.get('delayed-run')) customElements.define('delayed-run', DelayedRunElement)
