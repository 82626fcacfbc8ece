/**
 * Device Shadows: against the gateway's service, and, where it has to misbehave,
 * against one that the test plays on mosquitto.
 */
import { randomUUID } from 'node:crypto'
import type { JSHandle, Page } from '@playwright/test'
import { parseByText, parseExact } from '../src/exact-json'
import { deltaOf, readUpdate, topicPrefix } from '../src/shadow-document'
import type { Client, ConnectOptions, Shadow, ShadowView } from '../src/types'
import { connected, expect, startGateway, test as base, type PlainOptions } from './fixtures'

/** JSON, and what it is exactly. */
const exactCases: [string, unknown][] = [
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['[1e21,1.00000000000000001,12345678901234567890.5,-0]', [1e21, 1, 12345678901234567890.5, -0]],
  ['{"a\\"9007199254740993":"9007199254740993","b":"\\\\","c":[9007199254740993 ]}', { 'a"9007199254740993': '9007199254740993', b: '\\', c: [9007199254740993n] }],
  ['{"__proto__":90071992547409930,"n":null}', JSON.parse('{"__proto__":1,"n":null}', (_, v) => v === 1 ? 90071992547409930n : v)],
  [`1${'0'.repeat(400)}`, 10n ** 400n],
]

/** A client that is back soon. */
function reconnecting(page: Page, options: PlainOptions & Pick<ConnectOptions, 'resubscribe'>): Promise<JSHandle<Client>> {
  return page.evaluateHandle(async o => {
    const client = await window.iotwasm.connect({ ...o, reconnect: { minDelay: 50, maxDelay: 200 } })
    window.clients.push(client)
    return client
  }, options)
}

/** A played service: `answer` is called with each request and may publish what it likes below the shadow's topic. */
type Play = (answer: (operation: string, request: { clientToken: string }, say: Say) => void) => Promise<Say>
type Say = (tail: string, content: unknown) => Promise<unknown>

const test = base.extend<{ thing: string, played: JSHandle<{ shadow: Shadow, client: Client, play: Play }> }>({
  thing: async ({}, use) => { await use(`thing-${randomUUID()}`) },
  /** A shadow on mosquitto, and what plays its service from another client. */
  played: async ({ shared, mosquitto, thing, worker }, use) => {
    const client = await connected(shared, { url: mosquitto, worker })
    const service = await connected(shared, { url: mosquitto, worker })
    const page: Page = shared
    const handle = await page.evaluateHandle(({ client, service, thing }) => {
      const prefix = `$aws/things/${thing}/shadow`
      const say: Say = (tail, content) => service.publish(`${prefix}/${tail}`, content as object, { qos: 1 })
      const play: Play = async answer => {
        await service.subscribe(`${prefix}/+`, { qos: 1 }, (m, { wildcards }) => answer(wildcards[0]!, m.json(), say))
        return say
      }
      return { shadow: client.shadow(thing), client, play }
    }, { client, service, thing })
    await use(handle)
  },
})

test.describe('the gateway', () => {
  for (const name of [undefined, 'a:named_shadow-1']) {
    test(`creates, gets, updates and deletes a ${name ? 'named' : 'classic'} shadow`, async ({ shared, options, thing }) => {
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, { thing, name }) => {
        const shadow = c.shadow(thing, name)
        return {
          names: [shadow.thingName, shadow.shadowName],
          none: await window.failure(() => shadow.get()),
          created: await shadow.update({ desired: { light: { on: true, level: 3 } }, reported: { light: { on: false } } }),
          got: await shadow.get(),
          removed: await shadow.update({ desired: { light: { level: null } } }),
          cleared: await shadow.update({ reported: null }),
          after: await shadow.get(),
          deleted: await shadow.delete(),
          gone: (await window.failure(() => shadow.delete()))?.reasonCode,
        }
      }, { thing, name })
      expect(seen.names).toEqual([thing, name])
      expect(seen.none).toMatchObject({ code: 'shadow-rejected', reasonCode: 404, retryable: false })
      expect(seen.none!.message).toContain(`No shadow exists with name: '${name ? `${thing}~${name}` : thing}'`)
      expect(seen.none!.hint).toContain('case-sensitive')
      expect(seen.created).toEqual({
        state: { desired: { light: { on: true, level: 3 } }, reported: { light: { on: false } } }, version: 1,
        metadata: expect.any(Object), timestamp: expect.any(Number),
      })
      expect(seen.got).toMatchObject({ state: { delta: { light: { on: true, level: 3 } } }, version: 1 })
      expect(seen.removed).toMatchObject({ state: { desired: { light: { level: null } } }, version: 2 })
      expect(seen.cleared).toMatchObject({ state: { reported: null }, version: 3 })
      expect(seen.after.state).toEqual({ desired: { light: { on: true } }, delta: { light: { on: true } } })
      expect(seen.deleted).toEqual({ version: 3 })
      expect(seen.gone).toBe(404)
    })
  }

  test('gives each of 30 concurrent updates its own answer', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const packets: string[] = []
      c.on('packet', p => { if (p.type === 'SUBSCRIBE' || p.type === 'PUBLISH') packets.push(`${p.direction} ${p.type}`) })
      const shadows = [c.shadow(thing), c.shadow(thing)]
      const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => shadows[i % 2]!.update({ reported: { [`f${i}`]: i } })))
      return { states: answers.map(a => a.state), versions: answers.map(a => a.version), packets, filters: (await c.stats()).subscriptions }
    }, thing)
    expect(seen.states).toEqual(seen.states.map((_, i) => ({ reported: { [`f${i}`]: i } })))
    expect(seen.versions.toSorted((a, b) => a - b)).toEqual(seen.versions.map((_, i) => i + 1))
    expect(seen.packets.filter(p => p === 'sent SUBSCRIBE')).toHaveLength(2) // one of each shadow
    expect(seen.packets.indexOf('sent PUBLISH')).toBeGreaterThan(seen.packets.indexOf('sent SUBSCRIBE'))
    expect(seen.filters).toBe(2) // update/accepted and update/rejected
  })

  test('checks versions', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing)
      await shadow.update({ desired: { a: 1 } })
      const good = await shadow.update({ desired: { a: 2 } }, { version: 1 })
      return { good: good.version, conflict: await window.failure(() => shadow.update({ desired: { a: 3 } }, { version: 1 })) }
    }, thing)
    expect(seen.good).toBe(2)
    expect(seen.conflict).toMatchObject({ code: 'shadow-rejected', reasonCode: 409, retryable: false })
    expect(seen.conflict!.message).toContain('Version conflict')
    expect(seen.conflict!.hint).toContain('modify')
  })

  test('modifies beside another writer', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing), other = c.shadow(thing)
      const count = (now: ShadowView) => ({ reported: { n: (now.reported['n'] as number | undefined ?? 0) + 1 } })
      const made = await shadow.modify(count)
      const calls: number[] = []
      await shadow.modify(async now => {
        calls.push(now.version)
        if (calls.length === 1) await other.update({ reported: { n: 10 } })
        return count(now)
      })
      const counted = (await shadow.get()).state.reported
      await Promise.all(Array.from({ length: 4 }, () => shadow.modify(count, { attempts: 20 })))
      const always = await window.failure(() => shadow.modify(async now => {
        await other.update({ reported: { other: true } })
        return count(now)
      }, { attempts: 2 }))
      const own = await shadow.modify(() => { throw new Error('mine') }).catch((e: Error) => e.message)
      return { made: made.version, calls, counted, total: (await shadow.get()).state.reported?.['n'], always: always?.reasonCode, own }
    }, thing)
    expect(seen).toEqual({ made: 1, calls: [1, 2], counted: { n: 11 }, total: 15, always: 409, own: 'mine' })
  })

  test('watches in order, once each, over a deletion', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing, 'watched'), writer = c.shadow(thing, 'watched')
      const views: ShadowView[] = []
      const iterator = shadow.watch()[Symbol.asyncIterator]()
      const next = async () => { views.push((await iterator.next()).value) }
      await next()
      await writer.update({ desired: { a: { x: 1, y: 2 }, list: [1, 2] } })
      await next()
      await writer.update({ reported: { a: { x: 1.0, y: 3 }, list: [1, 2], more: true } })
      await next()
      await writer.delete()
      await next()
      await writer.update({ reported: { again: true } })
      await next()
      const pending = iterator.next()
      const filters = (await c.stats()).subscriptions
      await shadow.close()
      await writer.close()
      return { views, end: await pending, after: await iterator.next(), filters, left: (await c.stats()).subscriptions }
    }, thing)
    const desired = { a: { x: 1, y: 2 }, list: [1, 2] }
    expect(seen.views).toEqual([
      { desired: {}, reported: {}, delta: {}, version: 0, deleted: true },
      { desired, reported: {}, delta: desired, version: 1, deleted: false },
      { desired, reported: { a: { x: 1, y: 3 }, list: [1, 2], more: true }, delta: { a: { y: 2 } }, version: 2, deleted: false },
      { desired: {}, reported: {}, delta: {}, version: 2, deleted: true },
      { desired: {}, reported: { again: true }, delta: {}, version: 3, deleted: false },
    ])
    expect([seen.end.done, seen.after.done]).toEqual([true, true])
    expect(seen.filters).toBe(7) // get, update, delete with two answers each, and update/documents
    expect(seen.left).toBe(0)
  })

  test('gives a slow reader the newest state', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing)
      await shadow.update({ reported: { n: 0 } })
      const versions: number[] = []
      for await (const view of shadow.watch()) {
        versions.push(view.version)
        if (view.version === 21) break
        for (let n = 1; n <= 20; n++) await shadow.update({ reported: { n } })
        await c.renew()
      }
      return versions
    }, thing)
    expect(seen).toEqual([1, 21])
  })

  test('ends a watch at its signal, and when the client closes', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing), abort = new AbortController()
      const read = async (signal?: AbortSignal) => {
        let n = 0
        for await (const _ of shadow.watch({ ...(signal && { signal }) })) n++
        return n
      }
      const aborted = read(abort.signal), closed = read()
      await shadow.update({ reported: {} })
      abort.abort()
      const first = await aborted
      const get = window.failure(() => shadow.modify(() => new Promise(() => undefined)))
      await shadow.get()
      await c.close()
      return { first, closed: await closed, open: (await get)?.code, get: (await window.failure(() => shadow.get()))?.code, late: (await window.failure(() => read()))?.code, ended: await read(abort.signal).catch((e: { code: string }) => e.code) }
    }, thing)
    expect(seen).toEqual({ first: expect.any(Number), closed: expect.any(Number), open: 'closed', get: 'closed', late: 'closed', ended: 'closed' })
  })

  test('keeps integers exact on request', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing)
      const first = 9007199254740993n
      const updated = await shadow.update({ desired: { big: first, small: 1, fraction: 1.5 }, reported: { big: first - 1n } })
      const view = (await shadow.watch({ exactIntegers: true })[Symbol.asyncIterator]().next()).value as ShadowView
      const { state } = await shadow.get({ exactIntegers: true })
      const plain = (await shadow.get()).state.desired
      const text = (v: unknown) => `${typeof v} ${String(v)}`
      return [updated.state.desired?.['big'], state.desired?.['big'], state.reported?.['big'], state.desired?.['small'], state.desired?.['fraction'], view.delta['big'], plain?.['big']].map(text)
    }, thing)
    expect(seen).toEqual(['bigint 9007199254740993', 'bigint 9007199254740993', 'bigint 9007199254740992', 'number 1', 'number 1.5', 'bigint 9007199254740993', 'number 9007199254740992'])
  })

  test('refuses bad arguments before anything is sent', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      let packets = 0
      c.on('packet', p => { if (p.direction === 'sent') packets++ })
      const shadow = c.shadow(thing)
      const nested = (levels: number): Record<string, unknown> => levels === 0 ? {} : { n: nested(levels - 1) }
      const cyclic: Record<string, unknown> = {}
      cyclic['self'] = cyclic
      const any = <T>(value: unknown) => value as T
      const calls: Record<string, () => unknown> = {
        'thing with a slash': () => c.shadow('a/b'),
        'thing too long': () => c.shadow('a'.repeat(129)),
        'thing empty': () => c.shadow(''),
        'thing with a line end': () => c.shadow('a\n'),
        'shadow with a wildcard': () => c.shadow(thing, '+'),
        'shadow too long': () => c.shadow(thing, 'a'.repeat(65)),
        'shadow null': () => c.shadow(thing, any(null)),
        'no section': () => shadow.update({}),
        'another section': () => shadow.update(any({ delta: {} })),
        'array': () => shadow.update(any({ desired: [] })),
        'map': () => shadow.update(any({ desired: new Map() })),
        'not a number': () => shadow.update({ desired: { a: { b: NaN } } }),
        'function': () => shadow.update({ desired: { a: () => 1 } }),
        'hole': () => shadow.update({ desired: { a: [1, , 2] } }), // eslint-disable-line no-sparse-arrays
        'null in an array': () => shadow.update({ desired: { a: [{ b: null }] } }),
        '9 levels': () => shadow.update({ reported: nested(9) }),
        'cyclic': () => shadow.update({ reported: cyclic }),
        'over 8 KB': () => shadow.update({ desired: { a: 'é'.repeat(2048) }, reported: { a: 'x'.repeat(4081) } }),
        'version': () => shadow.update({ desired: {} }, { version: 1.5 }),
        'timeout': () => shadow.get({ timeout: 0 }),
        'signal': () => shadow.delete({ signal: any({}) }),
        'exactIntegers': () => shadow.watch({ exactIntegers: any(1) }),
        'unknown option': () => shadow.get(any({ versoin: 1 })),
        'change': () => shadow.modify(any({})),
        'attempts': () => shadow.modify(() => ({}), { attempts: 0 }),
      }
      const seen: Record<string, unknown> = {}
      for (const [name, call] of Object.entries(calls)) {
        const failed = await window.failure(call)
        seen[name] = [failed?.code, failed?.field]
      }
      const sent = packets
      const most = await shadow.update({ desired: { a: 'é'.repeat(2048) }, reported: { a: 'x'.repeat(4080) } })
      const deepest = await shadow.update({ desired: nested(8) }).then(() => true, (e: Error) => e.message)
      return { seen, sent, most: most.version, deepest }
    }, thing)
    const wrong = (field: string) => ['invalid-argument', field]
    expect(seen.seen).toEqual({
      'thing with a slash': wrong('thingName'), 'thing too long': wrong('thingName'), 'thing empty': wrong('thingName'), 'thing with a line end': wrong('thingName'),
      'shadow with a wildcard': wrong('shadowName'), 'shadow too long': wrong('shadowName'), 'shadow null': wrong('shadowName'),
      'no section': wrong('change'), 'another section': wrong('change.delta'), 'array': wrong('change.desired'), 'map': wrong('change.desired'),
      'not a number': wrong('change.desired.a.b'), 'function': wrong('change.desired.a'), 'hole': wrong('change.desired.a[1]'),
      'null in an array': wrong('change.desired.a[0].b'), '9 levels': wrong('change'), 'cyclic': wrong('change'), 'over 8 KB': wrong('change'),
      'version': wrong('version'), 'timeout': wrong('timeout'), 'signal': wrong('signal'), 'exactIntegers': wrong('exactIntegers'),
      'unknown option': wrong('versoin'), 'change': wrong('change'), 'attempts': wrong('attempts'),
    })
    expect(seen).toMatchObject({ sent: 0, most: 1, deepest: expect.stringContaining('maximum size') }) // the document would be over 8 KB
  })

  for (const resubscribe of [true, false]) {
    test(`watches across a server that lost everything, resubscribe: ${resubscribe}`, async ({ shared, program, ownGateway, thing }) => {
      const client = await reconnecting(shared, { ...ownGateway.options, resubscribe })
      const watch = await client.evaluateHandle(async (c, thing) => {
        const shadow = c.shadow(thing)
        for (let n = 0; n < 3; n++) await shadow.update({ reported: { n } })
        const iterator = shadow.watch()[Symbol.asyncIterator]()
        return { shadow, first: (await iterator.next()).value as ShadowView, iterator }
      }, thing)
      expect(await watch.evaluate(w => w.first.version)).toBe(3)
      await ownGateway.stop('SIGKILL')
      const again = await startGateway(program, { port: Number(new URL(ownGateway.origin).port) })
      try {
        const seen = await watch.evaluate(async w => {
          const gone = (await w.iterator.next()).value as ShadowView
          await w.shadow.update({ reported: { n: 'new' } })
          return { gone, made: (await w.iterator.next()).value as ShadowView }
        })
        expect(seen.gone).toMatchObject({ deleted: true, version: 0 })
        expect(seen.made).toMatchObject({ deleted: false, version: 1, reported: { n: 'new' } })
      } finally {
        await client.evaluate(c => c.close())
        await again.stop()
      }
    })
  }
})

test.describe('a link that is down', () => {
  test('a watch and a request wait for the link', async ({ shared, program, ownGateway, thing }) => {
    const client = await reconnecting(shared, ownGateway.options)
    const port = Number(new URL(ownGateway.origin).port)
    const offline = await client.evaluateHandle(c => ({ came: new Promise<void>(resolve => { c.on('offline', () => resolve()) }) }))
    await ownGateway.stop('SIGKILL')
    await offline.evaluate(o => o.came)
    const waiting = await client.evaluateHandle(async (c, thing) => {
      const shadow = c.shadow(thing)
      const late = await window.failure(() => shadow.update({ desired: {} }, { timeout: 300 }))
      const iterator = shadow.watch()[Symbol.asyncIterator]()
      return { late, first: iterator.next(), iterator, update: shadow.update({ desired: { a: 1 } }) }
    }, thing).then(async handle => ({ late: await handle.evaluate(w => w.late), handle }))
    expect(waiting.late).toMatchObject({ code: 'timeout', retryable: true })
    const again = await startGateway(program, { port })
    try {
      const seen = await waiting.handle.evaluate(async w => {
        let view = (await w.first).value as ShadowView
        if (view.deleted) view = (await w.iterator.next()).value as ShadowView // it asked before the update
        return { version: (await w.update).version, view }
      })
      expect(seen).toEqual({ version: 1, view: { desired: { a: 1 }, reported: {}, delta: { a: 1 }, version: 1, deleted: false } })
    } finally {
      await client.evaluate(c => c.close())
      await again.stop()
    }
  })
})

test.describe('a played service', () => {
  test.use({ server: 'mosquitto' })

  test('nobody answers: timeout, abort and close', async ({ shared, options, thing }) => {
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, thing) => {
      const shadow = c.shadow(thing), abort = new AbortController()
      const began = performance.now()
      const timeout = await window.failure(() => shadow.get({ timeout: 300 }))
      const took = performance.now() - began
      const calls = [shadow.get({ signal: abort.signal }), shadow.modify(() => ({ desired: {} }), { signal: abort.signal })].map(p => window.failure(() => p))
      await new Promise(resolve => setTimeout(resolve, 100))
      abort.abort(new Error('enough'))
      const aborted = await Promise.all([...calls, window.failure(() => shadow.delete({ signal: abort.signal }))])
      const watch = await window.failure(async () => {
        for await (const _ of shadow.watch({ signal: AbortSignal.timeout(300) }));
      })
      const open = window.failure(() => shadow.update({ desired: {} }))
      await new Promise(resolve => setTimeout(resolve, 100))
      await shadow.close()
      await shadow.close()
      return {
        timeout, took, aborted: aborted.map(f => [f?.code, f?.cause]), watch, open: (await open)?.code,
        after: (await window.failure(() => shadow.get()))?.code, filters: (await c.stats()).subscriptions,
      }
    }, thing)
    expect(seen.timeout).toMatchObject({ code: 'timeout', retryable: true })
    expect(seen.timeout!.hint).toContain('iot:Receive')
    expect(seen.took).toBeGreaterThan(290)
    expect(seen.aborted).toEqual(Array(3).fill(['aborted', 'Error: enough']))
    expect(seen).toMatchObject({ open: 'closed', after: 'closed', filters: 0 })
    expect(seen.watch).toBeUndefined()
  })

  test('has 10 requests of a thing in flight, and keeps their order', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, client, play }) => {
      const open: (() => void)[] = []
      const order: number[] = []
      let most = 0
      await play((operation, request, say) => {
        order.push((request as unknown as { state: { reported: { i: number } } }).state.reported.i)
        open.push(() => void say(`${operation}/accepted`, { state: {}, version: 1, clientToken: request.clientToken }))
        most = Math.max(most, open.length)
        if (open.length === 10 || order.length === 25) setTimeout(() => { for (const answer of open.splice(0).reverse()) answer() }, 50)
      })
      const shadows = [shadow, client.shadow(shadow.thingName)]
      await Promise.all(shadows.map(s => s.update({ reported: { i: -1 } }, { timeout: 200 }).catch(() => undefined))) // subscribes
      open.splice(0)
      order.splice(0)
      await Promise.all(Array.from({ length: 25 }, (_, i) => shadows[i % 2]!.update({ reported: { i } })))
      return { most, order }
    })
    expect(seen).toEqual({ most: 10, order: Array.from({ length: 25 }, (_, i) => i) })
  })

  test('goes again at 429 until its time is over', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, play }) => {
      let left = 3, tokens = new Set<string>()
      await play((operation, request, say) => {
        tokens.add(request.clientToken)
        const [tail, rest] = left-- > 0 ? ['rejected', { code: 429, message: 'Too many requests' }] : ['accepted', { state: {}, version: 7 }]
        void say(`${operation}/${tail}`, { ...rest, clientToken: request.clientToken })
      })
      const { version } = await shadow.get()
      const tries = tokens.size
      left = Infinity
      return { version, tries, failed: await window.failure(() => shadow.get({ timeout: 500 })) }
    })
    expect(seen).toMatchObject({ version: 7, tries: 4, failed: { code: 'shadow-rejected', reasonCode: 429, retryable: true } })
  })

  test('ignores what is no answer of its own', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, play }) => {
      await play(async (operation, { clientToken }, say) => {
        await say(`${operation}/accepted`, { state: { desired: { of: 'another' } }, version: 1, clientToken: 'x' })
        await say(`${operation}/rejected`, { code: 500, message: 'none' })
        await say(`${operation}/accepted`, [1])
        await say(`${operation}/accepted`, new TextEncoder().encode('null'))
        await say(`${operation}/accepted`, new TextEncoder().encode('{"clientToken'))
        for (const version of [2, 3]) await say(`${operation}/accepted`, { state: { desired: { own: true } }, version, clientToken })
      })
      return [await shadow.get(), await window.failure(() => shadow.get())]
    })
    expect(seen).toEqual([{ state: { desired: { own: true } }, version: 2 }, undefined])
  })

  test('reads integers exactly from what the browser says of their source', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, play }, texts) => {
      await play((operation, { clientToken }, say) => {
        void say(`${operation}/accepted`, new TextEncoder().encode(`{"state":{"desired":{"all":[${texts.join()}]}},"version":1,"clientToken":"${clientToken}"}`))
      })
      const { state } = await shadow.get({ exactIntegers: true })
      return (state.desired!['all'] as unknown[]).map(value => JSON.stringify(value, (_, v) => typeof v === 'bigint' ? `${v}n` : v as unknown))
    }, exactCases.map(([text]) => text))
    expect(seen).toEqual(exactCases.map(([, value]) => JSON.stringify(value, (_, v) => typeof v === 'bigint' ? `${v}n` : v)))
  })

  test('orders what comes twice, late and after a deletion', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, play }) => {
      let now: object = { state: { reported: { v: 5 } }, version: 5 }
      let gets = 0
      const say = await play((operation, { clientToken }, say) => {
        gets++
        void say(`${operation}/${'code' in now ? 'rejected' : 'accepted'}`, { ...now, clientToken })
      })
      const documents = (v: number) => say('update/documents', { previous: null, current: { state: { reported: { v } }, version: v } })
      const views: [number, boolean, unknown][] = []
      const iterator = shadow.watch()[Symbol.asyncIterator]()
      const next = async () => {
        const { version, deleted, reported } = (await iterator.next()).value as ShadowView
        views.push([version, deleted, reported['v']])
      }
      await next()
      const pending = [next(), next(), next()] // 6, 8, deleted
      for (const v of [5, 6, 6, 4, 5, 8, 7, 8]) await documents(v)
      await say('update/documents', { current: null })
      await say('update/documents', new TextEncoder().encode('{'))
      now = { code: 404, message: 'No shadow exists' }
      const before = gets
      await say('delete/accepted', { version: 8 })
      await Promise.all(pending)
      await say('delete/accepted', { version: 8 })
      await documents(8) // late: the service is asked, and says that there is none
      while (gets === before) await new Promise(resolve => setTimeout(resolve, 10))
      await new Promise(resolve => setTimeout(resolve, 100))
      now = { state: { reported: { v: 1 } }, version: 1 } // the counter begins again
      const made = next()
      await documents(1)
      await made
      const last = next()
      await documents(2)
      await last
      await iterator.return?.()
      return views
    })
    expect(seen).toEqual([[5, false, 5], [6, false, 6], [8, false, 8], [8, true, undefined], [1, false, 1], [2, false, 2]])
  })

  test('tells a watch what the service refuses', async ({ played }) => {
    const seen = await played.evaluate(async ({ shadow, play }) => {
      await play((operation, { clientToken }, say) => void say(`${operation}/rejected`, { code: 403, message: 'Forbidden', clientToken }))
      const iterator = shadow.watch()[Symbol.asyncIterator]()
      const [first, second] = await Promise.all([window.failure(() => iterator.next()), iterator.next()])
      return { first, second, third: await iterator.next() }
    })
    expect(seen.first).toMatchObject({ code: 'shadow-rejected', reasonCode: 403, retryable: false })
    expect([seen.second.done, seen.third.done]).toEqual([true, true])
  })
})

test.describe('documents', () => {
  test('names', () => {
    expect(topicPrefix('a:b_C-1', undefined)).toBe('$aws/things/a:b_C-1/shadow')
    expect(topicPrefix('t', '$n')).toBe('$aws/things/t/shadow/name/$n')
  })

  for (const [name, desired, reported, delta] of [
    ['nothing reported', { a: 1, b: { c: [1] } }, {}, { a: 1, b: { c: [1] } }],
    ['reported only', {}, { a: 1 }, {}],
    ['nested', { a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, c: 5 }, d: 3 }, { a: { c: 2 } }],
    ['arrays whole', { a: [1, { b: 2 }], c: [1, 2] }, { a: [1, { b: 2 }], c: [2, 1] }, { c: [1, 2] }],
    ['another type', { a: { b: 1 }, c: 1, d: '1', e: [] }, { a: 1, c: { b: 1 }, d: 1, e: {} }, { a: { b: 1 }, c: 1, d: '1', e: [] }],
    ['empty objects', { a: {}, b: {} }, { a: {} }, { b: {} }],
    ['numbers by value', { a: 1n, b: 2n ** 60n, c: 2n ** 60n + 1n, d: -0 }, { a: 1, b: 2 ** 60, c: 2 ** 60, d: 0 }, { c: 2n ** 60n + 1n }],
    ['names of Object.prototype', JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null}'), {}, JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":null}')],
  ] as const) {
    test(`delta: ${name}`, () => {
      const seen = deltaOf(desired, reported)
      expect(seen).toEqual(delta)
      expect(Object.keys(seen)).toEqual(Object.keys(delta))
    })
  }

  test('an update as JSON', () => {
    const { body, exact } = readUpdate({ desired: { n: 9007199254740993n, when: new Date(0), '"': [1, 'é', false], gone: null, out: undefined }, reported: null }, 3)
    expect(body('token')).toBe('{"state":{"desired":{"n":9007199254740993,"when":"1970-01-01T00:00:00.000Z","\\"":[1,"é",false],"gone":null},"reported":null},"version":3,"clientToken":"token"}')
    expect(exact).toBe(true)
    expect(readUpdate({ reported: {} }, undefined).body('t')).toBe('{"state":{"reported":{}},"clientToken":"t"}')
  })

  for (const [text, value] of exactCases) {
    test(`exact: ${text.slice(0, 60)}`, () => {
      expect(parseExact(text)).toEqual(value)
      expect(parseByText(text)).toEqual(value)
    })
  }

  test('exact: no JSON is no JSON', () => {
    for (const text of ['', '{', '00000000000000000001', '[9007199254740993', '"a\n9007199254740993"']) {
      expect(() => parseByText(text)).toThrow(SyntaxError)
      expect(() => parseExact(text)).toThrow(SyntaxError)
    }
  })
})
