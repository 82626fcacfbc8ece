/**
 * One connection of the console: opens and closes its client, and tells where it
 * is. What else belongs to the connection (subscriptions, history, runs, …)
 * follows the client: it is told when one opened and when it is gone.
 */
import type { Client, IotError } from 'iotwasm'
import { connectOptions } from './connect-options'
import { DelayedRuns } from './delayed-runs'
import { Draft } from './draft'
import { MessageFilter } from './message-filter'
import { MessageHistory } from './message-history'
import { Observable } from './observable'
import { loadPackage } from './package'
import type { Profile, Secrets } from './profile'
import { PacketTrace } from './packet-trace'
import { Publisher } from './publisher'
import { Series } from './series'
import { Shadows } from './shadows'
import { Subscriptions } from './subscriptions'
import { TopicTree } from './topic-tree'
import { Traffic } from './traffic'
import { Unread } from './unread'

export type Phase = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** Why it is in its phase, in words that the views translate. */
export type Detail = 'loading' | 'connack' | 'attempt' | 'lost' | 'refused' | 'cancelled' | 'by-you' | undefined

/** Part of a connection that lives by its client. */
export interface Follower {
  opened(client: Client): void
  /** The client is closed for good. */
  closed(): void
}

export class Connection extends Observable {
  readonly history = new MessageHistory()
  readonly unread = new Unread(this.history)
  readonly filter = new MessageFilter(this.history)
  readonly tree = new TopicTree(this.history)
  readonly subscriptions = new Subscriptions(this)
  readonly publisher = new Publisher(this)
  readonly draft = new Draft()
  readonly runs = new DelayedRuns(this)
  readonly series = new Series()
  readonly shadows = new Shadows(this)
  readonly traffic = new Traffic()
  readonly trace = new PacketTrace()
  readonly #followers: readonly Follower[] = [this.history, this.subscriptions, this.runs, this.shadows, this.traffic, this.trace]
  #attempt: AbortController | undefined
  #client: Client | undefined

  phase: Phase = 'idle'
  detail: Detail
  /** Of the attempt to come, while reconnecting. */
  retry: { attempt: number, delay: number } | undefined
  /** Why it closed, was lost or failed. */
  error: IotError | undefined
  /** In memory only. */
  secrets: Secrets = {}

  constructor(public profile: Profile) { super() }

  /** The open client; undefined where there is none. */
  get client(): Client | undefined { return this.#client }

  /** The open client. Throws where there is none. */
  get openClient(): Client {
    if (!this.#client) throw Object.assign(new Error('Not connected.'), { code: 'closed', hint: 'Connect first.' })
    return this.#client
  }

  /** Holds from the next connecting. */
  changeProfile(profile: Profile): void {
    this.profile = profile
    this.changed()
  }

  /** Connects; a failure is told by `phase` and `error`. Resolves with whether there is a connection now. */
  async connect(): Promise<boolean> {
    if (this.#client) return true
    if (this.#attempt) return false
    const attempt = this.#attempt = new AbortController()
    this.#set('connecting', 'loading')
    try {
      const iotwasm = await loadPackage()
      await iotwasm.load({ worker: this.profile.worker })
      attempt.signal.throwIfAborted()
      this.#set('connecting', 'connack')
      const client = await iotwasm.connect({ ...connectOptions(this.profile, this.secrets, iotwasm.cognitoIdentity), signal: attempt.signal })
      this.#opened(client)
      return this.#client === client
    } catch (error) {
      if (attempt.signal.aborted) this.#set('closed', 'cancelled')
      else this.#set('closed', 'refused', error as IotError)
      return false
    } finally {
      this.#attempt = undefined
    }
  }

  /** Closes the client, or gives up the attempt under way. */
  async disconnect(): Promise<void> {
    this.#attempt?.abort()
    await this.#client?.close()
  }

  #opened(client: Client): void {
    this.#client = client
    client.on('error', error => this.#set(this.phase, this.detail, error))
    client.on('offline', error => this.#set('reconnecting', 'lost', error))
    client.on('reconnect', ({ attempt, delay, error }) => {
      this.retry = { attempt, delay }
      this.#set('reconnecting', 'attempt', error ?? this.error)
    })
    client.on('connect', () => this.#set('connected'))
    client.on('close', error => this.#closed(error))
    for (const follower of this.#followers) follower.opened(client)
    this.#set('connected')
    if (client.state === 'closed') this.#closed(undefined)
  }

  #closed(error: IotError | undefined): void {
    if (!this.#client) return
    this.#client = undefined
    for (const follower of this.#followers) follower.closed()
    this.#set('closed', error ? 'lost' : 'by-you', error)
  }

  #set(phase: Phase, detail?: Detail, error?: IotError): void {
    this.phase = phase
    this.detail = detail
    this.error = error
    this.changed()
  }
}
