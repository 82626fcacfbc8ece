/** The figures of a client, as the program tells them. */
import type { Stats } from './types'
import type { Reader } from './wire'

/** What rates are worked out from. */
export interface Totals {
  at: number
  received: number
  sent: number
}

export function readStats(r: Reader, subscriptions: number, before: Totals | undefined): { stats: Stats, totals: Totals } {
  const packetsReceived = r.f64(), packetsSent = r.f64(), bytesReceived = r.f64(), bytesSent = r.f64()
  const messagesReceived = r.f64(), messagesSent = r.f64()
  const waiting = r.u32(), waitingBytes = r.u32(), inFlight = r.u32(), dropped = r.u32(), links = r.u32()
  const pingRoundTrip = r.f64(), pubackRoundTrip = r.f64(), connectedAt = r.f64()
  const totals = { at: Date.now(), received: messagesReceived, sent: messagesSent }
  const seconds = before ? (totals.at - before.at) / 1000 : 0
  const rate = (now: number, then: number): number => seconds > 0 ? (now - then) / seconds : 0
  return {
    totals,
    stats: {
      packetsReceived, packetsSent, bytesReceived, bytesSent, messagesReceived, messagesSent,
      messagesReceivedPerSecond: rate(totals.received, before?.received ?? 0),
      messagesSentPerSecond: rate(totals.sent, before?.sent ?? 0),
      waiting, waitingBytes, inFlight, dropped, subscriptions, links,
      ...(pingRoundTrip > 0 && { pingRoundTrip }),
      ...(pubackRoundTrip > 0 && { pubackRoundTrip }),
      ...(connectedAt > 0 && { connectedAt }),
    },
  }
}
