/** The last control packets of a connection. They hold no payload, user name or password. */
import type { Client, Packet } from 'iotwasm'
import type { Follower } from './connection'
import { Observable } from './observable'

const most = 2000

export class PacketTrace extends Observable implements Follower {
  #packets: Packet[] = []
  #client: Client | undefined
  #stop: (() => void) | undefined
  dropped = 0

  get packets(): readonly Packet[] { return this.#packets }

  get on(): boolean { return this.#wanted }
  #wanted = false

  /** Listening costs time for each packet, so it is done only when wanted. */
  set on(on: boolean) {
    this.#wanted = on
    this.#stop?.()
    this.#stop = on ? this.#client?.on('packet', packet => this.#add(packet)) : undefined
    this.changed()
  }

  opened(client: Client): void {
    this.#client = client
    this.on = this.#wanted
  }

  closed(): void { this.#client = this.#stop = undefined }

  clear(): void {
    this.#packets = []
    this.dropped = 0
    this.changed()
  }

  export(): string { return this.#packets.map(packet => `${JSON.stringify({ ...packet, at: new Date(packet.at).toISOString() })}\n`).join('') }

  #add(packet: Packet): void {
    this.#packets.push(packet)
    if (this.#packets.length > most * 1.1) {
      this.dropped += this.#packets.length - most
      this.#packets = this.#packets.slice(-most)
    }
    this.changed()
  }
}
