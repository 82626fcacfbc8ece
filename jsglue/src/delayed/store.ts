/** Kept runs in the browser's IndexedDB: a record for each run, and one for each step. */
import type { DelayedStep } from '../types'
import type { Plan, PlannedStep } from './plan'

/** What of a plan concerns the run as a whole. */
export type KeptRun = Omit<Plan, 'steps' | 'persist' | 'signal'>

export interface KeptStep {
  step: DelayedStep
  plan: PlannedStep
  /** It was about to be sent. */
  claimed?: boolean
}

export class Store {
  readonly #db: IDBDatabase

  private constructor(db: IDBDatabase) { this.#db = db }

  static async open(): Promise<Store> {
    const request = indexedDB.open('iotwasm', 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('runs')
      request.result.createObjectStore('steps')
    }
    const db = await settled(request)
    db.onversionchange = () => db.close() // a newer page must not wait for this one
    return new Store(db)
  }

  async load(name: string): Promise<{ run: KeptRun, steps: KeptStep[] } | undefined> {
    const t = this.#db.transaction(['runs', 'steps'])
    const [run, steps] = await Promise.all([
      settled(t.objectStore('runs').get(name)) as Promise<KeptRun | undefined>,
      settled(t.objectStore('steps').getAll(all(name))) as Promise<KeptStep[]>,
    ])
    return run && { run, steps }
  }

  /** Puts a run in the place of what was kept under its name. */
  create(name: string, run: KeptRun, steps: readonly KeptStep[]): Promise<void> {
    return this.#write(t => {
      t.objectStore('steps').delete(all(name))
      t.objectStore('runs').put(run, name)
      for (const each of steps) t.objectStore('steps').put(each, [name, each.step.index])
    })
  }

  /** Puts or, where there is none, removes steps by their index. */
  change(name: string, steps: ReadonlyMap<number, KeptStep | undefined>): Promise<void> {
    return this.#write(t => {
      for (const [index, each] of steps) {
        if (each) t.objectStore('steps').put(each, [name, index])
        else t.objectStore('steps').delete([name, index])
      }
    })
  }

  remove(name: string): Promise<void> {
    return this.#write(t => {
      t.objectStore('steps').delete(all(name))
      t.objectStore('runs').delete(name)
    })
  }

  close(): void { this.#db.close() }

  #write(work: (t: IDBTransaction) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      // Not flushed to the disk each time: that a page ends is what it has to outlive.
      const t = this.#db.transaction(['runs', 'steps'], 'readwrite', { durability: 'relaxed' })
      t.oncomplete = () => resolve()
      t.onabort = () => reject(t.error)
      work(t)
    })
  }
}

function all(name: string): IDBKeyRange { return IDBKeyRange.bound([name, 0], [name, Infinity]) }

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
