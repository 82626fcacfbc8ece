/** The two calls of the HTTP API of Amazon Cognito identity pools. */
import { IotError } from './errors'
import type { Credentials } from './types'

/** A function that gives credentials of an identity of `pool`, the same one each time. */
export function identityProvider(url: string, pool: string, logins: () => Promise<Record<string, string> | undefined>): () => Promise<Credentials> {
  let identity: string | undefined
  return async () => {
    const Logins = await logins(), who = { ...(Logins && { Logins }) }
    if (identity === undefined) {
      const { IdentityId } = await call(url, 'GetId', { IdentityPoolId: pool, ...who })
      if (typeof IdentityId !== 'string') throw unusable('GetId')
      identity = IdentityId
    }
    try {
      return read(await call(url, 'GetCredentialsForIdentity', { IdentityId: identity, ...who }))
    } catch (e) {
      identity = undefined // it may have been deleted, or be another's by now
      throw e
    }
  }
}

type Answer = Record<string, unknown>

async function call(url: string, action: string, body: object): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer',
      headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `AWSCognitoIdentityService.${action}` },
      body: JSON.stringify(body),
    })
  } catch (cause) {
    throw failed(action, 'it could not be reached', true, "Check the network, and that the page's Content-Security-Policy allows it in connect-src.", cause)
  }
  const answer = await response.json().catch(() => ({})) as Answer
  if (response.ok) return answer
  // "com.amazonaws.cognito.identity.model#NotAuthorizedException", or without the prefix.
  const type = String(answer['__type'] ?? '').replace(/^.*#/, '') || `HTTP status ${response.status}`
  throw failed(action, type, response.status >= 500 || type === 'TooManyRequestsException', hints[type])
}

const hints: Record<string, string> = {
  NotAuthorizedException: 'Is unauthenticated access enabled for the pool, or a login token expired?',
  ResourceNotFoundException: 'Check identityPoolId and region.',
  InvalidIdentityPoolConfigurationException: 'The pool has no role for this kind of user.',
}

function failed(action: string, why: string, retryable: boolean, hint?: string, cause?: unknown): IotError {
  return new IotError('credentials-failed', `Amazon Cognito's ${action} failed: ${why}`, { field: 'credentials', retryable, hint, cause })
}

function unusable(action: string): IotError { return failed(action, 'its answer is not understood', true) }

function read(answer: Answer): Credentials {
  const c = answer['Credentials'] as Answer | undefined
  const accessKeyId = c?.['AccessKeyId'], secretAccessKey = c?.['SecretKey'], sessionToken = c?.['SessionToken'], expiration = c?.['Expiration']
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || typeof sessionToken !== 'string') throw unusable('GetCredentialsForIdentity')
  return { accessKeyId, secretAccessKey, sessionToken, ...(typeof expiration === 'number' && { expiration: new Date(expiration * 1000) }) }
}
