/** Rates, round trips and reconnects of a connection, once a second, for the last minutes. */
import type { Client, Stats } from 'iotwasm'
import type { Follower } from './connection'
import { Observable } from './observable'

export interface Sample {
  /** ms since the epoch. */
  at: number
  /** Messages a second. */
  received: number
  sent: number
  /** ms; undefined before the first. */
  pingRoundTrip: number | undefined
  pubackRoundTrip: number | undefined
  /** Links made so far. */
  links: number
  /** QoS 1 and 2 messages unacknowledged. */
  inFlight: number
  waiting: number
}

const kept = 600

export class Traffic extends Observable implements Follower {
  #samples: Sample[] = []
  #timer: ReturnType<typeof setInterval> | undefined
  /** The figures as they are now. */
  stats: Stats | undefined

  get samples(): readonly Sample[] { return this.#samples }

  opened(client: Client): void {
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      client.stats().then(stats => this.#add(stats), () => undefined)
    }, 1000)
  }

  closed(): void { clearInterval(this.#timer) }

  #add(stats: Stats): void {
    const { messagesReceivedPerSecond: received, messagesSentPerSecond: sent, pingRoundTrip, pubackRoundTrip, links, inFlight, waiting } = stats
    this.stats = stats
    this.#samples = [...this.#samples.slice(1 - kept), { at: Date.now(), received, sent, pingRoundTrip, pubackRoundTrip, links, inFlight, waiting }]
    this.changed()
  }
}
