/**
 * What the page can find out about a handshake that failed. The answer to the
 * upgrade is hidden from scripts: a wrong signature, a clock that is off and a
 * server that is down look alike. The page knows its own options and clocks.
 */
import { IotError } from './errors'
import type { ConnectOptions } from './types'

/** What was dialled. */
export interface Dial {
  /** When it was signed, in ms since the epoch. */
  at: number
  /** Added to the clock when signing, in ms. */
  clockOffset: number
  /** The client had a link before, so that most of its options are good. */
  linkedBefore: boolean
  /** Signed with a session token. */
  temporary: boolean
  expiration?: Date | undefined
}

const minute = 60_000
/** AWS allows 5 minutes. */
const tolerance = 4 * minute

interface Cause {
  /** In a sentence with others. */
  text: string
  /** Empty where no option is wrong. */
  field?: string
  message?: string
}

/** Returns the error of a failed handshake with what is known of it, the most probable first. Never rejects. */
export async function explain(error: IotError, options: ConnectOptions, dial: Dial): Promise<IotError> {
  if (typeof navigator !== 'undefined' && navigator.onLine === false) {
    return new IotError(error.code, 'the WebSocket could not be opened: the device is offline', { retryable: true, hint: 'Connect again when it is online.' })
  }
  const [first, ...others] = options.url === undefined ? await signedCauses(options, dial) : urlCauses()
  return new IotError(error.code, first!.message ?? error.message, {
    retryable: error.retryable,
    field: first!.field ?? (options.url === undefined ? options.authorizer ? 'authorizer' : 'credentials' : 'url'),
    hint: `Most likely first: ${[first!, ...others].map(c => c.text).join('; ')}.`,
  })
}

function urlCauses(): Cause[] {
  return [{
    text: "the server is not up, the URL's path is not the one that it serves WebSocket on (often /mqtt), it does not offer the subprotocol mqtt, "
      + "or the page's Content-Security-Policy does not allow it in connect-src",
  }]
}

async function signedCauses(o: ConnectOptions, dial: Dial): Promise<Cause[]> {
  const certain: Cause[] = [], likely: Cause[] = [], possible: Cause[] = []
  const now = Date.now()
  const age = now - dial.at
  const skew = o.authorizer ? undefined : await clockSkew(dial.clockOffset)
  if (skew !== undefined && Math.abs(skew) >= tolerance) {
    const minutes = Math.round(Math.abs(skew) / minute)
    certain.push({
      field: 'clockOffset',
      text: `the signing time is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} the clock of the server of this page, and AWS allows 5: set the device's clock, or pass clockOffset: ${Math.round(dial.clockOffset - skew)}`,
    })
  }
  if (dial.expiration && dial.expiration.getTime() <= now + dial.clockOffset) {
    certain.push({ field: 'credentials.expiration', text: `the credentials expired at ${dial.expiration.toISOString()}` })
  }
  if (age > 5 * minute) likely.push({ text: `the URL was signed ${Math.round(age / minute)} minutes before it was used, perhaps since the device slept, and AWS takes it for 5` })
  if (dial.linkedBefore) likely.push({ field: '', text: 'the server is down or out of reach, or the network is' })
  const host = o.endpoint!.toLowerCase()
  const aws = /\.amazonaws\.com(\.cn)?\b/.test(host)
  if (aws && !/ats\.iot\./.test(host)) likely.push({ field: 'endpoint', text: 'the endpoint is not an -ats one, whose certificate browsers trust' })
  if (o.authorizer) {
    likely.push({ text: `the custom authorizer ${o.authorizer.name} does not exist, is not active, or refused the token` })
    if (o.authorizer.token !== undefined && o.authorizer.signature === undefined) likely.push({ field: 'authorizer.signature', text: 'the authorizer has signing enabled and no signature was given' })
  } else {
    likely.push({ text: 'the secret access key does not belong to the access key id' + (dial.temporary ? ', or the session token has expired or is of other credentials' : '') })
    if (skew === undefined) possible.push({ text: `the clock is off by more than 5 minutes (signed for ${new Date(dial.at + dial.clockOffset).toISOString()})` })
    possible.push({ text: o.region === undefined || aws ? 'the credentials are of an account or a partition that the endpoint does not belong to' : `the endpoint is not in the region ${o.region}` })
  }
  possible.push({ text: "the endpoint is wrong or out of reach, or the page's Content-Security-Policy does not allow it in connect-src" })
  return [...certain, ...likely, ...possible]
}

/** How far the signing clock is ahead of the page's server, in ms. */
async function clockSkew(clockOffset: number): Promise<number | undefined> {
  if (typeof location === 'undefined') return undefined
  try {
    const response = await fetch(location.href, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(2000) })
    const theirs = Date.parse(response.headers.get('Date') ?? '')
    return Number.isNaN(theirs) ? undefined : Date.now() + clockOffset - theirs
  } catch {
    return undefined
  }
}
