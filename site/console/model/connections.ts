/** The console's connections and which of them is shown. A profile that is opened becomes one. */
import { Connection } from './connection'
import { Observable } from './observable'
import type { Profile } from './profile'
import { Profiles } from './profiles'

export class Connections extends Observable {
  readonly profiles = new Profiles()
  #all: Connection[] = []
  #active: Connection | undefined

  get all(): readonly Connection[] { return this.#all }

  /** The one that is shown. */
  get active(): Connection | undefined { return this.#active }

  /** The connection of a profile, if it was opened. */
  of({ id }: Profile): Connection | undefined { return this.#all.find(each => each.profile.id === id) }

  /** Adds a connection for a profile, and shows it. One that exists for this profile is shown instead. */
  open(profile: Profile): Connection {
    let connection = this.of(profile)
    if (connection) connection.profile = profile
    else this.#all = [...this.#all, connection = new Connection(profile)]
    this.show(connection)
    return connection
  }

  show(connection: Connection | undefined): void {
    if (this.#active) this.#active.unread.looking = false
    if (connection) connection.unread.looking = true
    this.#active = connection
    this.changed()
  }

  /** Disconnects it and takes it off the list. */
  async remove(connection: Connection): Promise<void> {
    this.#all = this.#all.filter(each => each !== connection)
    this.show(this.#active === connection ? this.#all[0] : this.#active)
    await connection.disconnect()
  }
}
