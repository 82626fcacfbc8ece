/** Values that arrive, for whoever iterates over them; a slow reader misses what goes beyond `limit`. */
export class Sequence<T> implements AsyncIterable<T> {
  readonly #readers = new Set<Cursor<T>>()
  readonly #limit: number
  readonly #keepOldest: boolean
  #ended = false
  /** Values that readers missed. */
  dropped = 0

  constructor(limit = Infinity, keepOldest = false) {
    this.#limit = limit
    this.#keepOldest = keepOldest
  }

  push(value: T): void {
    for (const reader of this.#readers) this.dropped += reader.push(value, this.#limit, this.#keepOldest)
  }

  end(): void {
    this.#ended = true
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
  }

  /** Iterates over `first` and then over what arrives from now on. */
  from(first: readonly T[] = []): AsyncIterator<T> {
    const reader = new Cursor<T>([...first], () => this.#readers.delete(reader))
    if (this.#ended) reader.end()
    else this.#readers.add(reader)
    return reader
  }

  [Symbol.asyncIterator](): AsyncIterator<T> { return this.from() }
}

class Cursor<T> implements AsyncIterator<T> {
  #values: T[]
  readonly #left: () => void
  #waiting: ((result: IteratorResult<T>) => void)[] = []
  #ended = false

  constructor(values: T[], left: () => void) {
    this.#values = values
    this.#left = left
  }

  /** Returns how many values were lost. */
  push(value: T, limit: number, keepOldest: boolean): number {
    const waiting = this.#waiting.shift()
    if (waiting) {
      waiting({ value, done: false })
      return 0
    }
    const full = this.#values.length >= limit
    if (full && keepOldest) return 1
    if (full) this.#values.shift()
    this.#values.push(value)
    return full ? 1 : 0
  }

  end(): void {
    this.#ended = true
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({ value: this.#values.shift()!, done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = []
    this.end()
    this.#left()
    return Promise.resolve({ value: undefined, done: true })
  }
}
