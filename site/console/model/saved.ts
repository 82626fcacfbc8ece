/** Named things that the user keeps in this browser: message templates, series of delayed steps. Never secrets. */
import { Observable } from './observable'
import { store, stored } from './storage'

export class Saved<T> extends Observable {
  readonly #key: string
  readonly #valid: (value: unknown) => value is T
  #all: ReadonlyMap<string, T>

  /** @param valid whether what is stored, by whatever version, is a T */
  constructor(key: string, valid: (value: unknown) => value is T) {
    super()
    this.#key = `iotwasm-console-${key}`
    this.#valid = valid
    this.#all = this.#read()
    addEventListener('storage', event => { // another tab
      if (event.key !== this.#key) return
      this.#all = this.#read()
      this.changed()
    })
  }

  get all(): ReadonlyMap<string, T> { return this.#all }

  save(name: string, value: T): void { this.#write(new Map(this.#read()).set(name, value)) }

  remove(name: string): void {
    const all = new Map(this.#read())
    all.delete(name)
    this.#write(all)
  }

  #read(): ReadonlyMap<string, T> {
    try {
      const kept: unknown = JSON.parse(stored(this.#key) ?? '[]')
      if (!Array.isArray(kept)) return new Map()
      return new Map((kept as unknown[]).filter((each): each is [string, T] => Array.isArray(each) && typeof each[0] === 'string' && this.#valid(each[1])))
    } catch {
      return new Map()
    }
  }

  #write(all: ReadonlyMap<string, T>): void {
    this.#all = all
    store(this.#key, JSON.stringify([...all]))
    this.changed()
  }
}
