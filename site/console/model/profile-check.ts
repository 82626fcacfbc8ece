/** What a profile from a file or from storage must be. A field that no profile has is refused too: it may be a secret. */

export interface Problem {
  /** Its path: `will.qos`. */
  field: string
  must: string
}

type Check = (value: unknown, path: string) => Problem | undefined

const is = (must: string, valid: (value: unknown) => boolean): Check => (value, field) => valid(value) ? undefined : { field, must }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'

const text = is('text', isText)
const flag = is('true or false', value => typeof value === 'boolean')
const number = is('a number', Number.isFinite)
const oneOf = (...values: unknown[]): Check => is(`one of ${values.join(', ')}`, value => values.includes(value))
const userProperties = is('an object of texts and lists of texts', value => isObject(value) && Object.values(value).every(each => isText(each) || Array.isArray(each) && each.every(isText)))

function fields(required: Record<string, Check>, optional: Record<string, Check>): Check {
  const known: ReadonlyMap<string, Check> = new Map(Object.entries({ ...required, ...optional }))
  return (value, path) => {
    if (!isObject(value)) return { field: path || 'it', must: 'an object' }
    const pathOf = (name: string): string => path ? `${path}.${name}` : name
    for (const name of new Set([...Object.keys(required), ...Object.keys(value)])) {
      const check = known.get(name)
      if (!check) return { field: pathOf(name), must: 'left out: no profile has it' }
      if (value[name] === undefined && !Object.hasOwn(required, name)) continue
      const problem = check(value[name], pathOf(name))
      if (problem) return problem
    }
    return undefined
  }
}

const will = fields({ topic: text, payload: text, qos: oneOf(0, 1, 2), retain: flag }, {
  delayInterval: number,
  properties: fields({}, { payloadFormatIndicator: flag, messageExpiryInterval: number, contentType: text, responseTopic: text, userProperties }),
})

const connectProperties = fields({}, {
  receiveMaximum: number, maximumPacketSize: number, topicAliasMaximum: number, requestResponseInformation: flag, requestProblemInformation: flag, userProperties,
})

const profile = fields({ name: text, authentication: oneOf('keys', 'cognito', 'gateway', 'authorizer', 'none'), endpoint: text }, {
  id: text, region: text, identityPoolId: text, loginProvider: text, authorizerName: text, tokenKeyName: text, username: text, clientId: text, clientIdSuffix: oneOf('none', 'random', 'timestamp'), keepAlive: number,
  cleanStart: flag, sessionExpiryInterval: number, connectTimeout: number, clockOffset: number, reconnect: flag, reconnectMinDelay: number, reconnectMaxDelay: number, limits: flag, worker: flag, will, properties: connectProperties,
})

export function profileProblem(given: unknown): Problem | undefined { return profile(given, '') }
