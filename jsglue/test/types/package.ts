/** The package's declarations as a consumer compiles them: what must compile, and what must not. */
import { cognitoIdentity, connect, isIotError, load, presign, version } from 'iotwasm'
import type {
  Client, ClientEvents, ClientState, Connack, ConnectOptions, Credentials, DelayedReport, DelayedRun, DelayedStep, IotError, IotErrorCode, Match, Message,
  PublishResult, QoS, ServerDisconnect, Shadow, ShadowDocument, ShadowView, Stats, Subscription, Packet, Retry,
} from 'iotwasm'
import { expectTypeOf } from 'expect-type'

declare const credentials: Credentials
declare const client: Client
const endpoint = 'abc-ats.iot.eu-west-1.amazonaws.com'

// Functions.
expectTypeOf(load).returns.toEqualTypeOf<Promise<void>>()
expectTypeOf(connect).returns.toEqualTypeOf<Promise<Client>>()
expectTypeOf(presign).returns.toEqualTypeOf<Promise<string>>()
expectTypeOf(cognitoIdentity).returns.toEqualTypeOf<() => Promise<Credentials>>()
expectTypeOf(version).toEqualTypeOf<string>()
expectTypeOf(isIotError).guards.toEqualTypeOf<IotError>()

void load()
void load({ worker: false, wasmURL: new URL('https://a.example/iotwasm.wasm'), integrity: 'sha384-x' })
// @ts-expect-error the option is wasmURL
void load({ wasmUrl: '/iotwasm.wasm' })
void presign({ endpoint, credentials, expires: 300, date: new Date() })
// @ts-expect-error credentials are missing
void presign({ endpoint })
// @ts-expect-error a key without its secret
void presign({ endpoint, credentials: { accessKeyId: 'AKIA' } })
void cognitoIdentity({ identityPoolId: 'eu-west-1:x', logins: () => ({ a: 'token' }) })
// @ts-expect-error the pool is missing
void cognitoIdentity({})

// Connecting.
void connect({ endpoint, credentials })
void connect({ endpoint, credentials: async () => credentials, signal: new AbortController().signal })
void connect({ endpoint, credentials: cognitoIdentity({ identityPoolId: 'eu-west-1:x' }) })
void connect({ endpoint, authorizer: { name: 'mine', token: 't', signature: 's' } })
void connect({ url: 'wss://broker.example/mqtt', reconnect: false, limits: false })
void connect({ url: async () => 'wss://broker.example/mqtt', reconnect: { minDelay: 10 }, will: { topic: 'gone', qos: 1, properties: { willDelayInterval: 5 } } })
// @ts-expect-error without options
void connect()
// @ts-expect-error the option is clientId
void connect({ endpoint, credentials, clientID: 'a' })
// @ts-expect-error with exactOptionalPropertyTypes an option is left out, not undefined
void connect({ endpoint, credentials, clientId: undefined })
// @ts-expect-error a number of seconds
void connect({ endpoint, credentials, keepAlive: '60' })
// @ts-expect-error `true` is no policy of reconnecting
void connect({ endpoint, credentials, reconnect: true })
// @ts-expect-error no such level
void connect({ endpoint, credentials, logLevel: 'trace' })
// @ts-expect-error no QoS 3
void connect({ endpoint, credentials, will: { topic: 'gone', qos: 3 } })
expectTypeOf<ConnectOptions['credentials']>().toEqualTypeOf<Credentials | (() => Credentials | Promise<Credentials>) | undefined>()

// Subscribing.
expectTypeOf(client.subscribe('a')).toEqualTypeOf<Promise<Subscription>>()
void client.subscribe(['a', 'b/#'] as const, { qos: 1, overflow: 'latest' }, (message, match) => {
  expectTypeOf(message).toEqualTypeOf<Message>()
  expectTypeOf(match).toEqualTypeOf<Match>()
  expectTypeOf(match.wildcards).toEqualTypeOf<readonly string[]>()
})
void client.subscribe('a', message => { message.ack() })
// @ts-expect-error no QoS 3
void client.subscribe('a', { qos: 3 })
// @ts-expect-error no such policy
void client.subscribe('a', { overflow: 'block' })
// @ts-expect-error a handler gets a message, not text
void client.subscribe('a', (text: string) => text)
// @ts-expect-error the handler comes last
void client.subscribe('a', () => {}, { qos: 1 })

export async function iterate(subscription: Subscription, run: DelayedRun, shadow: Shadow) {
  for await (const message of subscription) {
    expectTypeOf(message).toEqualTypeOf<Message>()
    expectTypeOf(message.payload).toEqualTypeOf<Uint8Array>()
    expectTypeOf(message.json()).toEqualTypeOf<unknown>()
    expectTypeOf(message.json<{ on: boolean }>()).toEqualTypeOf<{ on: boolean }>()
    // @ts-expect-error read only
    message.topic = 'b'
  }
  for await (const step of run) expectTypeOf(step).toEqualTypeOf<DelayedStep>()
  for await (const view of shadow.watch({ exactIntegers: true })) expectTypeOf(view).toEqualTypeOf<ShadowView>()
}

// Publishing.
expectTypeOf(client.publish('a', 'text')).toEqualTypeOf<Promise<PublishResult>>()
void client.publish('a', { on: true }, { qos: 1, properties: { userProperties: { a: ['1', '2'] } } })
void client.publish('a', new Uint8Array(2).buffer)
// @ts-expect-error no QoS 3
void client.publish('a', '', { qos: 3 })
// @ts-expect-error a number is no payload
void client.publish('a', 5)
// @ts-expect-error the payload is missing
void client.publish('a')
// @ts-expect-error a delay belongs to publishDelayed
void client.publish('a', '', { delay: 5 })
expectTypeOf(client.request('a', 'b')).toEqualTypeOf<Promise<Message>>()
// @ts-expect-error the correlation data are the client's own
void client.request('a', 'b', { properties: { correlationData: new Uint8Array() } })

// Delayed publishing.
expectTypeOf(client.publishDelayed('a', 'b', { delay: 2000 })).toEqualTypeOf<DelayedRun>()
expectTypeOf(client.publishDelayed([{ topic: 'a', payload: 'b' }])).toEqualTypeOf<DelayedRun>()
client.publishDelayed('a', step => ({ at: step.plannedAt }), { at: new Date(), gate: 'ack', signal: new AbortController().signal })
client.publishDelayed([{ topic: 'a', payload: async () => 'b', gate: { until: (message, step) => message.topic === step.topic, timeout: 5 } }], { spacing: 50, offline: 'skip' })
// @ts-expect-error one message needs its options
client.publishDelayed('a', 'b')
// @ts-expect-error a step needs a topic
client.publishDelayed([{ payload: 'b' }])
// @ts-expect-error `at` is a date
client.publishDelayed('a', 'b', { at: 5 })
// @ts-expect-error no such gate
client.publishDelayed('a', 'b', { gate: 'puback' })
// @ts-expect-error `until` cannot be named only
client.publishDelayed('a', 'b', { gate: { on: 'until' } })
// @ts-expect-error no such policy
client.publishDelayed([], { onFailure: 'ignore' })
expectTypeOf(client.delayed()).toEqualTypeOf<readonly DelayedRun[]>()
expectTypeOf(client.resumeDelayed('name')).toEqualTypeOf<Promise<DelayedRun | undefined>>()
expectTypeOf<DelayedRun['done']>().toEqualTypeOf<Promise<DelayedReport>>()

export function follow(run: DelayedRun) {
  run.on('progress', step => { expectTypeOf(step).toEqualTypeOf<DelayedStep>() })
  run.on('state', state => { expectTypeOf(state).toEqualTypeOf<'running' | 'paused' | 'standby' | 'finished'>() })
  // @ts-expect-error no such event
  run.on('done', () => {})
  // @ts-expect-error a step is rescheduled to a time
  run.reschedule(1)
}

// Shadows.
const shadow = client.shadow('lamp', 'colour')
expectTypeOf(shadow).toEqualTypeOf<Shadow>()
expectTypeOf(shadow.update({ desired: { on: true }, reported: null }, { version: 3 })).toEqualTypeOf<Promise<ShadowDocument>>()
expectTypeOf(shadow.delete()).toEqualTypeOf<Promise<{ version: number }>>()
void shadow.modify(now => ({ desired: { count: now.version } }), { attempts: 2 })
// @ts-expect-error the sections are desired and reported
void shadow.update({ state: { desired: {} } })
// @ts-expect-error a delta is the service's
void shadow.update({ delta: {} })

// Events.
expectTypeOf<keyof ClientEvents>().toEqualTypeOf<'state' | 'connect' | 'reconnect' | 'offline' | 'packet' | 'message' | 'disconnect' | 'close' | 'error'>()
expectTypeOf(client.on('state', (state, error) => {
  expectTypeOf(state).toEqualTypeOf<ClientState>()
  expectTypeOf(error).toEqualTypeOf<IotError | undefined>()
})).toEqualTypeOf<() => void>()
client.on('connect', connack => { expectTypeOf(connack).toEqualTypeOf<Connack>() })
client.on('reconnect', retry => { expectTypeOf(retry).toEqualTypeOf<Retry>() })
client.on('packet', packet => { expectTypeOf(packet).toEqualTypeOf<Packet>() })
client.on('message', message => { expectTypeOf(message).toEqualTypeOf<Message>() })
client.on('disconnect', packet => { expectTypeOf(packet).toEqualTypeOf<ServerDisconnect>() })
client.on('error', error => { expectTypeOf(error).toEqualTypeOf<IotError>() })
// @ts-expect-error no such event
client.on('messages', () => {})
// @ts-expect-error another handler's argument
client.on('message', (message: IotError) => message)
expectTypeOf(client.stats()).toEqualTypeOf<Promise<Stats>>()
expectTypeOf<QoS>().toEqualTypeOf<0 | 1 | 2>()

// Errors.
/** A switch over all codes leaves nothing: a new code shows here. */
export function advice(error: unknown): string {
  if (!isIotError(error)) {
    expectTypeOf(error).toEqualTypeOf<unknown>()
    return ''
  }
  const { code } = error
  switch (code) {
    case 'connack-refused': case 'subscribe-refused': case 'publish-refused': case 'server-disconnect': case 'shadow-rejected':
      expectTypeOf(error.reasonCode).toEqualTypeOf<number | undefined>()
      return `${error.reasonCode}`
    case 'invalid-argument': return error.field ?? ''
    case 'credentials-failed': case 'handshake-failed': return error.hint ?? ''
    case 'transport-closed': case 'closed': case 'quota-exceeded': case 'offline': case 'storage-failed': case 'timeout': case 'aborted':
    case 'protocol-error': case 'load-failed': case 'version-mismatch': case 'runtime-crashed': case 'internal': case 'unsupported-environment':
      return `${error.retryable}`
    default: return code satisfies never
  }
}
expectTypeOf<IotErrorCode>().toBeString()
// @ts-expect-error no such code
export const wrong: IotErrorCode = 'time-out'
