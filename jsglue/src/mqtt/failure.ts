/** The session's errors as those of mqtt.js. What mqtt.js has no word for stays an IotError. */
import { IotError } from '../errors'
import { ErrorWithReasonCode } from './errors'
import { ReasonCodes } from './reason-codes'

const coded = (what: string, e: IotError): ErrorWithReasonCode => {
  const code = e.reasonCode!
  return Object.assign(new ErrorWithReasonCode(`${what}: ${ReasonCodes[code] ?? code}`, code), { cause: e })
}

/** What an attempt, a link or a call failed with; undefined for the end of a link that mqtt.js has no `error` for. */
export function failureOf(e: IotError): Error {
  switch (e.code) {
    case 'connack-refused': return coded('Connection refused', e)
    case 'timeout': return new Error('connack timeout', { cause: e })
    case 'closed':
    case 'transport-closed':
    case 'aborted': return new Error('Connection closed', { cause: e })
  }
  return e
}

export function publishFailure(e: IotError): Error {
  if (e.code === 'publish-refused') return coded('Publish error', e)
  return e.code === 'transport-closed' ? e : failureOf(e) // it says what is known of the message
}

/** Of how a link or an attempt ended: what mqtt.js tells by `error`, if it does. */
export function linkFailure(e: IotError): Error | undefined {
  if (e.code === 'transport-closed') return e.message.includes('keep alive') ? new Error('Keepalive timeout', { cause: e }) : undefined
  if (e.code === 'handshake-failed' || e.code === 'server-disconnect') return undefined
  return failureOf(e)
}
