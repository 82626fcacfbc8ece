/**
 * What the page can find out about a refused handshake that the Go program
 * cannot: the answer to the upgrade is hidden from scripts, but the page's own
 * server tells the time.
 */
import { IotError } from './errors'

const tolerance = 4 * 60_000 // AWS allows 5 minutes

/** Returns the error with what was found, the clock first. Never rejects. */
export async function explain(error: IotError, clockOffset: number): Promise<IotError> {
  if (error.code !== 'handshake-failed' || error.field !== 'credentials') return error
  if (navigator.onLine === false) {
    return new IotError(error.code, 'the WebSocket could not be opened: the device is offline', { retryable: true, hint: 'Connect again when it is online.' })
  }
  const skew = await clockSkew(clockOffset)
  if (skew === undefined || Math.abs(skew) < tolerance) return error
  const minutes = Math.round(Math.abs(skew) / 60_000)
  return new IotError(error.code, error.message, {
    retryable: error.retryable,
    field: 'clockOffset',
    hint: `The signing time is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} the clock of the server of this page, and AWS allows 5. `
      + `Set the device's clock, or pass clockOffset: ${Math.round(clockOffset - skew)}. ${error.hint ?? ''}`,
  })
}

/** How far the signing clock is ahead of the page's server, in ms. */
async function clockSkew(clockOffset: number): Promise<number | undefined> {
  try {
    const response = await fetch(location.href, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(2000) })
    const theirs = Date.parse(response.headers.get('Date') ?? '')
    return Number.isNaN(theirs) ? undefined : Date.now() + clockOffset - theirs
  } catch {
    return undefined
  }
}
