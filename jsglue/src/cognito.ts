/** Credentials of an Amazon Cognito identity pool: checks the options; cognito-calls.ts asks. */
import * as check from './arguments'
import { invalid } from './errors'
import { cognitoCalls } from './parts'
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

  cognitoCalls().catch(() => undefined) // the function tries again, and tells of it
  let provider: (() => Promise<Credentials>) | undefined
  return async () => {
    const { identityProvider } = await cognitoCalls()
    provider ??= identityProvider(url, pool, async () => given && logins(typeof given === 'function' ? await given() : given))
    return provider()
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
