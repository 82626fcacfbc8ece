/** The last messages of a connection, received and sent, bounded by number and bytes; what no longer fits is counted. */
import type { Client, Message, PublishProperties, QoS, ReceivedProperties } from 'iotwasm'
import type { Follower } from './connection'
import { Observable } from './observable'

export interface Entry {
  /** Counts up in order of arrival. */
  readonly id: number
  readonly direction: 'received' | 'sent'
  /** ms since the epoch. */
  time: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: PublishProperties | ReceivedProperties
  /** What became of a sent message. */
  outcome?: string
  failed?: boolean
}

const most = { messages: 10_000, bytes: 32 << 20 }

export class MessageHistory extends Observable implements Follower {
  #entries: Entry[] = []
  #bytes = 0
  #lastId = 0
  #listeners = new Set<(entry: Entry) => void>()

  /** Messages that no longer fitted. */
  dropped = 0

  /** Oldest first. */
  get entries(): readonly Entry[] { return this.#entries }

  /** Hears each new entry at once; views `watch` instead. Returns the function that stops it. */
  onAppend(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  opened(client: Client): void {
    client.on('message', message => this.append(received(message)))
  }

  closed(): void {}

  append(message: Omit<Entry, 'id'>): Entry {
    const entry: Entry = { id: ++this.#lastId, ...message }
    this.#entries.push(entry)
    this.#bytes += entry.payload.length
    while (this.#entries.length > most.messages || (this.#bytes > most.bytes && this.#entries.length > 1)) {
      this.#bytes -= this.#entries.shift()!.payload.length
      this.dropped++
    }
    for (const listener of this.#listeners) listener(entry)
    this.changed()
    return entry
  }

  change(entry: Entry, change: Partial<Pick<Entry, 'time' | 'outcome' | 'failed'>>): void {
    Object.assign(entry, change)
    this.changed()
  }

  remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry)
    if (at < 0) return
    this.#entries.splice(at, 1)
    this.#bytes -= entry.payload.length
    this.changed()
  }

  clear(): void {
    this.#entries = []
    this.#bytes = this.dropped = 0
    this.changed()
  }
}

function received({ topic, payload, qos, retain, dup, properties, receivedAt }: Message): Omit<Entry, 'id'> {
  return { direction: 'received', time: receivedAt, topic, payload, qos, retain, dup, properties }
}
