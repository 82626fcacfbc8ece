/**
 * What `connect(url, options)` of mqtt.js makes of its arguments, and the URL that
 * each attempt dials. Options win over the URL, but for its `clientId`.
 */
import type { IClientOptions, MqttProtocol } from './types'

/** Those that mqtt.js maps to a WebSocket over TLS; any other that it does not know becomes `ws`. */
const secure = ['wss', 'mqtts']

function dialled(protocol: string | undefined): MqttProtocol {
  if (/^(wx|ali)s?$/.test(protocol ?? '')) throw new Error(`Protocol "${protocol}" is of a mini program and not supported; use wss`)
  return secure.includes(protocol!) ? 'wss' : 'ws'
}

/** The protocol of a WebSocket to where the page is from. */
const pageProtocol = (): MqttProtocol => globalThis.location?.protocol === 'https:' ? 'wss' : 'ws'

interface Parts extends Pick<IClientOptions, 'auth' | 'host' | 'path' | 'port' | 'query'> { protocol?: string }

/** As the URL says it, without what WHATWG's parser makes of it. Only what has a protocol has a host. */
function parseURL(url: string): Parts {
  const [, protocol, auth, v6, name, port, pathname, search] =
    /^(?:([a-z\d.+-]+:)(?:\/\/)?(?:([^/?#]*)@)?(?:\[([^\]]*)\]|([^:/?#]*))(?::(\d*))?)?([^?#]*)(\?[^#]*)?/i.exec(url.trim())!
  const host = (v6 || name)?.toLowerCase(), path = `${pathname}${search ?? ''}`, query: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(search)) query[key] ??= value
  return { query, ...protocol && { protocol: protocol.toLowerCase() }, ...auth && { auth: decodeURIComponent(auth) }, ...host && { host }, ...port && { port: Number(port) }, ...path && { path } }
}

/** The options as merged, and the URL to dial at an attempt, counted from 0: by what the options say then. */
export function parseConnect(url?: string | IClientOptions | null, opts?: IClientOptions): { options: IClientOptions, dial: (attempt: number) => string } {
  let o: IClientOptions = opts ?? (typeof url === 'object' && url || {})
  if (typeof url === 'string' && url) {
    const parts = parseURL(url)
    o = { ...parts as IClientOptions, ...o }
    if (!o.protocol) {
      if (parts.host || !parts.path?.startsWith('/')) throw new Error('Missing protocol')
      o.protocol = pageProtocol()
    }
  }
  if (o.protocol) o.protocol = o.protocol.replace(/:$/, '') as MqttProtocol
  if (!/^w[sx]/.test(o.protocol ?? '')) delete o.path
  if (o.auth) {
    const colon = o.auth.lastIndexOf(':', o.auth.length - 2) // the last that has something on both its sides
    if (colon > 0) o.password = o.auth.slice(colon + 1)
    o.username = colon > 0 ? o.auth.slice(0, colon) : o.auth
  }
  if (typeof o.query?.['clientId'] === 'string') o.clientId = o.query['clientId']
  if (o.cert && o.key) {
    if (!o.protocol) throw new Error('Missing secure protocol key')
    if (o.protocol === 'mqtt' || o.protocol === 'ws') o.protocol = 'wss'
    else if (!secure.includes(o.protocol)) throw new Error(`Unknown protocol for secure connection: "${o.protocol}"!`)
  }
  o.defaultProtocol = o.protocol = dialled(o.protocol)
  if (o.clean === false && !o.clientId) throw new Error('Missing clientId for unclean clients')

  return {
    options: o,
    dial(attempt) {
      const server = o.servers?.[attempt % o.servers.length]
      if (server) Object.assign(o, { host: server.host, hostname: server.host, port: server.port, protocol: dialled(server.protocol || o.defaultProtocol) })
      o.hostname ||= o.host!
      if (!o.hostname) {
        const { hostname, port } = globalThis.location ?? {}
        if (!hostname) throw new Error('Could not determine host. Specify host manually.')
        o.hostname = hostname
        if (o.protocol === pageProtocol()) o.port ||= Number(port)
      }
      o.port ||= o.protocol === 'wss' ? 443 : 80
      o.path ||= '/'
      return `${o.protocol}://${/:.*:/.test(o.hostname) && o.hostname[0] !== '[' ? `[${o.hostname}]` : o.hostname}:${o.port}${o.path}`
    },
  }
}
