/** What the page subscribes to, and holds. */
import * as check from '../arguments'
import { guarded, type IotError } from '../errors'
import { checkFilters } from '../limits'
import type { Session } from '../session'
import type { Properties } from '../wire'
import type { MqttClient } from './client'
import { ErrorWithSubackPacket } from './errors'
import { failureOf } from './failure'
import type { Opening } from './opening'
import { batchSize } from './options'
import { sessionProperties, subackPacket } from './packets'
import { ReasonCodes } from './reason-codes'
import type { Requests } from './requests'
import { wantedOptions, type Asked } from './subscribe-arguments'
import type * as types from './types'

/** mqtt.js waits for an answer without a limit: the longest time that the session knows. */
const timeout = 0xffffffff

export class Subscriber {
  private readonly _held = new Map<string, types.IClientSubscribeOptions>()

  constructor(private readonly _client: MqttClient, private readonly _opening: Opening, private readonly _requests: Requests) {}

  /** A topic filter with its options, as in a SUBSCRIBE. */
  subscription(topic: string): types.ISubscription { return { topic, ...wantedOptions(this._held.get(topic)) } }

  subscribe({ again, properties, ...asked }: Asked, cb: types.ClientSubscribeCallback): void {
    const kept = this._keeps && !again
    const subscriptions = asked.subscriptions.filter(({ topic, qos }) => !(kept && this._held.get(topic)?.qos! >= qos))
    if (subscriptions.length === 0) {
      cb(null, [])
      return
    }
    let sent: Properties | undefined
    try {
      checkSubscriptions(subscriptions)
      sent = sessionProperties(properties)
      checkFilters(subscriptions.map(s => s.topic), sent, () => new Set(this._held.keys()), this._opening.checked.bounds, this._opening.negotiated)
    } catch (e) {
      setTimeout(() => { cb(e as Error) })
      return
    }
    const size = Math.min(batchSize(this._client.options), subscriptions.length), parts: Promise<types.ISubackPacket>[] = []
    for (let i = 0; i < subscriptions.length; i += size) parts.push(this._part(subscriptions.slice(i, i + size), properties, sent))
    const granted = subscriptions as types.ISubscriptionGrant[]
    Promise.all(parts).then(answers => { cb(null, granted, answers.at(-1)) }, (e: ErrorWithSubackPacket) => { cb(e, granted, e.packet) })
  }

  unsubscribe(filters: string[], opts: types.IClientUnsubscribeProperties | undefined, callback: types.PacketCallback): void {
    const cb = guarded(callback) as types.PacketCallback
    try {
      filters.forEach(filter => check.topicFilter(filter, 'topic'))
    } catch (e) {
      setTimeout(() => { cb(e as Error) })
      return
    }
    const properties = sessionProperties(opts?.properties)
    this._requests.number(packetId => {
      for (const filter of filters) this._held.delete(filter)
      const pending = this._requests.add(packetId, 'unsubscribe', { cmd: 'unsubscribe', messageId: packetId, unsubscriptions: filters }, cb)
      this._opening.whenOpen(session => {
        session.unsubscribe(filters, { timeout, properties, packetId }, (codes, p) => subackPacket('unsuback', packetId, [...codes], p))
          .then(packet => { this._requests.settle(pending, null, packet) }, e => { this._requests.settle(pending, failureOf(e)) })
      })
    }, cb)
  }

  /** A new session has nothing of the one before it. */
  resubscribe(session: Session): void {
    if (!this._keeps) return
    const asked = new Set(this._requests.all.flatMap(({ packet }) => packet.cmd === 'subscribe' ? packet.subscriptions.map(s => s.topic) : []))
    for (const [topic, { properties, ...wanted }] of this._held) {
      if (asked.has(topic)) continue // it waits for this session
      this._ask(session, [{ topic, ...wanted }], sessionProperties(properties), 0, () => undefined)
        .catch((e: IotError) => { this._client.log(e.message) })
    }
  }

  /** mqtt.js forgets at once what it is not to ask for again. */
  private get _keeps(): boolean {
    const { resubscribe, reconnectPeriod } = this._client.options
    return !!resubscribe && reconnectPeriod! > 0
  }

  /** One SUBSCRIBE. */
  private _part(subscriptions: types.ISubscriptionRequest[], properties: object | undefined, sent: Properties | undefined): Promise<types.ISubackPacket> {
    return new Promise((resolve, reject) => {
      this._requests.number(id => {
        for (const { topic, ...wanted } of subscriptions) this._held.set(topic, wanted)
        const packet = { cmd: 'subscribe', subscriptions, messageId: id, ...(properties && { properties }) } as types.ISubscribePacket
        const pending = this._requests.add(id, 'subscribe', packet, (error, answer) => {
          if (error) reject(new ErrorWithSubackPacket(error.message, answer as types.ISubackPacket))
          else resolve(answer as types.ISubackPacket)
        })
        this._opening.whenOpen(session => {
          this._ask(session, subscriptions, sent, id, (codes, p) => {
            const answer = subackPacket('suback', id, [...codes], p)
            this._requests.settle(pending, this._granted(subscriptions, answer.granted), answer)
          }).catch((e: IotError) => {
            for (const { topic } of subscriptions) this._held.delete(topic)
            this._requests.settle(pending, failureOf(e))
          })
        })
      }, reject)
    })
  }

  private _ask(session: Session, subscriptions: types.ISubscriptionRequest[], properties: Properties | undefined, packetId: number, read: (codes: Uint8Array, p: object) => void): Promise<void> {
    const { maximumQoS } = this._opening.negotiated // AWS IoT Core ends the connection at more
    const filters = subscriptions.map(s => ({ filter: s.topic, qos: Math.min(s.qos, maximumQoS), noLocal: !!s.nl, retainAsPublished: !!s.rap, retainHandling: s.rh ?? 0 }))
    return session.subscribe(this._opening.subscription, filters, false, { timeout, properties, packetId }, read)
  }

  /** Takes the codes of a SUBACK: what was refused is not held, and if nothing was the requests get what was granted. */
  private _granted(subscriptions: types.ISubscriptionRequest[], codes: number[]): Error | undefined {
    let refused: Error | undefined
    codes.forEach((code, i) => {
      if (code < 0x80) return
      refused = new Error(`Subscribe error: ${ReasonCodes[code]}`)
      this._held.delete(subscriptions[i]!.topic)
    })
    if (!refused) codes.forEach((code, i) => { subscriptions[i]!.qos = code as types.QoS })
    return refused
  }
}

/** Refuses what a server answers by ending the connection, time and again. */
function checkSubscriptions(subscriptions: types.ISubscriptionRequest[]): void {
  for (const { topic, qos, rh } of subscriptions) {
    check.topicFilter(topic, 'topic')
    check.qos(qos, 'qos')
    check.optional(rh ?? undefined, 'rh', check.integer(0, 2))
  }
}
