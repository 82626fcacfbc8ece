/** Credentials: static, from a provider, of Cognito, and custom authorizers. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { record, until } from './events'
import { connected, expect, issued, test as base } from './fixtures'

interface CognitoCall { action: string, body: Record<string, unknown>, headers: IncomingMessage['headers'] }
type CognitoAnswer = [status: number, body: unknown]
interface Cognito { endpoint: string, calls: CognitoCall[], answers: Record<string, CognitoAnswer[]>, stop: () => Promise<void> }

/** A stand-in for Amazon Cognito Identity; each action gives its answers in turn, the last one again and again. */
async function startCognito(answers: Cognito['answers']): Promise<Cognito> {
  const calls: CognitoCall[] = []
  const server: Server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'content-type, x-amz-target')
    if (request.method === 'OPTIONS') {
      response.end()
      return
    }
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString() })
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).replace('AWSCognitoIdentityService.', '')
      calls.push({ action, body: JSON.parse(text) as Record<string, unknown>, headers: request.headers })
      const left = answers[action]
      const [status, body] = left.length > 1 ? left.shift()! : left[0]
      response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' }).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, calls, answers,
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const pool = 'eu-west-1:11111111-2222-3333-4444-555555555555'
const soon = { minDelay: 20, maxDelay: 100 }

const test = base.extend<{ cognito: (answers: Cognito['answers']) => Promise<Cognito> }>({
  cognito: async ({}, use) => {
    const started: Cognito[] = []
    await use(async answers => {
      const cognito = await startCognito(answers)
      started.push(cognito)
      return cognito
    })
    await Promise.all(started.map(c => c.stop()))
  },
})

/** The scripted server as an AWS endpoint. */
const endpointOf = (server: { port: number }) => ({ endpoint: `ws://127.0.0.1:${server.port}`, region: 'us-east-1' })
/** A parameter of what was dialled. */
const dialled = (connection: { url: string }, name: string) => new URLSearchParams(connection.url.split('?')[1]).get(name)

test.describe('a provider', () => {
  test('is called once for many clients at once, and again when its credentials are about to expire', async ({ shared, options }) => {
    const calls = await shared.evaluate(async options => {
      const counts: number[] = []
      let calls = 0
      let lives = 3_600_000
      const credentials = async () => {
        calls++
        await new Promise(resolve => setTimeout(resolve, 50))
        return { ...options.credentials!, expiration: new Date(Date.now() + lives) }
      }
      const open = async (n: number): Promise<void> => {
        window.clients.push(...await Promise.all(Array.from({ length: n }, () => window.iotwasm.connect({ ...options, credentials }))))
        counts.push(calls)
      }
      await open(8)
      await open(2) // from the cache
      const later = Date.now
      Date.now = () => later() + 3_600_000 - 59_000 // within the last minute
      lives += 3_600_000
      try {
        await open(1)
      } finally {
        Date.now = later
      }
      await window.clients[0]!.renew() // on request: with new credentials
      counts.push(calls)
      return counts
    }, options)
    expect(calls).toEqual([1, 1, 2, 3])
  })

  test('without an expiration is asked at each attempt', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await shared.evaluateHandle(async ({ options, soon }) => {
      let calls = 0
      const credentials = () => ({ accessKeyId: `AKID${++calls}`, secretAccessKey: 'provided' })
      const client = await window.iotwasm.connect({ ...options, credentials, reconnect: soon })
      window.clients.push(client)
      return client
    }, { options: endpointOf(server), soon })
    const seen = await record(client)
    server.last().cut()
    await until(seen, 'state connected')
    expect(server.connections.map(c => dialled(c, 'X-Amz-Credential')?.split('/')[0])).toEqual(['AKID1', 'AKID2'])
  })

  test('is asked anew after a refused handshake', async ({ shared, scripted }) => {
    const server = await scripted({}, { upgrade: 403 }, {})
    const client = await shared.evaluateHandle(async ({ options, soon }) => {
      let calls = 0
      const credentials = () => ({ accessKeyId: `AKID${++calls}`, secretAccessKey: 'provided', expiration: new Date(Date.now() + 3_600_000) })
      const client = await window.iotwasm.connect({ ...options, credentials, reconnect: soon })
      window.clients.push(client)
      return client
    }, { options: endpointOf(server), soon })
    const seen = await record(client)
    server.last().cut()
    await until(seen, 'state connected')
    expect(server.connections.map(c => dialled(c, 'X-Amz-Credential')?.split('/')[0])).toEqual(['AKID1', 'AKID1', 'AKID2'])
  })

  for (const worker of [true, false]) {
    test(`that rejects, hangs or returns nonsense ends the connect in time, ${worker ? 'Worker' : "page's thread"}`, async ({ shared, scripted }) => {
      const server = await scripted({})
      const failures = await shared.evaluate(async options => {
        const providers: (() => unknown)[] = [
          () => Promise.reject(new Error('no network today')),
          () => { throw new Error('no luck') },
          () => new Promise(() => undefined),
          () => undefined,
          () => 'AKID',
          () => ({ accessKeyId: 'AKID' }),
          () => ({ accessKeyId: 'AKID', secretAccessKey: 'hidden-1234', expiration: 'tomorrow' }),
          () => ({ accessKeyId: 'AKID', secretAccessKey: 'hidden-1234', expiration: new Date(0) }),
        ]
        return Promise.all(providers.map(async credentials => {
          const before = performance.now()
          const failed = await window.failure(() => window.iotwasm.connect({ ...options, credentials: credentials as never, connectTimeout: 700 }))
          return { ...failed!, took: performance.now() - before }
        }))
      }, { ...endpointOf(server), worker })
      for (const f of failures) {
        expect(f).toMatchObject({ code: 'credentials-failed' })
        expect(f.field).toMatch(/^credentials/)
        expect(f.hint, f.message).toBeTruthy()
        expect(f.took).toBeLessThan(5000)
        expect(f.texts).not.toContain('hidden-1234')
      }
      expect(failures.map(f => f.cause)).toEqual(['Error: no network today', 'Error: no luck', ...Array.from({ length: 6 }, () => undefined)])
      expect(failures.map(f => f.retryable)).toEqual([true, true, true, false, false, false, false, false])
      expect(failures.map(f => f.field)).toEqual([
        'credentials', 'credentials', 'credentials', 'credentials', 'credentials', 'credentials.secretAccessKey', 'credentials.expiration', 'credentials.expiration',
      ])
      expect(server.connections).toHaveLength(0)
    })
  }

  test('that fails for a while during an outage is asked until it succeeds', async ({ shared, scripted }) => {
    const server = await scripted({})
    const client = await shared.evaluateHandle(async ({ options, soon }) => {
      let calls = 0
      const credentials = () => {
        calls++
        if (calls === 2) return Promise.reject(new Error('token service down'))
        if (calls === 3) return new Promise<never>(() => undefined)
        return Promise.resolve({ accessKeyId: 'AKID', secretAccessKey: 'provided' })
      }
      const client = await window.iotwasm.connect({ ...options, credentials, connectTimeout: 1000, reconnect: soon })
      window.clients.push(client)
      return client
    }, { options: endpointOf(server), soon })
    const seen = await record(client)
    server.last().cut()
    await until(seen, 'state connected')
    const told = (await seen.jsonValue()).map(e => e.text).filter(t => t.startsWith('error'))
    expect(told).toEqual(['error credentials-failed', 'error credentials-failed'])
    expect(server.connections).toHaveLength(2)
  })
})

test('static credentials that have expired: no first connect, and the end of a client that loses its link', async ({ shared, scripted }) => {
  const server = await scripted({})
  const expired = await shared.evaluate(o => window.failure(() => window.iotwasm.connect({ ...o, credentials: { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't', expiration: new Date(Date.now() - 1) } })), endpointOf(server))
  expect(expired).toMatchObject({ code: 'credentials-failed', field: 'credentials.expiration', retryable: false })
  expect(expired!.hint).toContain('function')
  expect(server.connections).toHaveLength(0)
  const client = await shared.evaluateHandle(async ({ options, soon }) => {
    const credentials = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't', expiration: new Date(Date.now() + 1500) }
    const client = await window.iotwasm.connect({ ...options, credentials, reconnect: soon })
    window.clients.push(client)
    return client
  }, { options: endpointOf(server), soon })
  const seen = await record(client)
  await shared.evaluate(() => new Promise(resolve => setTimeout(resolve, 1600)))
  server.last().cut()
  await until(seen, 'close credentials-failed')
  expect(server.connections).toHaveLength(1)
})

test('a clock that is off by an hour is found out, and clockOffset mends it', async ({ blank, options }) => {
  const seen = await blank.evaluate(async options => {
    const off = 3_600_000
    const real = Date.now.bind(Date)
    // The Worker's clock is the machine's, so the module runs here.
    Date.now = () => real() + off
    const Native = Date
    window.Date = class extends Native {
      constructor(...args: []) {
        if (args.length === 0) super(real() + off)
        else super(...args)
      }
    } as DateConstructor
    window.Date.now = Date.now
    const wrong = await window.failure(() => window.iotwasm.connect({ ...options, worker: false }))
    const mended = await window.iotwasm.connect({ ...options, worker: false, clockOffset: () => Promise.resolve(-off) })
    const failing = await window.failure(() => window.iotwasm.connect({ ...options, worker: false, clockOffset: () => { throw new Error('no time server') } }))
    const nonsense = await window.failure(() => window.iotwasm.connect({ ...options, worker: false, clockOffset: () => NaN }))
    const state = mended.state
    await mended.close()
    return { wrong, state, failing, nonsense }
  }, options)
  expect(seen.wrong).toMatchObject({ code: 'handshake-failed', field: 'clockOffset' })
  expect(seen.wrong!.hint).toMatch(/60 minutes ahead.*clockOffset: -36/)
  expect(seen.state).toBe('connected')
  expect(seen.failing).toMatchObject({ code: 'credentials-failed', field: 'clockOffset', cause: 'Error: no time server' })
  expect(seen.nonsense).toMatchObject({ field: 'clockOffset' })
})

test('a url function is asked at each attempt, and may fail', async ({ shared, scripted }) => {
  const server = await scripted({})
  const failures = await shared.evaluate(async () => {
    const urls: (() => string | Promise<string>)[] = [() => { throw new Error('no URL') }, () => new Promise(() => undefined), () => 'http://example.com', () => undefined as never]
    return Promise.all(urls.map(url => window.failure(() => window.iotwasm.connect({ url, connectTimeout: 700 }))))
  })
  expect(failures[0]).toMatchObject({ code: 'credentials-failed', field: 'url', cause: 'Error: no URL' })
  expect(failures[1]).toMatchObject({ code: 'credentials-failed', retryable: true })
  for (const f of failures.slice(2)) expect(f).toMatchObject({ code: 'invalid-argument', field: 'url', retryable: false })
  const client = await shared.evaluateHandle(async ({ url, soon }) => {
    let calls = 0
    const client = await window.iotwasm.connect({ url: () => `${url}?attempt=${++calls}`, reconnect: soon })
    window.clients.push(client)
    return client
  }, { url: server.url, soon })
  const seen = await record(client)
  server.last().cut()
  await until(seen, 'state connected')
  expect(server.connections.map(c => c.url)).toEqual(['/mqtt?attempt=1', '/mqtt?attempt=2'])
})

test.describe('Amazon Cognito', () => {
  const given = (keys: { accessKeyId: string, secretAccessKey: string, sessionToken?: string }, seconds: number): CognitoAnswer => [200, {
    IdentityId: 'eu-west-1:identity',
    Credentials: { AccessKeyId: keys.accessKeyId, SecretKey: keys.secretAccessKey, SessionToken: keys.sessionToken ?? 'cognito-token', Expiration: Date.now() / 1000 + seconds },
  }]

  test('gives credentials: GetId once, logins passed on, the expiration kept', async ({ shared, cognito, gateway, options }) => {
    const keys = await issued(gateway)
    const fake = await cognito({ GetId: [[200, { IdentityId: 'eu-west-1:identity' }]], GetCredentialsForIdentity: [given(keys, 90), given(keys, 3600)] })
    const logins = await shared.evaluate(async ({ options, pool, endpoint }) => {
      let logins = 0
      const credentials = window.iotwasm.cognitoIdentity({ identityPoolId: pool, endpoint, logins: () => ({ 'accounts.example.com': `login-${++logins}` }) })
      const open = async (): Promise<void> => { window.clients.push(await window.iotwasm.connect({ ...options, credentials })) }
      await Promise.all([open(), open(), open()])
      await open()
      const later = Date.now
      Date.now = () => later() + 40_000 // the first ones have less than a minute left
      try {
        await open()
      } finally {
        Date.now = later
      }
      await open()
      return logins
    }, { options, pool, endpoint: fake.endpoint })
    expect(logins).toBe(2)
    expect(fake.calls.map(c => [c.action, c.body])).toEqual([
      ['GetId', { IdentityPoolId: pool, Logins: { 'accounts.example.com': 'login-1' } }],
      ['GetCredentialsForIdentity', { IdentityId: 'eu-west-1:identity', Logins: { 'accounts.example.com': 'login-1' } }],
      ['GetCredentialsForIdentity', { IdentityId: 'eu-west-1:identity', Logins: { 'accounts.example.com': 'login-2' } }],
    ])
    for (const c of fake.calls) {
      expect(c.headers['content-type']).toBe('application/x-amz-json-1.1')
      expect(c.headers.cookie).toBeUndefined()
      expect(c.headers.referer).toBeUndefined()
    }
  })

  test('signs with the session token', async ({ shared, cognito, scripted, secrets }) => {
    secrets.push('cognito-token', 'cognito-secret')
    const server = await scripted({})
    const fake = await cognito({ GetId: [[200, { IdentityId: 'i' }]], GetCredentialsForIdentity: [given({ accessKeyId: 'ASIACOGNITO', secretAccessKey: 'cognito-secret' }, 3600)] })
    await shared.evaluate(async ({ options, pool, endpoint }) => {
      window.clients.push(await window.iotwasm.connect({ ...options, credentials: window.iotwasm.cognitoIdentity({ identityPoolId: pool, endpoint }) }))
    }, { options: endpointOf(server), pool, endpoint: fake.endpoint })
    expect(dialled(server.last(), 'X-Amz-Security-Token')).toBe('cognito-token')
    expect(fake.calls[0].body).toEqual({ IdentityPoolId: pool })
  })

  test('that refuses or cannot be reached is explained', async ({ shared, cognito, options }) => {
    const denied: CognitoAnswer = [400, { __type: 'com.amazonaws.cognito.identity.model#NotAuthorizedException', message: 'Unauthenticated access is not supported for this identity pool.' }]
    const fakes = [
      await cognito({ GetId: [denied] }),
      await cognito({ GetId: [[400, { __type: 'ResourceNotFoundException' }]] }),
      await cognito({ GetId: [[200, { IdentityId: 'i' }]], GetCredentialsForIdentity: [[400, { __type: 'TooManyRequestsException' }]] }),
      await cognito({ GetId: [[503, '<html>']] }),
      await cognito({ GetId: [[200, { IdentityId: 'i' }]], GetCredentialsForIdentity: [[200, { Credentials: { AccessKeyId: 'AKID', SecretKey: 'half-a-secret' } }]] }),
    ]
    const gone = await cognito({})
    await gone.stop()
    const failures = await shared.evaluate(({ options, pool, endpoints }) => Promise.all(endpoints.map(endpoint =>
      window.failure(() => window.iotwasm.connect({ ...options, credentials: window.iotwasm.cognitoIdentity({ identityPoolId: pool, endpoint }) })))),
    { options, pool, endpoints: [...fakes, gone].map(f => f.endpoint) })
    for (const f of failures) {
      expect(f).toMatchObject({ code: 'credentials-failed', field: 'credentials' })
      expect(f!.texts).not.toContain('half-a-secret')
    }
    expect(failures.map(f => f!.retryable)).toEqual([false, false, true, true, true, true])
    expect(failures[0]).toMatchObject({ message: expect.stringContaining('NotAuthorizedException') as unknown, hint: expect.stringContaining('unauthenticated') as unknown })
    expect(failures[1]!.hint).toContain('identityPoolId')
    expect(failures[5]).toMatchObject({ message: expect.stringContaining('reached') as unknown, hint: expect.stringContaining('connect-src') as unknown, cause: expect.stringContaining('fetch') as unknown })
  })

  test('is asked for the identity anew where it lost it', async ({ shared, cognito, gateway, options }) => {
    const fake = await cognito({
      GetId: [[200, { IdentityId: 'old' }], [200, { IdentityId: 'new' }]],
      GetCredentialsForIdentity: [[400, { __type: 'ResourceNotFoundException' }], given(await issued(gateway), 3600)],
    })
    const first = await shared.evaluate(async ({ options, pool, endpoint }) => {
      const credentials = window.iotwasm.cognitoIdentity({ identityPoolId: pool, endpoint })
      const first = await window.failure(() => window.iotwasm.connect({ ...options, credentials }))
      window.clients.push(await window.iotwasm.connect({ ...options, credentials }))
      return first
    }, { options, pool, endpoint: fake.endpoint })
    expect(first?.code).toBe('credentials-failed')
    expect(fake.calls.map(c => c.body['IdentityId'] ?? c.action)).toEqual(['GetId', 'old', 'GetId', 'new'])
  })
})

test.describe('a custom authorizer', () => {
  test('by query', async ({ shared, scripted }) => {
    const server = await scripted({})
    await connected(shared, { endpoint: `ws://127.0.0.1:${server.port}`, authorizer: { name: 'my authorizer', token: 'tök&en', tokenKeyName: 'key', signature: 'c2ln+/==' } })
    const { url, subprotocol } = server.last()
    expect(url.split('?')[0]).toBe('/mqtt')
    expect(subprotocol).toBe('mqtt')
    expect(Object.fromEntries(new URLSearchParams(url.split('?')[1]))).toEqual({
      'x-amz-customauthorizer-name': 'my authorizer', 'x-amz-customauthorizer-signature': 'c2ln+/==', key: 'tök&en',
    })
    const [connect] = server.last().of('connect')
    expect(connect.username).toBeUndefined()
    expect(connect.password).toBeUndefined()
  })

  test('by user name and password', async ({ shared, scripted }) => {
    const server = await scripted({})
    await connected(shared, { endpoint: `ws://127.0.0.1:${server.port}`, authorizer: { name: 'mine', token: 't', username: 'me', password: 'p\u00e4ss' } })
    await connected(shared, { endpoint: `ws://127.0.0.1:${server.port}`, authorizer: { name: 'mine', password: 'only' } })
    expect(server.connections.map(c => c.url)).toEqual(['/mqtt', '/mqtt'])
    const [one, two] = server.connections.map(c => c.of('connect')[0])
    expect([one.username, String(one.password)]).toEqual(['me?x-amz-customauthorizer-name=mine&token=t', 'päss'])
    expect([two.username, String(two.password)]).toEqual(['?x-amz-customauthorizer-name=mine', 'only'])
  })

  test('that refuses is explained', async ({ shared, scripted }) => {
    const server = await scripted({ upgrade: 403 })
    const failed = await shared.evaluate(o => window.failure(() => window.iotwasm.connect(o)), { endpoint: `ws://127.0.0.1:${server.port}`, authorizer: { name: 'mine', token: 'hidden-token' } })
    expect(failed).toMatchObject({ code: 'handshake-failed' })
    expect(failed!.field).toMatch(/^authorizer/)
    expect(failed!.hint).toContain('custom authorizer mine')
    expect(failed!.hint).not.toContain('clock')
    expect(failed!.texts).not.toContain('hidden-token')
  })
})

test('no secret in any error or log entry', async ({ shared, scripted, topic, secrets }) => {
  const hidden = ['Hidden/Secret+Key', 'hidden-session-token', 'hidden-user', 'hidden-password', 'hidden-authorizer-token', 'hidden-payload']
  secrets.push(...hidden)
  const server = await scripted({}, { upgrade: 403 }, { connack: { reasonCode: 0x89 } }, {}, { connack: { reasonCode: 0x87 } })
  const authorized = await scripted({}, { upgrade: 403 }, { connack: { reasonCode: 0x86 } })
  const said = await shared.evaluateHandle(() => [] as string[])
  const clients = await said.evaluateHandle(async (said, { endpoint, other, soon }) => {
    const hear = (o: unknown): void => {
      const seen = new Set<unknown>()
      const write = (v: unknown): void => {
        if (typeof v !== 'object' || v === null) said.push(String(v))
        else if (!seen.has(v)) {
          seen.add(v)
          if (v instanceof Error) said.push(String(v), String(v.stack))
          for (const key of Object.getOwnPropertyNames(v)) write((v as Record<string, unknown>)[key])
        }
      }
      write(o)
    }
    const common = { region: 'us-east-1', reconnect: soon, logLevel: 'debug' as const, log: hear, will: { topic: 'will', payload: 'hidden-payload' } }
    const clients = [
      await window.iotwasm.connect({ ...common, endpoint, username: 'hidden-user', password: 'hidden-password', credentials: () => ({ accessKeyId: 'ASIA', secretAccessKey: 'Hidden/Secret+Key', sessionToken: 'hidden-session-token' }) }),
      await window.iotwasm.connect({ ...common, endpoint: other, authorizer: { name: 'a', token: 'hidden-authorizer-token', username: 'hidden-user', password: 'hidden-password' } }),
    ]
    for (const c of clients) {
      for (const event of ['state', 'connect', 'reconnect', 'offline', 'packet', 'disconnect', 'close', 'error'] as const) c.on(event, (...args: unknown[]) => { args.forEach(hear) })
      window.clients.push(c)
    }
    return clients
  }, { endpoint: `ws://127.0.0.1:${server.port}`, other: `ws://127.0.0.1:${authorized.port}`, soon })
  const [first, second] = [await clients.evaluateHandle(c => c[0]!), await clients.evaluateHandle(c => c[1]!)]
  const [seen, secondSeen] = [await record(first), await record(second)]
  await first.evaluate(async (c, topic) => { await c.publish(topic, 'hidden-payload', { qos: 1 }) }, topic)
  server.last().cut()
  authorized.last().cut()
  await until(seen, 'state connected')
  await until(secondSeen, /^close/)
  server.last().cut()
  await until(seen, /^close/)
  const text = (await said.jsonValue()).join('\n')
  expect(text).toContain('connack-refused')
  expect(text).toContain('PUBLISH')
  for (const secret of [...hidden, ...hidden.map(encodeURIComponent), 'X-Amz-Signature']) expect(text).not.toContain(secret)
})
