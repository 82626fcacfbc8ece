/** The Node side of scenarios: a link and, where asked, a scripted server for each run, and what is done to them on demand. */
import { randomBytes } from 'node:crypto'
import { startProxy, type Proxy } from '../fault-proxy.mjs'
import type { PlainOptions } from '../fixtures'
import { signed } from '../observer'
import { startScripted, type Packet, type Scripted } from '../scripted-server.mjs'
import type { Gateway } from '../servers.mjs'
import { show } from './recorder'
import type { Scenario, ServerKind, Session } from './types'

export const controlToken = 'differential-control-token'

export interface Servers {
  gateway: Gateway
  aws: Gateway
  /** URL of its WebSocket listener. */
  mosquitto: string
}

interface Opened {
  session: Session
  proxy: Proxy
  scripted?: Scripted
  gateway?: Gateway
  rules: string[]
}

/** Opens sessions, does what their pages ask for, and closes them. */
export class Sessions {
  #open = new Map<string, Opened>()

  constructor(readonly servers: Servers) {}

  async open(scenario: Scenario, on: ServerKind): Promise<Session> {
    const scripted = on === 'scripted' ? await startScripted(...scenario.plans ?? []) : undefined
    const gateway = on === 'gateway' || on === 'aws' ? this.servers[on] : undefined
    const direct = scripted?.url ?? (gateway ? `${gateway.options.endpoint}/mqtt` : this.servers.mosquitto)
    const proxy = await startProxy(Number(new URL(direct).port))
    const through = proxy.through(direct)
    const url = gateway ? await sign(gateway, through) : through
    const token = randomBytes(4).toString('hex')
    const session: Session = {
      key: `${scenario.name} ${token}`, scenario: scenario.name, on, url, token,
      badUrl: url.replace(/(X-Amz-Signature=)(.)/, (_, name: string, digit: string) => name + (digit === '0' ? '1' : '0')),
      hidden: [[url, '<url>'], [`127.0.0.1:${proxy.port}`, '<server>'], [String(proxy.port), '<port>']],
    }
    this.#open.set(session.key, { session, proxy, scripted, gateway, rules: [] })
    return session
  }

  async close(key: string): Promise<void> {
    const opened = this.#open.get(key)
    if (!opened) return
    this.#open.delete(key)
    await clear(opened)
    await opened.proxy.stop()
    await opened.scripted?.stop()
  }

  /** What a page asks for. */
  async ask(key: string, method: string, args: unknown[]): Promise<unknown> {
    const opened = this.#open.get(key)
    if (!opened) return undefined
    const { proxy, scripted } = opened
    switch (method) {
      case 'cut': return proxy.cut()
      case 'freeze': return proxy.freeze()
      case 'refuse': return proxy.refuse()
      case 'accept': return proxy.accept()
      case 'connections': return proxy.connections()
      case 'kick': return kick(opened, args[0] as string, args[1] as number)
      case 'fault': return fault(opened, args[0] as object)
      case 'clear': return clear(opened)
      case 'send': return scripted?.last().send(...args as Packet[])
      case 'got': return got(opened, args[0] as string | undefined, args[1] as number | undefined)
      case 'subprotocol': return scripted?.last().subprotocol
      default: throw new Error(`no ${method}`)
    }
  }
}

async function sign({ options }: Gateway, url: string): Promise<string> {
  const elsewhere: PlainOptions = { ...options, endpoint: url.replace(/\/mqtt$/, '') }
  return signed(elsewhere)
}

function got({ scripted }: Opened, cmd: string | undefined, connection?: number): string[] {
  const packets = connection === undefined ? scripted?.last().packets : scripted?.connections[connection]?.packets
  return (packets ?? []).filter(p => (cmd ?? p.cmd) === p.cmd).map(p => show({ ...p }))
}

async function kick({ scripted, gateway }: Opened, clientId: string, reasonCode: number): Promise<void> {
  if (scripted) {
    scripted.last().send({ cmd: 'disconnect', reasonCode })
    setTimeout(() => scripted.last().cut(), 20)
    return
  }
  await control(gateway, 'POST', `connections/${encodeURIComponent(clientId)}/disconnect?reasonCode=${reasonCode}`)
}

async function fault(opened: Opened, rule: object): Promise<void> {
  const match = 'match' in rule ? rule.match as object : {}
  const answer = await control(opened.gateway, 'POST', 'faults', { ...rule, match: { clientId: `*${opened.session.token}*`, ...match } })
  opened.rules.push((answer as { id: string }).id)
}

async function clear({ rules, gateway }: Opened): Promise<void> {
  await Promise.all(rules.splice(0).map(id => control(gateway, 'DELETE', `faults/${id}`)))
}

async function control(gateway: Gateway | undefined, method: string, path: string, body?: object): Promise<unknown> {
  if (!gateway) throw new Error('only the gateway does that')
  const answer = await fetch(`${gateway.origin}/_gateway/${path}`, {
    method, headers: { Authorization: `Bearer ${controlToken}` }, ...body && { body: JSON.stringify(body) },
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.status === 204 ? undefined : answer.json()
}
