/** Delayed publish: runs that outlive their page, and that several tabs share. */
import type { JSHandle, Page } from '@playwright/test'
import type { Client, DelayedOptions, DelayedRun, DelayedStepOptions } from '../src/types'
import { record, until } from './events'
import { connected, expect, openBlank, test } from './fixtures'
import { gaps } from './observer'

const name = 'evening'

type Run = JSHandle<DelayedRun>

const ends = (run: Run) => run.evaluate(async r => (await r.done).steps.map(s => s.error ? `${s.state} ${s.error.code}` : s.state))
/** Waits for the second step, and sees to it that no other is under way: what is when its page goes away has no known end. */
async function restAfterSecond(run: Run, state: string): Promise<void> {
  await expect.poll(() => states(run).then(s => s[1]), { intervals: [5] }).toBe(state)
  await run.evaluate(async r => {
    r.pause()
    await new Promise(resolve => setTimeout(resolve, 150))
  })
}
const states = (run: Run) => run.evaluate(r => r.steps.map(s => s.state))

/** Publishes under the name steps `0`, `1` … of QoS 1. */
const publish = (client: JSHandle<Client>, topic: string, count: number, options: DelayedOptions = {}, step: Partial<DelayedStepOptions> = {}): Promise<Run> =>
  client.evaluateHandle((c, { topic, count, options, step }) =>
    c.publishDelayed(Array.from({ length: count }, (_, i) => ({ topic, payload: String(i), qos: 1 as const, ...step })), options),
  { topic, count, options: { persist: name, ...options }, step })

/** All that the origin keeps. */
const stored = (page: Page): Promise<string> => page.evaluate(async () => {
  const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const databases: unknown[] = []
  for (const { name } of await indexedDB.databases()) {
    const db = await settled(indexedDB.open(name!))
    for (const store of db.objectStoreNames) {
      const records = db.transaction(store).objectStore(store)
      databases.push(...await settled(records.getAllKeys()), ...await settled(records.getAll()))
    }
    db.close()
  }
  const records = databases.map(r => JSON.stringify(r, (_, v: unknown) => v instanceof Uint8Array ? new TextDecoder().decode(v) : v))
  return [...records, ...Object.entries(localStorage).flat(), ...Object.entries(sessionStorage).flat()].join('\n')
})

const sequence = (count: number) => Array.from({ length: count }, (_, i) => String(i))

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('the next page takes up the rest: nothing twice, nothing lost', async ({ blank, gateway, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const first = await publish(await connected(blank, options), topic, 6, { spacing: 400 })
      expect(await first.evaluate(r => [r.persist, r.state])).toEqual([name, 'running'])
      await restAfterSecond(first, 'acknowledged')
      const before = await first.evaluate(r => r.steps.slice(0, 2).map(s => [s.sentAt, s.acknowledgedAt, s.attempts]))

      await openBlank(blank, gateway.origin)
      const client = await connected(blank, options)
      const run = await publish(client, topic, 1, { spacing: 1 }, { payload: 'of the new page' })
      expect(await ends(run)).toEqual(Array(6).fill('acknowledged'))
      expect(await run.evaluate(r => r.steps.slice(0, 2).map(s => [s.sentAt, s.acknowledgedAt, s.attempts]))).toEqual(before)
      expect(await run.evaluate(r => [r.persist, r.state, r.steps.map(s => s.index)])).toEqual([name, 'finished', [0, 1, 2, 3, 4, 5]])
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(sequence(6))
      for (const gap of gaps(heard)) expect(gap).toBeGreaterThan(100)
      await expect.poll(() => stored(blank)).toBe('')

      const again = await publish(client, topic, 1, {}, { payload: 'a new one' })
      expect(await ends(again)).toEqual(['acknowledged'])
      expect((await observer.all(client, topic)).at(-1)!.text).toBe('a new one')
    })
  })
}

test('resumeDelayed takes up the run of a name, and none where there is none', async ({ blank, gateway, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const first = await connected(blank, options)
  expect(await first.evaluate((c, name) => c.resumeDelayed(name), name)).toBeUndefined()
  const before = await publish(first, topic, 3, { spacing: 300_000, offline: 'skip', onFailure: 'stop' })
  await expect.poll(() => states(before)).toEqual(['acknowledged', 'waiting', 'waiting'])
  await expect.poll(() => stored(blank)).toContain('acknowledged')

  await openBlank(blank, gateway.origin)
  const client = await connected(blank, options)
  expect(await client.evaluate(c => c.resumeDelayed('another'))).toBeUndefined()
  const run = await client.evaluateHandle(async (c, name) => (await c.resumeDelayed(name))!, name)
  await expect.poll(() => states(run)).toEqual(['acknowledged', 'waiting', 'waiting'])
  expect(await client.evaluate((c, run) => c.delayed()[0] === run && run.persist, run)).toBe(name)
  await run.evaluate(r => r.reschedule(1, 0))
  await expect.poll(() => states(run)).toEqual(['acknowledged', 'acknowledged', 'waiting'])
  await run.evaluate(r => r.cancel())
  expect(await ends(run)).toEqual(['acknowledged', 'acknowledged', 'cancelled'])
  expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['0', '1'])
  await expect.poll(() => stored(blank)).toBe('')
  expect(await client.evaluate((c, name) => c.resumeDelayed(name), name)).toBeUndefined()
})

test('what was missed is sent now, with its spacing', async ({ blank, gateway, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const first = await publish(await connected(blank, options), topic, 5, { spacing: 300 })
  await restAfterSecond(first, 'acknowledged')
  await blank.goto('about:blank')
  await blank.waitForTimeout(1500)
  await openBlank(blank, gateway.origin)
  const run = await publish(await connected(blank, options), topic, 5, { spacing: 300 })
  expect(await ends(run)).toEqual(Array(5).fill('acknowledged'))
  const { heard } = observer
  await expect.poll(() => heard.map(h => h.text)).toEqual(sequence(5)) // the acknowledgement may be sooner
  const between = gaps(heard), away = between.indexOf(Math.max(...between))
  expect(between[away]).toBeGreaterThan(1000)
  const sent = await run.evaluate((r, from) => r.steps.slice(from).map(step => step.sentAt!), away + 1)
  for (const [i, at] of sent.slice(1).entries()) {
    expect(at - sent[i]!).toBeGreaterThan(180)
    expect(at - sent[i]!).toBeLessThan(900)
  }
})

test('what was missed is skipped where the page wants it so', async ({ blank, gateway, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(blank, options)
  const first = await client.evaluateHandle((c, { topic, persist }) => c.publishDelayed([
    { topic, payload: '0', qos: 1 }, { topic, payload: '1', delay: 1500 }, { topic, payload: '2', delay: 1600 }, { topic, payload: '3', delay: 3_600_000 }, { topic, payload: 'beat', delay: 1500, every: 3_600_000 },
  ], { persist }), { topic, persist: name })
  await expect.poll(() => states(first).then(s => s[0]), { intervals: [5] }).toBe('acknowledged')
  await expect.poll(() => stored(blank), { intervals: [5] }).toContain('acknowledged')
  await blank.goto('about:blank')
  await blank.waitForTimeout(1700)
  await openBlank(blank, gateway.origin)
  const next = await connected(blank, options)
  const run = await next.evaluateHandle(async (c, persist) => (await c.resumeDelayed(persist, { missed: 'skip' }))!, name)
  await expect.poll(() => states(run)).toEqual(['acknowledged', 'skipped', 'skipped', 'waiting', 'waiting'])
  const planned = await run.evaluate(r => [r.steps[4]!.plannedAt - r.steps[0]!.plannedAt, r.steps[1]!.error?.code])
  expect(planned).toEqual([expect.closeTo(3_601_500, -1), 'timeout'])
  await run.evaluate(r => {
    r.reschedule(3, 0)
    r.cancel(4)
  })
  expect(await ends(run)).toEqual(['acknowledged', 'skipped timeout', 'skipped timeout', 'sent', 'cancelled'])
  expect((await observer.all(next, topic)).map(h => h.text)).toEqual(['0', '3'])
})

test('a dense run over four pages: nothing twice, in order, and what was under way is told', async ({ blank, gateway, options, topic, observe }) => {
  const count = 150, spacing = 15
  const observer = await observe(options, topic)
  let client = await connected(blank, options)
  let run = await publish(client, topic, count, { spacing })
  for (const page of [1, 2, 3]) {
    await expect.poll(() => observer.heard.length, { timeout: 20_000, intervals: [5] }).toBeGreaterThan(page * 30)
    await openBlank(blank, gateway.origin)
    client = await connected(blank, options)
    run = await publish(client, topic, count, { spacing })
  }
  const outcomes = await ends(run)
  const heard = (await observer.all(client, topic)).map(h => Number(h.text))
  expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b))
  // Whether something was under way when a page went is a matter of luck.
  expect(outcomes.filter(outcome => !['acknowledged', 'failed transport-closed'].includes(outcome))).toEqual([])
  expect(outcomes.flatMap((outcome, i) => outcome === 'acknowledged' && !heard.includes(i) ? [i] : [])).toEqual([])
  expect(outcomes.filter(outcome => outcome === 'acknowledged').length).toBeGreaterThan(count - 3 * 1000 / spacing)
})

test('gates work on over a reload', async ({ blank, gateway, options, topic, observe }) => {
  const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow/name/kept`
  const observer = await observe(options, topic, `${shadow}/update/accepted`)
  const steps = (client: JSHandle<Client>): Promise<Run> => client.evaluateHandle((c, { update, persist }) => c.publishDelayed(
    Array.from({ length: 5 }, (_, n) => ({ topic: update, payload: { state: { reported: { n } } } })), { gate: 'shadow', spacing: 300, persist },
  ), { update: `${shadow}/update`, persist: name })
  const first = await steps(await connected(blank, options))
  await restAfterSecond(first, 'accepted')
  await openBlank(blank, gateway.origin)
  const client = await connected(blank, options)
  const run = await steps(client)
  expect(await ends(run)).toEqual(Array(5).fill('accepted'))
  expect(await run.evaluate(r => r.steps.map(s => s.answer?.json<{ version: number }>().version))).toEqual([undefined, undefined, 3, 4, 5])
  const heard = await observer.all(client, topic)
  expect(heard.map(h => (JSON.parse(h.text) as { state: { reported: { n: number } } }).state.reported.n)).toEqual([0, 1, 2, 3, 4])
  for (const gap of gaps(heard)) expect(gap).toBeGreaterThan(200)
})

test('a repetition without end goes on over a reload, and what it keeps does not grow', async ({ blank, gateway, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const beat = (client: JSHandle<Client>): Promise<Run> => client.evaluateHandle((c, { topic, persist }) => c.publishDelayed(topic, 'beat', { every: 50, persist }), { topic, persist: name })
  await beat(await connected(blank, options))
  await observer.count(15)
  expect((await stored(blank)).length).toBeLessThan(4000)
  await openBlank(blank, gateway.origin)
  const client = await connected(blank, options)
  const before = observer.heard.length
  const run = await beat(client)
  await observer.count(before + 5)
  await run.evaluate(r => r.cancel())
  const steps = await run.evaluate(async r => (await r.done).steps.map(s => [s.index, s.state] as const))
  expect(steps[0][0]).toBeGreaterThanOrEqual(14)
  expect(steps.map(([index]) => index)).toEqual(Array.from({ length: steps.length }, (_, i) => steps[0][0] + i))
  expect(steps.at(-1)![1]).toBe('cancelled')
  await observer.all(client, topic)
  await expect.poll(() => stored(blank)).toBe('')
})

test('credentials are kept nowhere', async ({ blank, options, topic, secrets }) => {
  const client = await connected(blank, { ...options, username: 'user of the page' })
  const run = await publish(client, topic, 3, { spacing: 60_000 }, { properties: { contentType: 'text/plain' } })
  await expect.poll(() => stored(blank)).toContain('acknowledged')
  const all = await stored(blank)
  expect(all).toContain(topic)
  expect(all).toContain('text/plain')
  for (const secret of [...secrets, options.credentials!.accessKeyId, options.credentials!.secretAccessKey, options.endpoint!, 'user of the page']) expect(all).not.toContain(secret)
  await run.evaluate(r => r.cancel())
  await expect.poll(() => stored(blank)).toBe('')
})

test('closing the client keeps the run, for the same page too', async ({ blank, gateway, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const first = await connected(blank, options)
  const run = await publish(first, topic, 3, { spacing: 300_000 })
  await expect.poll(() => states(run)).toEqual(['acknowledged', 'waiting', 'waiting'])
  await first.evaluate(c => c.close())
  expect(await ends(run)).toEqual(['acknowledged', 'failed closed', 'failed closed'])
  const second = await connected(blank, options)
  const next = await second.evaluateHandle(async (c, name) => (await c.resumeDelayed(name))!, name)
  await expect.poll(() => states(next)).toEqual(['acknowledged', 'waiting', 'waiting'])
  await next.evaluate(r => r.reschedule(1, 0))
  await expect.poll(() => states(next)).toEqual(['acknowledged', 'acknowledged', 'waiting'])
  await second.evaluate(c => c.close())

  await openBlank(blank, gateway.origin)
  const third = await connected(blank, options)
  const last = await publish(third, topic, 3)
  await expect.poll(() => states(last)).toEqual(['acknowledged', 'acknowledged', 'waiting'])
  await last.evaluate(r => r.reschedule(2, 0))
  expect(await ends(last)).toEqual(Array(3).fill('acknowledged'))
  expect((await observer.all(third, topic)).map(h => h.text)).toEqual(sequence(3))
})

for (const rest of ['one more step waits', 'it was the last one']) {
  test(`a step whose acknowledgement its page did not live to see, ${rest}`, async ({ blank, gateway, mosquitto, proxied, topic, observe }) => {
    const observer = await observe({ url: mosquitto }, topic)
    const { url, proxy } = await proxied(mosquitto)
    const count = rest === 'it was the last one' ? 1 : 2
    const first = await connected(blank, { url })
    proxy.freeze()
    const before = await publish(first, topic, count, { spacing: 300_000 })
    await expect.poll(() => states(before).then(s => s[0])).toBe('sent')
    await expect.poll(() => stored(blank)).toContain('"sent"')
    await openBlank(blank, gateway.origin)
    const client = await connected(blank, { url: mosquitto })
    const run = await publish(client, topic, count)
    await expect.poll(() => run.evaluate(r => r.steps[0]!.error?.code)).toBe('transport-closed')
    expect(await run.evaluate(r => [r.steps[0]!.state, /unknown/.test(r.steps[0]!.error!.message)])).toEqual(['failed', true])
    if (count === 2) await run.evaluate(r => r.reschedule(1, 0))
    expect(await ends(run)).toEqual(['failed transport-closed', 'acknowledged'].slice(0, count))
    expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['1'].slice(0, count - 1))
    await expect.poll(() => stored(blank)).toBe('')
  })
}

for (const [what, remove] of Object.entries({
  'IndexedDB': () => { Object.defineProperty(window, 'indexedDB', { value: undefined }) },
  'an IndexedDB that opens': () => { indexedDB.open = () => { throw new DOMException('private window', 'SecurityError') } },
  'Web Locks': () => { Reflect.deleteProperty(Navigator.prototype, 'locks') },
})) {
  test(`without ${what} the run goes on and says that it is not kept`, async ({ page, gateway, options, topic, observe }) => {
    await page.addInitScript(remove)
    await openBlank(page, gateway.origin)
    const observer = await observe(options, topic)
    const client = await connected(page, options)
    const seen = await record(client)
    const run = await publish(client, topic, 3, { spacing: 150 })
    expect(await ends(run)).toEqual(Array(3).fill('acknowledged'))
    await until(seen, 'error storage-failed')
    expect((await seen.jsonValue()).map(e => e.text)).toEqual(['error storage-failed'])
    expect((await seen.jsonValue())[0].hint).toBeTruthy()
    expect(await client.evaluate((c, name) => window.failure(() => c.resumeDelayed(name)), name)).toMatchObject({ code: 'storage-failed' })
    expect((await observer.all(client, topic)).map(h => h.text)).toEqual(sequence(3))
  })
}

test.describe('two tabs', () => {
  test('one sends, the other stands by and takes over when it goes', async ({ blank, context, gateway, options, topic, observe }) => {
    const observer = await observe(options, topic)
    const tab = await context.newPage()
    await openBlank(tab, gateway.origin)
    const other = await connected(tab, options)
    const first = await publish(await connected(blank, options), topic, 8, { spacing: 400 })
    await expect.poll(() => states(first).then(s => s[0]), { intervals: [5] }).toBe('acknowledged')
    const second = await publish(other, topic, 8, { spacing: 400 })
    await expect.poll(() => second.evaluate(r => r.state)).toBe('standby')
    await expect.poll(() => states(first).then(s => s[2]), { intervals: [5] }).toBe('acknowledged')
    expect(await second.evaluate(r => [r.state, ...r.steps.map(s => s.state)])).toEqual(['standby', ...Array(8).fill('waiting')])
    await blank.waitForTimeout(50)
    await blank.close()
    await expect.poll(() => second.evaluate(r => r.state)).toBe('running')
    expect(await ends(second)).toEqual(Array(8).fill('acknowledged'))
    expect((await observer.all(other, topic)).map(h => h.text)).toEqual(sequence(8))
    await expect.poll(() => stored(tab)).toBe('')
  })

  test('what the first has carried out the second skips', async ({ blank, context, gateway, options, topic, observe }) => {
    const observer = await observe(options, topic)
    const tab = await context.newPage()
    await openBlank(tab, gateway.origin)
    const [client, other] = [await connected(blank, options), await connected(tab, options)]
    const [first, second] = await Promise.all([publish(client, topic, 4, { spacing: 300 }), publish(other, topic, 4, { spacing: 300 })])
    await expect.poll(async () => (await Promise.all([first, second].map(r => r.evaluate(r => r.state)))).sort()).toEqual(['running', 'standby'])
    const [one, two] = [await ends(first), await ends(second)].sort()
    expect(one).toEqual(Array(4).fill('acknowledged'))
    expect(two).toEqual(Array(4).fill('skipped aborted'))
    await observer.all(client, topic)
    expect((await observer.all(other, topic)).map(h => h.text)).toEqual(sequence(4))
  })

  test('cancelling the one that stands by leaves the other alone', async ({ blank, context, gateway, options, topic, observe }) => {
    const observer = await observe(options, topic)
    const tab = await context.newPage()
    await openBlank(tab, gateway.origin)
    const [client, other] = [await connected(blank, options), await connected(tab, options)]
    const first = await publish(client, topic, 3, { spacing: 400 })
    await expect.poll(() => states(first).then(s => s[0]), { intervals: [5] }).toBe('acknowledged')
    const second = await publish(other, topic, 3, { spacing: 400 })
    await expect.poll(() => second.evaluate(r => r.state)).toBe('standby')
    await second.evaluate(r => r.cancel())
    expect(await ends(second)).toEqual(Array(3).fill('cancelled'))
    expect(await ends(first)).toEqual(Array(3).fill('acknowledged'))
    expect((await observer.all(client, topic)).map(h => h.text)).toEqual(sequence(3))
  })
})
