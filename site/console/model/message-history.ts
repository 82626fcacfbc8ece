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

/** Bytes of payloads that are kept. */
const mostBytes = 64 << 20

export class MessageHistory extends Observable implements Follower {
  #entries: Entry[] = []
  #bytes = 0
  #limit = 10_000
  readonly #appended = new Set<(entry: Entry) => void>()
  readonly #cleared = new Set<() => void>()

  /** Messages that no longer fitted. */
  dropped = 0
  /** Number of the newest message, also where it is gone. */
  lastId = 0
  /** Counts the messages that were taken out one by one. */
  removals = 0

  /** Oldest first. */
  get entries(): readonly Entry[] { return this.#entries }

  /** Messages that are kept. */
  get limit(): number { return this.#limit }
  set limit(limit: number) {
    this.#limit = limit
    this.#trim()
    this.changed()
  }

  /** Hears each new entry at once; views `watch` instead. */
  onAppend(listener: (entry: Entry) => void): void { this.#appended.add(listener) }

  onClear(listener: () => void): void { this.#cleared.add(listener) }

  opened(client: Client): void {
    client.on('message', message => this.append(received(message)))
  }

  closed(): void {}

  append(message: Omit<Entry, 'id'>): Entry {
    const entry: Entry = { id: ++this.lastId, ...message }
    this.#entries.push(entry)
    this.#bytes += entry.payload.length
    this.#trim()
    for (const listener of this.#appended) listener(entry)
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
    this.removals++
    this.changed()
  }

  clear(): void {
    this.#entries = []
    this.#bytes = this.dropped = 0
    this.removals++
    for (const listener of this.#cleared) listener()
    this.changed()
  }

  /** Takes out a tenth more than it must, so that a full history does not move with each message. */
  #trim(): void {
    if (this.#entries.length <= this.#limit * 1.1 && this.#bytes <= mostBytes) return
    let gone = Math.max(0, this.#entries.length - this.#limit), bytes = this.#bytes
    for (let i = 0; i < gone; i++) bytes -= this.#entries[i]!.payload.length
    while (bytes > mostBytes * 0.9 && gone < this.#entries.length - 1) bytes -= this.#entries[gone++]!.payload.length
    this.#entries = this.#entries.slice(gone)
    this.#bytes = bytes
    this.dropped += gone
  }
}

function received({ topic, payload, qos, retain, dup, properties, receivedAt }: Message): Omit<Entry, 'id'> {
  return { direction: 'received', time: receivedAt, topic, payload, qos, retain, dup, properties }
}
