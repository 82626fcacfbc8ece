/** The console's connections and which of them is shown. */
import { Connection } from './connection'
import { Observable } from './observable'
import type { Profile } from './profile'

export class Connections extends Observable {
  #all: Connection[] = []
  #active: Connection | undefined

  get all(): readonly Connection[] { return this.#all }

  /** The one that is shown. */
  get active(): Connection | undefined { return this.#active }

  /** Adds a connection for a profile, and shows it. One that exists for this profile is shown instead. */
  open(profile: Profile): Connection {
    let connection = this.#all.find(each => each.profile.id === profile.id)
    if (connection) connection.profile = profile
    else this.#all = [...this.#all, connection = new Connection(profile)]
    this.show(connection)
    return connection
  }

  show(connection: Connection | undefined): void {
    this.#active = connection
    this.changed()
  }

  /** Disconnects it and takes it off the list. */
  async remove(connection: Connection): Promise<void> {
    this.#all = this.#all.filter(each => each !== connection)
    if (this.#active === connection) this.#active = this.#all[0]
    this.changed()
    await connection.disconnect()
  }
}
