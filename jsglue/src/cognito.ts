/** Credentials of an Amazon Cognito identity pool, by two calls of its HTTP API. */
import * as check from './arguments'
import { invalid, IotError } from './errors'
import type { CognitoIdentityOptions, Credentials } from './types'

/** See types.ts. */
export function cognitoIdentity(options: CognitoIdentityOptions): () => Promise<Credentials> {
  check.object<CognitoIdentityOptions>(options, 'options', ['identityPoolId', 'region', 'logins', 'endpoint'])
  const pool = check.text(options.identityPoolId, 'identityPoolId')
  const [shown, id] = pool.split(':')
  if (!shown || !id) throw invalid('identityPoolId', 'be a Region, a colon and an identifier')
  const region = check.optional(options.region, 'region', check.text) ?? shown
  if (!/^[a-z][a-z0-9-]+$/.test(region)) throw invalid('region', 'be an AWS Region such as eu-west-1')
  const url = endpoint(options.endpoint ?? `https://cognito-identity.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`)
  const { logins: given } = options
  if (given !== undefined && typeof given !== 'function') logins(given)

  let identity: string | undefined
  return async () => {
    const Logins = given === undefined ? undefined : logins(typeof given === 'function' ? await given() : given)
    const who = { ...(Logins && { Logins }) }
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

function endpoint(value: unknown): string {
  const must = 'be an https: URL, or an http: one of a loopback host'
  let url: URL
  try {
    url = new URL(value as string)
  } catch {
    throw invalid('endpoint', must)
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) throw invalid('endpoint', must)
  return url.href
}

function logins(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('logins', 'be an object of provider names and tokens')
  for (const [name, token] of Object.entries(value)) {
    if (typeof token !== 'string' || token === '') throw invalid(`logins.${name}`, 'be a non-empty string')
  }
  return value as Record<string, string>
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
