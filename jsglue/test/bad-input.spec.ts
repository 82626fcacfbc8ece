/** Bad input: each wrong argument is refused with its field's name, and no text holds a secret. */
import { connected, expect, test, type PlainOptions } from './fixtures'

type Table = Record<string, unknown[]>

/** Values that cannot be handed to a page as they are. */
const special = { nan: '\0NaN', infinity: '\0Infinity', undefined: '\0undefined', blob: '\0blob', cycle: '\0cycle', bigint: '\0bigint', invalidDate: '\0invalidDate', symbol: '\0symbol', map: '\0map', func: '\0function' }

/** What a field is given, each wrong: each must fail as `invalid-argument` with that field. */
const connectTable: Table = {
  'endpoint': [special.undefined, '', 5, 'ws://example.com', 'ws://192.0.2.1', 'https://example.com', 'a b', 'wss://', 'wss://user:pw@example.com', 'example.com/other', 'wss://example.com?x=1', 'example.com:99999', 'wss://-bad-.example'],
  'region': [5, 'us east', 'US-EAST-1'],
  'credentials': [special.undefined, null, 'AKID', 5],
  'clientId': [5, 'a\0b', 'x'.repeat(65536), '\ud800'],
  'keepAlive': [-1, 65536, 1.5, special.nan, '60'],
  'cleanStart': [1, 'true'],
  'sessionExpiryInterval': [-1, 2 ** 32, 0.5],
  'connectTimeout': [0, -1, special.infinity, special.nan, '5'],
  'username': [5], 'password': [5, {}],
  'will': [5, null, []],
  'reconnect': [5, 'x', null], 'resubscribe': [1], 'topicAliases': ['yes'], 'maxConnectionAge': [-1, special.nan],
  'queue': [5, []], 'limits': [true, 5], 'log': [5], 'logLevel': ['all'], 'authorizer': [{ name: 'a' }], // together with credentials
  'clockOffset': ['1', special.nan, special.infinity],
  'signal': [{}, 5],
  'worker': [1], 'wasmURL': [5], 'workerURL': [{}], 'integrity': [5], 'wasmModule': [{}],
  'Endpoint': ['x'], // no such options
  'url': ['ws://127.0.0.1:1'], // together with endpoint
}

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('connect', async ({ shared, options }) => {
      const cases = Object.entries(connectTable).flatMap(([field, values]) => values.map(value => [field, { [field]: value }] as const))
      const more: [string, object][] = [
        ['reconnect.minDelay', { reconnect: { minDelay: 0 } }], ['reconnect.maxDelay', { reconnect: { minDelay: 500, maxDelay: 100 } }], ['reconnect.tries', { reconnect: { tries: 3 } }],
        ['queue.maxMessages', { queue: { maxMessages: -1 } }], ['queue.overflow', { queue: { overflow: 'drop' } }], ['limits.payloadBytes', { limits: { payloadBytes: '1' } }],
        ['authorizer.name', { credentials: special.undefined, authorizer: {} }], ['authorizer.token', { credentials: special.undefined, authorizer: { name: 'a', signature: 's' } }],
        ['properties.authenticationMethod', { properties: { authenticationMethod: 'SCRAM' } }], ['url', { endpoint: special.undefined, credentials: special.undefined, url: '' }],
        ['credentials.accessKeyId', { credentials: { secretAccessKey: 's' } }], ['credentials.secretAccessKey', { credentials: { accessKeyId: 'AKID' } }],
        ['credentials.secretAccessKey', { credentials: { accessKeyId: 'AKID', secretAccessKey: 'with space' } }], ['credentials.sessionToken', { credentials: { accessKeyId: 'AKID', secretAccessKey: 's', sessionToken: 5 } }],
        ['credentials.sessionToken', { credentials: { accessKeyId: 'ASIA1', secretAccessKey: 's' } }], ['credentials.expiration', { credentials: { accessKeyId: 'AKID', secretAccessKey: 's', expiration: 'soon' } }],
        ['will.topic', { will: { payload: 'x' } }], ['will.topic', { will: { topic: 'a/+' } }], ['will.payload', { will: { topic: 'a', payload: 5 } }], ['will.qos', { will: { topic: 'a', qos: 3 } }],
        ['will.properties.willDelayInterval', { will: { topic: 'a', properties: { willDelayInterval: -1 } } }], ['will.text', { will: { topic: 'a', text: 'x' } }],
        ['properties.receiveMaximum', { properties: { receiveMaximum: 0 } }], ['properties.userProperties.a', { properties: { userProperties: { a: 1 } } }], ['properties.topicAlias', { properties: { topicAlias: 1 } }],
        ['region', { endpoint: 'ws://127.0.0.1:1', region: special.undefined }], ['region', { endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com', region: 'us-east-1' }],
        ['url', { endpoint: special.undefined, credentials: special.undefined, url: 'ws://example.com/mqtt' }], ['url', { endpoint: special.undefined, credentials: special.undefined, url: 'http://localhost/mqtt' }],
        ['url', { endpoint: special.undefined, credentials: special.undefined, url: 'nonsense' }], ['credentials', { endpoint: special.undefined, url: 'ws://127.0.0.1:1' }],
      ]
      const got = await shared.evaluate(refused, { of: 'connect', args: [...cases, ...more].map(([, change]) => [{ ...options, ...change }]) })
      expect(got).toEqual([...cases, ...more].map(([field], i) => ({ i, arguments: expect.anything(), code: 'invalid-argument', field, retryable: false })))
      for (const o of [undefined, null, 5, 'ws://x', []]) {
        expect(await shared.evaluate(refused, { of: 'connect', args: [[o === undefined ? special.undefined : o]] })).toMatchObject([{ code: 'invalid-argument', field: 'options' }])
      }
    })
  })
}

/** Runs on the page: calls with each list of arguments, and tells how each call failed. */
async function refused({ of, args, client }: { of: string, args: unknown[][], client?: unknown }) {
  const revive = (value: unknown): unknown => {
    const cycle: { self?: object } = {}
    cycle.self = cycle
    if (typeof value === 'string' && value.startsWith('\0')) {
      return { NaN: NaN, Infinity, undefined: undefined, blob: new Blob(), cycle, bigint: 1n, invalidDate: new Date(NaN), symbol: Symbol(), map: new Map(), function: () => 0 }[value.slice(1)]
    }
    if (Array.isArray(value)) return value.map(revive)
    if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)]))
    return value
  }
  const object = (client ?? window.iotwasm) as Record<string, (...args: unknown[]) => unknown>
  return Promise.all(args.map(async (list, i) => {
    const f = await window.failure(() => object[of]!(...list.map(revive)))
    return { i, arguments: JSON.stringify(list).slice(0, 200), code: f?.code, field: f?.field, retryable: f?.retryable }
  }))
}

const many = { userProperties: { a: 1 } }
const methods: Record<string, [field: string, args: unknown[]][]> = {
  subscribe: [
    ['filter', ['']], ['filter', [5]], ['filter', [[]]], ['filter', ['a/#/b']], ['filter', ['a+']], ['filter', ['a#']], ['filter', ['a\0']], ['filter', ['$share/x']], ['filter', ['x'.repeat(65536)]],
    ['filter[1]', [['a', 'b+']]], ['options', ['a', 5]], ['qos', ['a', { qos: 3 }]], ['qos', ['a', { qos: '1' }]], ['noLocal', ['a', { noLocal: 1 }]], ['retainAsPublished', ['a', { retainAsPublished: 1 }]],
    ['retainHandling', ['a', { retainHandling: 3 }]], ['properties.userProperties.a', ['a', { properties: many }]], ['signal', ['a', { signal: 1 }]], ['Qos', ['a', { Qos: 1 }]], ['handler', ['a', {}, 5]],
  ],
  publish: [
    ['topic', ['', 'x']], ['topic', ['a/+', 'x']], ['topic', ['a/#', 'x']], ['topic', [5, 'x']], ['topic', ['a\0', 'x']], ['topic', ['\ud800', 'x']], ['topic', ['x'.repeat(65536), 'x']],
    ['payload', ['a', 5]], ['payload', ['a', null]], ['payload', ['a', true]], ...(['undefined', 'blob', 'cycle', 'bigint', 'symbol', 'map', 'func'] as const).map((name): [string, unknown[]] => ['payload', ['a', special[name]]]),
    ['payload', ['a', { n: special.bigint }]], ['payload', ['a', 'x'.repeat(200_000)]],
    ['options', ['a', 'x', 5]], ['options', ['a', 'x', null]], ['qos', ['a', 'x', { qos: 3 }]], ['qos', ['a', 'x', { qos: 2 }]], ['retain', ['a', 'x', { retain: 'yes' }]], ['signal', ['a', 'x', { signal: {} }]], ['delay', ['a', 'x', { delay: 5 }]],
    ['properties', ['a', 'x', { properties: 5 }]], ['properties.payloadFormatIndicator', ['a', 'x', { properties: { payloadFormatIndicator: 1 } }]], ['properties.messageExpiryInterval', ['a', 'x', { properties: { messageExpiryInterval: -1 } }]],
    ['properties.contentType', ['a', 'x', { properties: { contentType: 5 } }]], ['properties.responseTopic', ['a', 'x', { properties: { responseTopic: 'a/#' } }]], ['properties.correlationData', ['a', 'x', { properties: { correlationData: 'x' } }]],
    ['properties.userProperties', ['a', 'x', { properties: { userProperties: [] } }]], ['properties.userProperties.a', ['a', 'x', { properties: many }]], ['properties.topicAlias', ['a', 'x', { properties: { topicAlias: 1 } }]],
  ],
  close: [
    ['options', [5]], ['options', [null]], ['reasonCode', [{ reasonCode: 256 }]], ['reasonCode', [{ reasonCode: '4' }]], ['properties', [{ properties: 5 }]], ['properties.reasonString', [{ properties: { reasonString: 5 } }]],
    ['properties.userProperties.a', [{ properties: many }]], ['properties.sessionExpiryInterval', [{ properties: { sessionExpiryInterval: -1 } }]], ['force', [{ force: true }]],
  ],
  on: [['event', ['connected', special.func]], ['event', [5, special.func]], ['handler', ['message']], ['handler', ['message', 5]]],
}

test('subscribe, publish, close, on', async ({ shared, options }) => {
  const client = await connected(shared, options)
  for (const [of, cases] of Object.entries(methods)) {
    const got = await client.evaluate(new Function('client', 'o', `return (${refused.toString()})({ ...o, client })`) as (client: unknown, o: object) => ReturnType<typeof refused>, { of, args: cases.map(([, args]) => args) })
    expect(got, of).toEqual(cases.map(([field], i) => ({ i, arguments: expect.anything(), code: 'invalid-argument', field, retryable: false })))
  }
  expect(await client.evaluate(c => c.state)).toBe('connected')
})

test('presign and load', async ({ shared, options }) => {
  const good = { endpoint: options.endpoint, region: options.region, credentials: options.credentials }
  const presign: [string, unknown[]][] = [
    ['options', []], ['options', ['x']], ['endpoint', [{ ...good, endpoint: special.undefined }]], ['endpoint', [{ ...good, endpoint: 'ws://example.com' }]], ['endpoint', [{ ...good, endpoint: 'x y' }]], ['region', [{ ...good, region: special.undefined }]],
    ['credentials', [{ ...good, credentials: null }]], ['credentials.accessKeyId', [{ ...good, credentials: { accessKeyId: '', secretAccessKey: 's' } }]],
    ['date', [{ ...good, date: 5 }]], ['date', [{ ...good, date: special.invalidDate }]], ['expires', [{ ...good, expires: 0 }]], ['expires', [{ ...good, expires: 604801 }]], ['expires', [{ ...good, expires: 1.5 }]], ['service', [{ ...good, service: 'iot' }]],
  ]
  const load: [string, unknown[]][] = [['options', [5]], ['options', [null]], ['worker', [{ worker: 'yes' }]], ['wasmURL', [{ wasmURL: 5 }]], ['workerURL', [{ workerURL: 5 }]], ['integrity', [{ integrity: 5 }]], ['wasmModule', [{ wasmModule: 5 }]], ['wasmUrl', [{ wasmUrl: 'x' }]]]
  for (const [of, cases] of Object.entries({ presign, load })) {
    const got = await shared.evaluate(refused, { of, args: cases.map(([, args]) => args) })
    expect(got, of).toEqual(cases.map(([field], i) => ({ i, arguments: expect.anything(), code: 'invalid-argument', field, retryable: false })))
  }
})

const token = 'SESSIONTOKENwith+and/and==', secret = 'WRONGSECRETwithslash/+'

test.describe('refused connections hold no secret', () => {
  for (const worker of [true, false]) {
    test(worker ? 'Worker' : "page's thread", async ({ shared, gateway, secrets }) => {
      secrets.push(secret, token, encodeURIComponent(token))
      const good: PlainOptions = { ...gateway.options, worker }
      const temporary = { accessKeyId: 'ASIALOCAL', secretAccessKey: secret, sessionToken: token }
      const seen = await shared.evaluate(async ({ good, temporary, secret }) => {
        const { connect } = window.iotwasm
        const { accessKeyId } = good.credentials!
        return {
          wrongSecret: await window.failure(() => connect({ ...good, credentials: { accessKeyId, secretAccessKey: secret } })),
          temporary: await window.failure(() => connect({ ...good, credentials: temporary })),
          wrongRegion: await window.failure(() => connect({ ...good, region: 'eu-west-1' })),
          clock: await window.failure(() => connect({ ...good, clockOffset: 3_600_000 })),
          clockBehind: await window.failure(() => connect({ ...good, clockOffset: async () => -3_600_000 })),
          expired: await window.failure(() => connect({ ...good, credentials: { ...temporary, expiration: new Date(0) } })),
          foreign: await window.failure(() => connect({ ...good, credentials: temporary, endpoint: 'ws://example.com' })),
          malformed: await window.failure(() => connect({ ...good, credentials: temporary, endpoint: `wss://x?token=${temporary.sessionToken}` })),
          unusable: await window.failure(() => connect({ ...good, credentials: () => ({ accessKeyId: 'ASIA1', secretAccessKey: '' }) })),
          thrown: await window.failure(() => connect({ ...good, credentials: () => Promise.reject(new Error('signed out')) })),
          url: await window.failure(() => connect({ worker: good.worker!, url: `ws://127.0.0.1:1/mqtt?X-Amz-Security-Token=${encodeURIComponent(temporary.sessionToken)}` })),
        }
      }, { good, temporary, secret })
      expect(seen.wrongSecret).toMatchObject({ code: 'handshake-failed', field: 'credentials', retryable: true, hint: expect.stringContaining('secret access key') })
      expect(seen.temporary).toMatchObject({ code: 'handshake-failed', field: 'credentials', hint: expect.stringContaining('session token') })
      expect(seen.wrongRegion).toMatchObject({ code: 'handshake-failed', field: 'credentials', hint: expect.stringContaining('eu-west-1') })
      expect(seen.clock).toMatchObject({ code: 'handshake-failed', field: 'clockOffset', hint: expect.stringMatching(/60 minutes ahead of .* pass clockOffset: -?\d+; /) })
      expect(seen.clockBehind).toMatchObject({ code: 'handshake-failed', field: 'clockOffset', hint: expect.stringMatching(/60 minutes behind .* pass clockOffset: -?\d+; /) })
      for (const f of [seen.clock, seen.clockBehind]) expect(Math.abs(Number(/clockOffset: (-?\d+)/.exec(f!.hint!)![1]))).toBeLessThan(30_000)
      expect(seen.expired).toMatchObject({ code: 'credentials-failed', field: 'credentials.expiration', hint: expect.anything() })
      expect(seen.foreign).toMatchObject({ code: 'invalid-argument', field: 'endpoint', message: expect.stringContaining('wss') })
      expect(seen.malformed).toMatchObject({ code: 'invalid-argument', field: 'endpoint' })
      expect(seen.unusable).toMatchObject({ code: 'credentials-failed', field: 'credentials.secretAccessKey' })
      expect(seen.thrown).toMatchObject({ code: 'credentials-failed', field: 'credentials', cause: 'Error: signed out', retryable: true })
      expect(seen.url).toMatchObject({ code: 'handshake-failed' })
      const texts = Object.values(seen).map(f => f!.texts).join('\n') + gateway.log()
      for (const s of [...secrets, gateway.options.credentials.secretAccessKey]) expect(texts).not.toContain(s)
      expect(texts).not.toMatch(/[0-9a-f]{64}/) // a signature
    })
  }
})
