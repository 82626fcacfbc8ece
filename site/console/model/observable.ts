/**
 * What views watch. Models tell that they changed and nothing more; a view reads
 * what it shows. A change is told at once, a flood of changes once per frame.
 */
import { atOnceThenPerFrame } from './frame'

export class Observable {
  readonly #watchers = new Set<() => void>()
  readonly #tell = atOnceThenPerFrame(() => { for (const watcher of [...this.#watchers]) watcher() })

  /** Calls `watcher` after each change. Returns the function that stops it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  protected changed(): void { this.#tell() }
}
