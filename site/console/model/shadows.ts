/** The shadows of a thing that a connection looks at. */
import type { Client } from 'iotwasm'
import type { Connection, Follower } from './connection'
import { Observable } from './observable'
import { WatchedShadow } from './watched-shadow'

export class Shadows extends Observable implements Follower {
  readonly #connection: Connection
  #all: readonly WatchedShadow[] = []

  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }

  get all(): readonly WatchedShadow[] { return this.#all }

  opened(client: Client): void { for (const each of this.#all) void each.follow(client) }

  closed(): void { for (const each of this.#all) each.stop() }

  /** Looks at shadows of a thing: an empty name is the classic one. Those that are there stay. */
  add(thing: string, names: readonly string[]): void {
    const { openClient: client } = this.#connection
    for (const name of names) {
      const known = this.#all.find(each => each.thing === thing && (each.name ?? '') === name)
      if (known) continue
      client.shadow(thing, name || undefined) // throws where a name is wrong, before anything is added
      const added = new WatchedShadow(thing, name || undefined)
      this.#all = [...this.#all, added]
      void added.follow(client)
    }
    this.changed()
  }

  remove(shadow: WatchedShadow): void {
    shadow.stop()
    this.#all = this.#all.filter(each => each !== shadow)
    this.changed()
  }

  /** Names of shadows that messages of this thing told of. */
  heardOf(thing: string): string[] {
    const prefix = `$aws/things/${thing}/shadow/name/`
    const names = new Set<string>()
    for (const { topic } of this.#connection.history.entries) if (topic.startsWith(prefix)) names.add(topic.slice(prefix.length).split('/')[0]!)
    return [...names]
  }
}
