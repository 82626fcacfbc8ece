/**
 * Credentials that a page's function gives: asked once for many, kept until they
 * are about to expire, never waited for without end.
 */
import * as check from './arguments'
import { invalid, IotError } from './errors'
import type { Credentials } from './types'

/** Credentials as they are used: what JSON has as text is a Date. */
export type KnownCredentials = Omit<Credentials, 'expiration'> & { expiration?: Date }

type Provider = () => Credentials | Promise<Credentials>

/** How long before their expiration credentials are fetched anew, in ms. */
const margin = 60_000

interface Entry {
  /** The call under way. */
  pending?: Promise<KnownCredentials> | undefined
  known?: KnownCredentials | undefined
}

const entries = new WeakMap<Provider, Entry>()

/**
 * The credentials of a provider, from the cache where they are good for a while
 * yet. Many callers share one call of it; one that takes longer than `timeout` ms
 * is given up, and the next caller calls again.
 */
export async function currentCredentials(provider: Provider, timeout: number): Promise<KnownCredentials> {
  let entry = entries.get(provider)
  if (!entry) entries.set(provider, entry = {})
  if (entry.known?.expiration && entry.known.expiration.getTime() - margin > Date.now()) return entry.known
  const pending = entry.pending ??= call(provider)
  try {
    return entry.known = await inTime(pending, 'credentials', timeout)
  } finally {
    if (entry.pending === pending) entry.pending = undefined
  }
}

/** What a function of the page gives, unless it takes longer than `timeout` ms. */
export async function inTime<T>(given: Promise<T>, field: 'credentials' | 'url' | 'clockOffset' | 'transformWsUrl', timeout: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new IotError('credentials-failed', `the ${field} function did not answer within ${timeout} ms`, {
      field, retryable: true, hint: 'Does it wait for something without a limit? connectTimeout bounds it together with the dialling.',
    })), timeout)
  })
  try {
    return await Promise.race([given, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Forgets what a provider gave: the server may have refused it. */
export function forgetCredentials(provider: Provider): void {
  const entry = entries.get(provider)
  if (entry) entry.known = undefined
}

async function call(provider: Provider): Promise<KnownCredentials> {
  let given: unknown
  try {
    given = await provider()
  } catch (cause) {
    if (cause instanceof IotError) throw cause
    throw new IotError('credentials-failed', 'the credentials function failed', { field: 'credentials', cause, retryable: true, hint: 'See cause for what it threw.' })
  }
  try {
    return credentials(given)
  } catch (e) {
    throw new IotError('credentials-failed', `what the credentials function gave is not usable: ${(e as IotError).message}`, {
      field: (e as IotError).field, hint: 'It must give accessKeyId, secretAccessKey, sessionToken with temporary credentials, and expiration as a Date or its ISO text, as the providers of AWS SDK for JavaScript v3 do.',
    })
  }
}

/** Checks credentials as a page, or its function, gives them. */
export function credentials(value: unknown): KnownCredentials {
  if (typeof value !== 'object' || value === null) throw invalid('credentials', 'be an object with accessKeyId and secretAccessKey, or a function that gives one')
  const c = value as Credentials
  for (const key of ['accessKeyId', 'secretAccessKey'] as const) {
    if (typeof c[key] !== 'string' || c[key] === '') throw invalid(`credentials.${key}`, 'be a non-empty string')
  }
  if (c.sessionToken !== undefined && typeof c.sessionToken !== 'string') throw invalid('credentials.sessionToken', 'be a string')
  if (typeof c.expiration !== 'string') check.optional(c.expiration, 'credentials.expiration', check.date)
  else return { ...c, expiration: check.date(new Date(c.expiration), 'credentials.expiration') }
  return c as KnownCredentials
}
