/** The session of a client: opened when the module is there, and anew after an end or a crash. Calls made before wait here. */
import { askAhead, type Checked } from '../connect-options'
import type { DelayedRuns } from '../delayed/runs'
import { engineFor, type Engine } from '../engine'
import { negotiated } from '../negotiated'
import * as parts from '../parts'
import { Session, type SessionEvents } from '../session'
import type { Client, Connack } from '../types'
import { dialled, sessionOptions } from './options'
import type { MqttClient } from './client'

const nothing: Connack = { sessionPresent: false, reasonCode: 0, properties: {} }

export class Opening {
  session: Session | undefined
  /** The session's options; checked already before there is one. */
  checked: Checked
  /** Of the present link. */
  connack: Connack | undefined
  /** The one subscription of the session: a filter takes the place of the same one of before. */
  subscription = 0
  private _engine: Engine | undefined
  private readonly _delayed = new WeakMap<Session, DelayedRuns>()
  /** Loaded for the sockets that the page makes. */
  private _sockets: Awaited<ReturnType<typeof parts.pageHost>> | undefined
  /** Counts the sessions: what an older one tells is not heard. */
  private _generation = 0
  private _waiting: ((session: Session) => void)[] = []

  /** `asked` is the protocol version that the page asked for; `dial` gives the URL of an attempt. */
  constructor(private readonly _client: MqttClient, private readonly _asked: number, private readonly _dial: (attempt: number) => string) {
    const { options } = _client
    this.checked = sessionOptions(options, _asked, options.manualConnect ? 'wss://later' : _dial(0))
  }

  get negotiated() { return negotiated(this.connack ?? nothing, this.checked) }

  /** Opens a session. `begun` sets it up before any call that waits; `attempt` hears of each attempt. */
  async open(events: SessionEvents, attempt: (n: number) => void, begun: (session: Session) => Promise<void> | void, failed: (error: Error) => void): Promise<void> {
    const generation = ++this._generation
    const current = (): boolean => generation === this._generation
    let attempts = 0
    try {
      const checked = this.checked = sessionOptions(this._client.options, this._asked, this._dial(0))
      if (!this._client.options.transformWsUrl) askAhead(checked)
      const engine = await engineFor(checked)
      if (!current()) return
      const heard = Object.fromEntries(Object.entries(events).map(([name, hear]) => [name, (...args: unknown[]) => {
        if (current()) (hear as (...args: unknown[]) => void)(...args)
      }])) as unknown as SessionEvents
      const session = new Session(engine, checked, heard, async () => {
        attempt(attempts)
        const { options } = this._client, { createWebsocket } = options
        const target = await dialled(this._dial(attempts++), options, checked, this._client)
        if (createWebsocket && target.url) {
          const sockets = this._sockets = await parts.pageHost()
          if (current()) sockets.makeNextSocket(this._client, target.url, (at, protocols) => createWebsocket(at, protocols, options) as WebSocket)
        }
        return target
      })
      this._engine = engine
      this.subscription = engine.newId()
      this.session = session
      session.connect().catch(() => undefined) // the events tell
      await begun(session)
      if (!current()) return
      for (const call of this._waiting.splice(0)) call(session)
    } catch (e) {
      if (current()) failed(e as Error)
    }
  }

  /** Calls back with the session, as soon as there is one. */
  whenOpen(call: (session: Session) => void): void {
    if (this.session && this._waiting.length === 0) call(this.session)
    else this._waiting.push(call)
  }

  /** The delayed runs of a session. Rejects where their part cannot be loaded. */
  async delayed(session: Session): Promise<DelayedRuns> {
    const { DelayedRuns } = await parts.features()
    let runs = this._delayed.get(session)
    if (!runs) this._delayed.set(session, runs = new DelayedRuns(this._engine!, this._owner(session), session.id, this.checked.bounds, () => undefined))
    return runs
  }

  /** Lets go of the session, with what waits for one unless that `keeps`. */
  forget(keeps = false): void {
    this._generation++
    this.session?.release()
    this._sockets?.forgetNextSocket(this._client)
    this.session = this.connack = undefined
    if (!keeps) this._waiting = []
  }

  /** A run of one step without a gate asks its client for the state alone. */
  private _owner(session: Session): Client {
    const closed = (): boolean => this.session !== session
    return { get state() { return closed() ? 'closed' : 'connected' } } as Client
  }
}

