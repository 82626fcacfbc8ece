/** Runs one scenario in the page, with helpers that never wait for ever, and gives its transcript. */
import type * as mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import { Recorder, type Transcript } from './recorder'
import type { Callback, Options, Run, Scenario, ServerControl, Session } from './types'

/** What Node answers for. */
export type Ask = (key: string, method: string, args: unknown[]) => Promise<unknown>

const limit = 5000
const events = ['connect', 'message', 'disconnect', 'offline', 'close', 'reconnect', 'error', 'outgoingEmpty', 'end'] as const
const packetEvents = ['packetsend', 'packetreceive'] as const

export async function runScenario(library: typeof mqtt, scenario: Scenario, session: Session, ask: Ask): Promise<Transcript> {
  const recorder = new Recorder([[session.token, '~'], ...session.hidden])
  const cleanups: (() => unknown)[] = []
  const counts = new Map<MqttClient, Map<string, number>>()

  const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
  const until: Run['until'] = async (condition, what, within = limit) => {
    const end = performance.now() + within
    while (!await condition()) {
      if (performance.now() > end) throw new Error(`no ${what} within ${within} ms`)
      await sleep(4)
    }
  }
  const count: Run['count'] = (client, event) => counts.get(client)?.get(event) ?? 0
  const watch: Run['watch'] = (client, as = 'events', packets = false, apart = []) => {
    const ofClient = new Map<string, number>()
    counts.set(client, ofClient)
    cleanups.push(() => client.end(true))
    for (const event of [...events, ...packets ? packetEvents : []]) {
      client.on(event, (...args: unknown[]) => {
        ofClient.set(event, (ofClient.get(event) ?? 0) + 1)
        recorder.add(apart.includes(event) ? `${as} ${event}` : as, event, args)
      })
    }
    return client
  }
  const connect: Run['connect'] = ({ as, packets, apart, ...options } = {}) =>
    watch(library.connect(session.url, { ...defaults(session, as), ...options }), as, packets, apart)
  const seen: Run['seen'] = (client, event, times = 1) => until(() => count(client, event) >= times, `${event}${times > 1 ? ` number ${times}` : ''}`)

  const server = new Proxy({}, {
    get: (_, method: string) => (...args: unknown[]) => ask(session.key, method, args),
  }) as ServerControl

  const run: Run = {
    mqtt: library, on: session.on, url: session.url, badUrl: session.badUrl, server,
    id: (name = 'c') => `${name}-${session.token}`,
    topic: (name = 't') => `d/${session.token}/${name}`,
    connect, watch, seen, count, until, sleep,
    connected: async options => {
      const client = connect(options)
      await seen(client, 'connect')
      return client
    },
    cb: (label, lane = 'callbacks') => {
      let resolve: (args: unknown[]) => void
      const called = new Promise<unknown[]>((done, failed) => {
        resolve = done
        setTimeout(() => failed(new Error(`no callback of ${label} within ${limit} ms`)), limit)
      })
      called.catch(() => undefined) // who does not wait for it does not need it
      const callback = ((...args: unknown[]) => {
        recorder.add(lane, label, args)
        resolve(args)
      }) as Callback
      callback.called = called
      return callback
    },
    call: (label, call) => {
      try {
        const value = call()
        recorder.add('calls', `${label} returns`, [value])
      } catch (e) {
        recorder.add('calls', `${label} throws`, [e])
      }
    },
    outcome: async (label, promise, within = limit) => {
      const late = Symbol()
      try {
        const value = await Promise.race([promise, sleep(within).then(() => late)])
        if (value === late) recorder.add('outcomes', `${label} waits`)
        else recorder.add('outcomes', `${label} resolves`, [value])
      } catch (e) {
        recorder.add('outcomes', `${label} rejects`, [e])
      }
    },
    note: (label, ...values) => recorder.add('notes', label, values),
    wire: lines => { for (const line of lines) recorder.addLine('wire', line) },
    after: clean => { cleanups.push(clean) },
  }
  try {
    await scenario.run(run)
  } catch (e) {
    recorder.add('gave up', e instanceof Error ? e.message : String(e))
  }
  recorder.close()
  for (const clean of cleanups.reverse()) {
    try {
      await clean()
    } catch {
      // it may be over already
    }
  }
  return recorder.transcript
}

function defaults({ token }: Session, as = 'c'): Options {
  return { protocolVersion: 5, reconnectPeriod: 60, connectTimeout: 5000, clientId: `${as}-${token}` }
}
