/** What the page publishes: now, later, and what an earlier page left in its store. */
import * as check from '../arguments'
import { lastInstant } from '../delayed/plan'
import { guarded, invalid, type IotError } from '../errors'
import { checkMessage } from '../limits'
import { features } from '../parts'
import type { Session } from '../session'
import type { Outgoing } from '../wire'
import type { MqttClient } from './client'
import { ErrorWithReasonCode } from './errors'
import { failureOf, publishFailure } from './failure'
import type { Opening } from './opening'
import { ackPacket, sessionProperties } from './packets'
import type { Pending, Requests } from './requests'
import { readAll } from './store'
import type * as types from './types'

interface Waiting {
  packet: types.IPublishPacket
  cb: types.PacketCallback
  /** `packetsend` told of it. */
  told: boolean
}

export class Publisher {
  /** QoS 0 messages that were not sent yet. */
  private readonly _waiting = new Set<Waiting>()
  /** Callbacks of messages that are published later. */
  private readonly _later = new Set<types.PacketCallback>()
  /** Topic names by the aliases that the page gave them. */
  private readonly _aliases = new Map<number, string>()

  constructor(private readonly _client: MqttClient, private readonly _opening: Opening, private readonly _requests: Requests) {}

  get waiting(): Waiting[] { return [...this._waiting] }

  /** The page's packet of a message that is sent. */
  sent(id: number | undefined, topic: string): types.Packet | undefined {
    if (id) return this._requests.get(id)?.packet
    const waiting = this.waiting.find(w => w.packet.topic === topic && !w.told)
    if (waiting) waiting.told = true
    return waiting?.packet
  }

  /** @throws {IotError} `invalid-argument` */
  publish(topic: string, message: unknown, opts: types.IClientPublishOptions, callback: types.PacketCallback): void {
    const cb = guarded(callback) as types.PacketCallback
    const { qos = 0, retain = false, dup = false, properties, cbStorePut } = opts
    const outgoing = this._outgoing(topic, message, qos, retain, properties)
    checkMessage(outgoing, this._opening.checked.bounds)
    const packet: types.IPublishPacket = { cmd: 'publish', topic, payload: message as types.Payload, qos, retain, messageId: 0, dup, ...(properties && { properties: properties as never }) }
    if (opts.delay !== undefined || opts.at !== undefined) this._publishAt(dueTime(opts), outgoing, packet, cb)
    else if (qos > 0) {
      this._requests.number(id => {
        packet.messageId = id
        const pending = this._requests.add(id, 'publish', packet, cb)
        this._store(pending, outgoing.topic, cbStorePut, () => { this._opening.whenOpen(session => { this._send(session, outgoing, pending) }) })
      }, cb)
    } else if (!this._client.connected && !this._client.queueQoSZero) cb(new Error('No connection to broker'))
    else {
      guarded(cbStorePut)()
      const waiting: Waiting = { packet, cb, told: false }
      this._waiting.add(waiting)
      this._opening.whenOpen(session => {
        session.publish(outgoing).then(() => { this._settle(waiting) }, e => { this._settle(waiting, failureOf(e)) })
      })
    }
  }

  remove(pending: Pending): void {
    pending.abort.abort()
    this._unstore(pending.id, () => { this._requests.settle(pending, new Error('Message removed')) })
  }

  fail(error: Error): void {
    for (const waiting of this._waiting) this._settle(waiting, error)
    for (const cb of this._later) this._told(cb, error)
  }

  /** A new link knows no alias. */
  linked(): void { this._aliases.clear() }

  /** Sends what an earlier page left in the store. */
  async replay(session: Session): Promise<void> {
    for (const packet of await readAll(this._client.outgoingStore)) {
      const id = packet.messageId
      if (packet.cmd !== 'publish' || !id || this._requests.get(id)) continue
      const { topic, payload, qos, retain, properties } = packet
      let outgoing: Outgoing
      try {
        outgoing = check.message(topic, payload ?? '', { qos, retain, properties: sessionProperties(properties) })
      } catch (e) {
        this._client.log(`what the store has is no message: ${(e as Error).message}`) // the others are good, and so is the connection
        continue
      }
      this._requests.register(id)
      this._send(session, outgoing, this._requests.add(id, 'publish', packet, () => undefined))
    }
  }

  /** The message for the session. A topic alias of the page only stands for its topic name: the session has its own. */
  private _outgoing(topic: string, payload: unknown, qos: unknown, retain: unknown, properties: types.IClientPublishOptions['properties']): Outgoing {
    const alias = properties?.topicAlias
    if (alias !== undefined) {
      check.integer(1, this._opening.negotiated.topicAliasMaximum)(alias, 'properties.topicAlias')
      if (topic !== '') this._aliases.set(alias, topic)
    }
    const name = topic === '' ? this._aliases.get(alias!) ?? topic : topic
    return check.message(name, payload ?? '', { qos, retain, properties: sessionProperties(properties) })
  }

  private _settle(waiting: Waiting, ...error: Error[]): void {
    if (this._waiting.delete(waiting)) waiting.cb(...error)
  }

  private _send(session: Session, outgoing: Outgoing, pending: Pending): void {
    const { id } = pending, { qos } = outgoing
    session.publish(outgoing, 0, pending.abort.signal, id).then(
      () => {
        if (qos === 2) pending.packet = { cmd: 'pubrel', qos: 2, messageId: id } as unknown as types.Packet
        this._unstore(id, (error, stored) => { this._requests.settle(pending, error, stored ?? pending.packet) })
      },
      (e: IotError) => {
        if (e.code === 'aborted') return
        const open = e.code !== 'closed' && e.code !== 'transport-closed' // else a later page may send it
        const failure = open || !this._client.disconnecting ? publishFailure(e) : new Error('Connection closed', { cause: e })
        const answer = failure instanceof ErrorWithReasonCode ? ackPacket(qos === 1 ? 'puback' : 'pubrec', id, failure.code, {}) : undefined
        const settle = (): void => { this._requests.settle(pending, failure, answer) }
        if (open) this._unstore(id, settle)
        else settle()
      },
    )
  }

  /** Puts a message into the page's store before it is sent. */
  private _store(pending: Pending, topic: string, cbStorePut: types.StorePutCallback | undefined, then: () => void): void {
    const stored = (error?: Error | null): void => {
      if (error) return this._requests.settle(pending, error)
      if (!this._requests.holds(pending)) return // the client ended first
      guarded(cbStorePut)()
      then()
    }
    if (!this._client.options.outgoingStore) return stored()
    try {
      this._client.outgoingStore.put({ ...pending.packet, topic } as types.Packet, stored)
    } catch (e) {
      stored(e as Error) // storage of a page may be full
    }
  }

  private _unstore(messageId: number, then: types.StoreCallback): void {
    if (!this._client.options.outgoingStore) return then(null)
    try {
      this._client.outgoingStore.del({ messageId }, then)
    } catch (e) {
      then(e as Error)
    }
  }

  private _publishAt(at: Date, outgoing: Outgoing, packet: types.IPublishPacket, cb: types.PacketCallback): void {
    const { topic, payload, qos, retain, properties } = outgoing
    this._later.add(cb)
    features().catch(() => undefined) // beside the module; asked for again below
    this._opening.whenOpen(async session => {
      try {
        const runs = await this._opening.delayed(session)
        const { steps: [step] } = await runs.publish([{ topic, payload, qos, retain, ...(properties && { properties }), at }], [{}]).done
        if (step!.error) throw step!.error
      } catch (e) {
        this._told(cb, publishFailure(e as IotError))
        return
      }
      if (qos > 0) this._told(cb, null as never, packet)
      else this._told(cb)
    })
  }

  private _told(cb: types.PacketCallback, ...args: Parameters<types.PacketCallback> | []): void {
    if (this._later.delete(cb)) cb(...args as Parameters<types.PacketCallback>)
  }
}

function dueTime({ delay, at }: types.IClientPublishOptions): Date {
  if (delay === undefined) return check.date(at, 'at')
  if (at !== undefined) throw invalid('at', 'not be given together with delay')
  const due = Date.now() + check.milliseconds(delay, 'delay')
  if (due > lastInstant) throw invalid('delay', 'end before the last date that JavaScript knows')
  return new Date(due)
}
