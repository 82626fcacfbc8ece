/** What a profile from a file or from storage must be. A field that no profile has is refused too: it may be a secret. */

export interface Problem {
  field: string
  must: string
}

type Check = (value: unknown) => string | undefined

const text: Check = value => typeof value === 'string' ? undefined : 'text'
const flag: Check = value => typeof value === 'boolean' ? undefined : 'true or false'
const number: Check = value => typeof value === 'number' && Number.isFinite(value) ? undefined : 'a number'
const object: Check = value => typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object'
const oneOf = (...values: string[]): Check => value => values.includes(value as string) ? undefined : `one of ${values.join(', ')}`

const required: Record<string, Check> = { name: text, authentication: oneOf('keys', 'cognito', 'gateway', 'authorizer', 'none'), endpoint: text }

const optional: Record<string, Check> = {
  id: text, region: text, identityPoolId: text, authorizerName: text, tokenKeyName: text, username: text, clientId: text, clientIdSuffix: oneOf('none', 'random', 'timestamp'), keepAlive: number,
  cleanStart: flag, sessionExpiryInterval: number, connectTimeout: number, clockOffset: number, reconnect: flag, worker: flag, will: object, properties: object,
}

export function profileProblem(given: unknown): Problem | undefined {
  if (object(given)) return { field: 'it', must: 'an object' }
  const profile = given as Record<string, unknown>
  for (const [field, check] of Object.entries(required)) {
    const must = check(profile[field])
    if (must) return { field, must }
  }
  for (const [field, value] of Object.entries(profile)) {
    if (Object.hasOwn(required, field)) continue
    const check = Object.hasOwn(optional, field) ? optional[field] : undefined
    if (!check) return { field, must: 'left out: no profile has it' }
    const must = value === undefined ? undefined : check(value)
    if (must) return { field, must }
  }
  return undefined
}
