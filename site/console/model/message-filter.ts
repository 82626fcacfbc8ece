/** Which messages the list shows, and keeping that list up with the history: only what is new is looked at, unless the filter changed. */
import { decodeText } from './payload-format'
import type { Entry, MessageHistory } from './message-history'
import { Observable } from './observable'
import { matches } from './topic-filter'

export interface Wanted {
  direction: 'all' | Entry['direction']
  /** In topic or payload, whatever its case. */
  search: string
  /** Of a subscription. */
  filter: string | undefined
  /** This topic and those below. */
  below: string | undefined
}

export class MessageFilter extends Observable {
  readonly #history: MessageHistory
  wanted: Wanted = { direction: 'all', search: '', filter: undefined, below: undefined }
  /** Number of the newest message when it was paused. */
  #pausedAt: number | undefined
  #shown: Entry[] = []
  #seen = 0

  constructor(history: MessageHistory) {
    super()
    this.#history = history
    history.watch(() => this.changed())
  }

  get paused(): boolean { return this.#pausedAt !== undefined }

  /** Messages that came since it was paused. */
  get missed(): number { return this.#pausedAt === undefined ? 0 : this.#history.lastId - this.#pausedAt }

  set(change: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...change }
    this.#forget()
  }

  pause(on: boolean): void {
    this.#pausedAt = on ? this.#history.lastId : undefined
    this.#forget()
  }

  /** What is shown, oldest first. */
  read(): readonly Entry[] {
    const { entries } = this.#history
    const oldest = entries[0]?.id ?? Infinity
    // What is removed one by one leaves the numbers of its neighbours as they are.
    if (this.#removals !== this.#history.removals) {
      this.#removals = this.#history.removals
      this.#shown = []
      this.#seen = 0
    }
    let gone = 0
    while (gone < this.#shown.length && this.#shown[gone]!.id < oldest) gone++
    if (gone > 0) this.#shown = this.#shown.slice(gone)
    const fresh: Entry[] = []
    for (let at = entries.length - 1; at >= 0 && entries[at]!.id > this.#seen; at--) fresh.push(entries[at]!)
    const until = this.#pausedAt ?? Infinity, passes = predicate(this.wanted)
    let added: Entry[] | undefined
    for (const entry of fresh.reverse()) {
      if (entry.id > until) break
      this.#seen = entry.id
      if (passes(entry)) (added ??= []).push(entry)
    }
    if (added) this.#shown = this.#shown.concat(added)
    return this.#shown
  }

  #removals = 0

  #forget(): void {
    this.#shown = []
    this.#seen = 0
    this.changed()
  }
}

export function predicate({ direction, search, filter, below }: Wanted): (entry: Entry) => boolean {
  const wanted = search.trim().toLowerCase()
  return entry => {
    if (direction !== 'all' && entry.direction !== direction) return false
    if (filter !== undefined && !matches(filter, entry.topic)) return false
    if (below !== undefined && entry.topic !== below && !entry.topic.startsWith(`${below}/`)) return false
    return !wanted || entry.topic.toLowerCase().includes(wanted) || (decodeText(entry.payload) ?? '').toLowerCase().includes(wanted)
  }
}
