/** Messages as JSON lines, for a file. */
import type { Entry } from './message-history'
import { fromBytes, toBase64 } from './payload-encoding'

/** One line for each message: the payload as text, or as Base64 where it is none, as `encoding` says. */
export function jsonLines(entries: readonly Entry[]): string {
  return entries.map(({ direction, time, topic, payload, qos, retain, dup, properties, outcome }) => {
    const { correlationData, ...others } = properties
    return `${JSON.stringify({
      time: new Date(time).toISOString(), direction, topic, qos, retain, dup, ...fromBytes(payload), outcome,
      properties: { ...others, ...correlationData && { correlationData: toBase64(correlationData) } },
    })}\n`
  }).join('')
}
