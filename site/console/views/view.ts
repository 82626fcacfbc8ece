/** What every view of the console is: an element that draws into the page itself, with the page's styles, and draws again when what it watches changes. */
import { LitElement } from 'lit'
import { language } from '../i18n'
import type { Observable } from '../model/observable'

export abstract class View extends LitElement {
  readonly #watched = new Map<Observable, () => void>()

  /** What it shows; asked anew at each drawing. */
  protected abstract watched(): readonly (Observable | undefined)[]

  protected override createRenderRoot(): HTMLElement { return this }

  protected override willUpdate(): void { this.#watch([language, ...this.watched()]) }

  override connectedCallback(): void {
    super.connectedCallback()
    this.requestUpdate()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#watch([])
  }

  #watch(wanted: readonly (Observable | undefined)[]): void {
    for (const [observable, stop] of this.#watched) {
      if (wanted.includes(observable)) continue
      stop()
      this.#watched.delete(observable)
    }
    for (const observable of wanted) {
      if (observable && !this.#watched.has(observable)) this.#watched.set(observable, observable.watch(() => this.requestUpdate()))
    }
  }
}
