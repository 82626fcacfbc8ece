/** Signs a WebSocket URL for AWS IoT Core with Signature Version 4, in the query. */

const text = new TextEncoder()
const hex = bytes => Array.from(new Uint8Array(bytes), byte => byte.toString(16).padStart(2, '0')).join('')
const digest = async message => hex(await crypto.subtle.digest('SHA-256', text.encode(message)))

async function hmac(key, message) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return crypto.subtle.sign('HMAC', imported, text.encode(message))
}

/** The URL is good for the handshake of the next five minutes, for who has it: keep it to yourself. */
export async function sign(url, region, { accessKeyId, secretAccessKey, sessionToken }) {
  const { host, pathname } = new URL(url)
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = [time.slice(0, 8), region, 'iotdevicegateway', 'aws4_request']
  const query = Object.entries({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': [accessKeyId, ...scope].join('/'),
    'X-Amz-Date': time, 'X-Amz-SignedHeaders': 'host',
  }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const request = ['GET', pathname, query, `host:${host}\n`, 'host', await digest('')].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), await digest(request)].join('\n')
  let key = text.encode(`AWS4${secretAccessKey}`)
  for (const part of scope) key = await hmac(key, part)
  const signature = hex(await hmac(key, toSign))
  // AWS IoT wants the token after the signature, not under it.
  const token = sessionToken ? `&X-Amz-Security-Token=${encodeURIComponent(sessionToken)}` : ''
  return `${url}?${query}&X-Amz-Signature=${signature}${token}`
}
