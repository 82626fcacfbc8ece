/**
 * A connection profile: everything that `connect` takes and that is no secret. It
 * can be stored and exported; secrets are kept apart, in memory only.
 */
import type { ConnectProperties, PublishProperties, QoS } from 'iotwasm'

/** How the connection is authenticated. */
export type Authentication = 'keys' | 'cognito' | 'gateway' | 'authorizer' | 'none'

/** What the client identifier ends with, made anew at each connect. */
export type ClientIdSuffix = 'none' | 'random' | 'timestamp'

export interface WillProfile {
  topic: string
  payload: string
  qos: QoS
  retain: boolean
  /** Seconds. */
  delayInterval?: number
  properties?: PublishProperties
}

export interface Profile {
  /** Unique in this browser. */
  id: string
  name: string
  authentication: Authentication
  /** AWS IoT data endpoint; with `none` the WebSocket URL of any MQTT 5 broker. */
  endpoint: string
  region: string
  /** With `cognito`. */
  identityPoolId: string
  /** With `cognito`, for signed-in users: the login provider's name; its token is a secret. */
  loginProvider: string
  /** With `authorizer`. */
  authorizerName: string
  /** Name of the token's key. */
  tokenKeyName: string
  /** User name of the CONNECT, with `none` and `authorizer`. */
  username: string
  clientId: string
  clientIdSuffix: ClientIdSuffix
  /** Seconds. */
  keepAlive: number
  cleanStart: boolean
  /** Seconds; undefined is the module's default. */
  sessionExpiryInterval?: number
  /** ms. */
  connectTimeout: number
  /** ms. */
  clockOffset: number
  reconnect: boolean
  /** ms; undefined is the module's default. */
  reconnectMinDelay?: number
  /** ms. */
  reconnectMaxDelay?: number
  /** Keeps the limits of AWS IoT Core. */
  limits: boolean
  /** Runs in a Worker, or on the page's thread. */
  worker: boolean
  will?: WillProfile
  properties?: ConnectProperties
}

/** What is never stored. */
export interface Secrets {
  accessKeyId?: string
  secretAccessKey?: string
  sessionToken?: string
  password?: string
  /** Of the login provider. */
  idToken?: string
  /** Token of a custom authorizer, and its signature. */
  token?: string
  tokenSignature?: string
}

export function newProfile(given: Partial<Profile> = {}): Profile {
  return {
    id: crypto.randomUUID(), name: '', authentication: 'keys', endpoint: '', region: '', identityPoolId: '', loginProvider: '', authorizerName: '', tokenKeyName: '', username: '',
    clientId: 'console-', clientIdSuffix: 'random', keepAlive: 60, cleanStart: true, connectTimeout: 30_000, clockOffset: 0, reconnect: true, limits: true, worker: true,
    ...given,
  }
}
