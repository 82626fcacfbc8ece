/**
 * Limits of a server that are checked before anything is sent: those of its
 * CONNACK for subscriptions, and those that no CONNACK tells. The Go program keeps
 * what depends on the moment: rates, what is in flight, packet sizes.
 */
import { invalid, IotError } from './errors'
import { withoutShare } from './topic-filter'
import type { Limits, Negotiated } from './types'
import type { Outgoing, Properties } from './wire'

const hint = 'A limit of AWS IoT Core; for another server set limits.'
const encoder = /* @__PURE__ */ new TextEncoder()

/** Throws where the server would not take the message. */
export function checkMessage(m: Outgoing, limits: Required<Limits>, at = ''): void {
  if (limits.topicBytes + limits.topicSlashes + limits.payloadBytes === 0) return
  checkTopic(m.topic.replace(/^\$aws\/rules\/[^/]*\//, ''), `${at}topic`, limits) // Basic Ingest does not count it
  if (limits.topicBytes > 0 && m.retain && m.topic.startsWith('$')) throw invalid(`${at}retain`, 'be false for a topic that begins with $', hint)
  if (limits.payloadBytes > 0 && size(m.payload, limits.payloadBytes) > limits.payloadBytes) throw invalid(`${at}payload`, `be at most ${limits.payloadBytes} bytes long`, hint)
}

/** Throws where the server would not take the filters beside those that are held. */
export function checkFilters(filters: readonly string[], properties: Properties | undefined, held: () => ReadonlySet<string>, limits: Required<Limits>, server: Negotiated): void {
  if (properties?.subscriptionIdentifiers && !server.subscriptionIdentifiersAvailable) {
    throw invalid('properties.subscriptionIdentifier', 'not be given: the server does not support subscription identifiers', 'AWS IoT Core does not.')
  }
  filters.forEach((filter, i) => {
    const field = filters.length === 1 ? 'filter' : `filter[${i}]`
    const topic = withoutShare(filter)
    if (topic !== filter && !server.sharedSubscriptionAvailable) throw invalid(field, 'not be shared: the server does not support shared subscriptions')
    if (/[+#]/.test(topic) && !server.wildcardSubscriptionAvailable) throw invalid(field, 'be without wildcards: the server does not support them')
    checkTopic(topic, field, limits)
  })
  if (limits.subscriptions > 0 && new Set([...held(), ...filters]).size > limits.subscriptions) {
    throw new IotError('quota-exceeded', `a connection may hold ${limits.subscriptions} topic filters at most`, {
      field: 'filter', hint: 'AWS IoT Core closes the connection at more. Use wildcards, or a second client.',
    })
  }
}

function checkTopic(topic: string, field: string, limits: Required<Limits>): void {
  if (limits.topicBytes > 0 && size(topic, limits.topicBytes) > limits.topicBytes) throw invalid(field, `be at most ${limits.topicBytes} bytes long`, hint)
  if (limits.topicSlashes > 0 && topic.split('/').length - 1 > limits.topicSlashes) throw invalid(field, `have at most ${limits.topicSlashes} slashes`, hint)
}

/** In bytes; exact where it is near the limit. */
function size(v: string | Uint8Array, limit: number): number {
  if (typeof v !== 'string') return v.byteLength
  return v.length * 3 <= limit || v.length > limit ? v.length : encoder.encode(v).length
}
