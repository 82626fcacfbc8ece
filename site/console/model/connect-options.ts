/** Makes of a profile and its secrets what `connect` takes. Nothing is checked here: the module says what is wrong and names the field. */
import type { ConnectOptions } from 'iotwasm'
import type { Profile, Secrets } from './profile'

/** @param cognito `cognitoIdentity` of the package */
export function connectOptions(profile: Profile, secrets: Secrets, cognito: typeof import('iotwasm').cognitoIdentity): ConnectOptions {
  const { keepAlive, cleanStart, sessionExpiryInterval, connectTimeout, worker, reconnect, reconnectMinDelay: minDelay, reconnectMaxDelay: maxDelay, limits, will, properties } = profile
  return {
    ...server(profile, secrets, cognito),
    clientId: clientIdOf(profile), keepAlive, cleanStart, connectTimeout, worker,
    ...sessionExpiryInterval !== undefined && { sessionExpiryInterval },
    ...reconnect ? { reconnect: { ...minDelay !== undefined && { minDelay }, ...maxDelay !== undefined && { maxDelay } } } : { reconnect: false as const },
    ...!limits && { limits: false as const },
    ...properties && { properties },
    ...will?.topic && {
      will: {
        topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain,
        properties: { ...will.properties, ...will.delayInterval !== undefined && { willDelayInterval: will.delayInterval } },
      },
    },
  }
}

function server(profile: Profile, secrets: Secrets, cognito: typeof import('iotwasm').cognitoIdentity): ConnectOptions {
  const { authentication, endpoint, region, clockOffset, identityPoolId, loginProvider, authorizerName, tokenKeyName, username } = profile
  const { accessKeyId = '', secretAccessKey = '', sessionToken, password, idToken, token, tokenSignature } = secrets
  const aws = { endpoint, ...region && { region } }
  switch (authentication) {
    case 'none': return { url: endpoint, ...username && { username }, ...password && { password } }
    case 'cognito': return { ...aws, clockOffset, credentials: cognito({ identityPoolId, ...loginProvider && idToken && { logins: { [loginProvider]: idToken } } }) }
    case 'authorizer': return {
      endpoint, authorizer: {
        name: authorizerName, ...token && { token }, ...tokenKeyName && { tokenKeyName }, ...tokenSignature && { signature: tokenSignature }, ...username && { username }, ...password && { password },
      },
    }
    default: return { ...aws, clockOffset, credentials: { accessKeyId, secretAccessKey, ...sessionToken && { sessionToken } } }
  }
}

/** As the profile says, with its suffix made anew. */
export function clientIdOf({ clientId, clientIdSuffix }: Profile): string {
  switch (clientIdSuffix) {
    case 'random': return clientId + crypto.randomUUID().slice(0, 8)
    case 'timestamp': return clientId + Date.now()
    case 'none': return clientId
  }
}
