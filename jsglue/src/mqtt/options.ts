/** What the options of mqtt.js say to the session, and what it dials at each attempt. */
import * as check from '../arguments'
import { awsLimits, connectOptions, target, type Checked, type Login, type Target } from '../connect-options'
import { inTime } from '../credentials'
import { IotError } from '../errors'
import { OnRefusal } from '../kinds'
import type { ConnectOptions, Will } from '../types'
import type { MqttClient } from './client'
import { bytes } from './packets'
import type { IClientOptions } from './types'

const defaults = {
  keepalive: 60, reschedulePings: true, protocolId: 'MQTT', protocolVersion: 5, reconnectPeriod: 1000, connectTimeout: 30_000,
  clean: true, resubscribe: true, subscribeBatchSize: null, writeCache: true, timerVariant: 'auto',
} as const

/** Puts the defaults into the page's object, where mqtt.js puts them as well. */
export function fillDefaults(o: IClientOptions): void {
  for (const [key, value] of Object.entries(defaults)) (o as Record<string, unknown>)[key] ??= value
}

const isAws = (o: IClientOptions): boolean => o.aws !== undefined || /\.iot\.[a-z\d-]+\.amazonaws\.com(\.cn)?$/.test(o.hostname ?? o.host ?? '')

export function batchSize(o: IClientOptions): number {
  const { subscribeBatchSize: size } = o
  return size! >= 1 ? Math.floor(size!) : isAws(o) ? 8 : Infinity
}

/** An older protocol keeps a session that is not clean without end [MQTT-3.1.2-4 of 3.1.1]. */
const forever = 0xffffffff

/** The session's options. `asked` is the protocol version that the page asked for. */
export function sessionOptions(o: IClientOptions, asked: number, endpoint: string): Checked {
  const { aws } = o, period = check.optional(o.reconnectPeriod, 'reconnectPeriod', check.integer(0, 0x7fffffff))!
  const { sessionExpiryInterval, ...properties } = o.properties ?? {}
  check.optional(o.keepalive, 'keepalive', check.u16)
  check.optional(o.clean, 'clean', check.flag)
  const checked = connectOptions({
    ...(aws ? { endpoint, region: aws.region, clockOffset: aws.clockOffset, ...(aws.authorizer ? { authorizer: aws.authorizer } : { credentials: aws.credentials }) } : { url: () => '' }),
    clientId: o.clientId, keepAlive: o.keepalive, cleanStart: o.clean,
    sessionExpiryInterval: sessionExpiryInterval ?? (o.clean === false && asked < 5 ? forever : 0),
    connectTimeout: o.connectTimeout,
    ...(!aws?.authorizer && { username: o.username ?? undefined, password: o.password ?? undefined }),
    ...(o.will && { will: { ...o.will, payload: bytes(o.will.payload ?? '') } as Will }),
    properties,
    reconnect: period > 0 && { minDelay: period, maxDelay: period },
    resubscribe: o.resubscribe,
    topicAliases: !!(o.autoAssignTopicAlias || o.autoUseTopicAlias),
    ...(isAws(o) && !aws ? { limits: awsLimits } : {}),
    worker: o.createWebsocket ? false : o.worker,
    wasmURL: o.wasmURL, workerURL: o.workerURL, integrity: o.integrity, wasmModule: o.wasmModule,
  } as ConnectOptions)
  if (Number.isFinite(batchSize(o))) checked.bounds = { ...checked.bounds, filtersPerSubscribe: batchSize(o) }
  return {
    ...checked,
    steady: true,
    onRefusal: o.reconnectOnConnackError ? OnRefusal.retry : OnRefusal.hold,
  }
}

/** What to dial at one attempt, where `url` would be. */
export async function dialled(url: string, o: IClientOptions, checked: Checked, client: MqttClient): Promise<Target> {
  if (o.aws && !o.transformWsUrl) {
    const t = await target(checked)
    return o.aws.authorizer ? t : { ...t, login: login(o) }
  }
  let dialled = url
  if (o.transformWsUrl) {
    try {
      dialled = check.address(await inTime(Promise.resolve(o.transformWsUrl(url, o, client)), 'transformWsUrl', Math.ceil(0.9 * checked.connectTimeout)), 'transformWsUrl')
    } catch (cause) {
      if (cause instanceof IotError) throw cause
      throw new IotError('credentials-failed', 'the transformWsUrl function failed', { field: 'transformWsUrl', cause, retryable: true, hint: 'See cause for what it threw.' })
    }
  }
  return { url: dialled, credentials: undefined, clockOffset: 0, login: login(o) }
}

/** What `transformWsUrl` may have changed. */
function login({ clientId, username, password }: IClientOptions): Login {
  check.text(clientId, 'clientId')
  check.optional(username ?? undefined, 'username', check.text)
  if (typeof password !== 'string') check.optional(password ?? undefined, 'password', check.bytes)
  return { clientId: clientId!, username: username ?? undefined, password: password ?? undefined }
}
