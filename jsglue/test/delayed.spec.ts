/** Delayed publish: what is sent when, what is reported, and what ends it. */
import { connected, expect, test } from './fixtures'

/** How late a step may be on a busy machine, in ms. */
const bound = 500

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('two named shadows, 1000 and 2000 ms after their subscriptions were granted', async ({ shared, options, topic }) => {
      const thing = topic.replaceAll('/', '-')
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, thing) => {
        const shadow = (name: string): string => `$aws/things/${thing}/shadow/name/${name}/update`
        const accepted: { topic: string, version: number, at: number }[] = []
        let both!: () => void
        const all = new Promise<void>(resolve => { both = resolve })
        const subscription = await c.subscribe([`${shadow('test1')}/accepted`, `${shadow('test2')}/accepted`], { qos: 1 }, m => {
          accepted.push({ topic: m.topic, version: m.json<{ version: number }>().version, at: m.receivedAt })
          if (accepted.length === 2) both()
        })
        const start = Date.now()
        const payload = { state: { reported: {} } }
        const run = c.publishDelayed([
          { topic: shadow('test1'), payload, delay: 1000, qos: 1 },
          { topic: shadow('test2'), payload, delay: 2000, qos: 1 },
        ])
        const waiting = run.steps.map(s => s.state)
        const report = await run.done
        await all
        return { start, accepted, waiting, steps: report.steps, id: report.id === run.id, granted: subscription.granted.map(g => g.qos), now: run.steps.map(s => s.state) }
      }, thing)
      expect(seen.granted).toEqual([1, 1])
      expect(seen.waiting).toEqual(['waiting', 'waiting'])
      expect(seen.now).toEqual(['acknowledged', 'acknowledged'])
      expect(seen.id).toBe(true)
      for (const [i, name] of ['test1', 'test2'].entries()) {
        const step = seen.steps[i]
        expect(step).toMatchObject({ index: i, topic: `$aws/things/${thing}/shadow/name/${name}/update`, state: 'acknowledged' })
        expect(Math.abs(step.plannedAt - seen.start - 1000 * (i + 1))).toBeLessThan(100)
        expect(step.deviation).toBeCloseTo(step.sentAt! - step.plannedAt, 3)
        expect(step.deviation).toBeGreaterThanOrEqual(-1) // never early, but for the clock's grain
        expect(step.deviation).toBeLessThan(bound)
        expect(step.acknowledgedAt).toBeGreaterThanOrEqual(step.sentAt!)
        expect(seen.accepted[i]).toMatchObject({ topic: `${step.topic}/accepted`, version: 1 })
        expect(seen.accepted[i].at).toBeGreaterThanOrEqual(step.sentAt! - 1)
      }
    })

    test('one message, by delay and by date', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const messages = (await c.subscribe(topic, { qos: 1 }))[Symbol.asyncIterator]()
        const at = new Date(Date.now() + 150)
        const run = c.publishDelayed(topic, { by: 'date' }, { at, qos: 1 })
        const [byDate] = (await run.done).steps
        const [byDelay] = (await c.publishDelayed(topic, 'delay', { delay: 50, properties: { contentType: 'text/plain' } }).done).steps
        const [past] = (await c.publishDelayed(topic, 'past', { at: new Date(0) }).done).steps
        const texts = [(await messages.next()).value, (await messages.next()).value, (await messages.next()).value].map(m => [m.text(), m.properties.contentType])
        return { at: at.getTime(), byDate: byDate!, byDelay: byDelay!, past: past!, texts }
      }, topic)
      expect(seen.byDate).toMatchObject({ state: 'acknowledged', plannedAt: seen.at })
      expect(seen.byDelay).toMatchObject({ state: 'sent' })
      expect(seen.byDelay.acknowledgedAt).toBeUndefined()
      expect(seen.past).toMatchObject({ state: 'sent', plannedAt: 0 })
      expect(seen.texts).toEqual([['{"by":"date"}', undefined], ['delay', 'text/plain'], ['past', undefined]])
    })

    test('steps go out in the order of their times', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const texts: string[] = []
        const all = new Promise<void>(resolve => { void c.subscribe(topic, { qos: 1 }, m => { if (texts.push(m.text()) === 60) resolve() }) })
        const steps = Array.from({ length: 60 }, (_, i) => ({ topic, payload: String((i * 7) % 60), delay: ((i * 7) % 60) * 5, qos: (i % 2) as 0 | 1 }))
        const finished: number[] = []
        const run = c.publishDelayed(steps)
        for await (const step of run) finished.push(step.index)
        await all
        const again: number[] = []
        for await (const step of run) again.push(step.index)
        return { texts, finished, again }
      }, topic)
      expect(seen.texts).toEqual(Array.from({ length: 60 }, (_, i) => String(i)))
      expect(new Set(seen.finished).size).toBe(60)
      expect(seen.again).toEqual(seen.finished)
    })

    test('progress is told of each change', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const run = c.publishDelayed([{ topic, payload: '0', qos: 1 }, { topic, payload: '1', delay: 30 }, { topic, payload: '2', delay: 3_600_000 }])
        const seen: string[] = []
        run.on('progress', step => {
          seen.push(`${step.index} ${step.state}`)
          if (step.index === 1) run.cancel(2)
        })
        run.on('progress', () => { seen.push('never') })()
        await run.done
        return seen
      }, topic)
      expect(seen.filter(s => s.startsWith('0'))).toEqual(['0 sent', '0 acknowledged'])
      expect(seen.filter(s => !s.startsWith('0'))).toEqual(['1 sent', '2 cancelled'])
    })

    test('cancel: one step, all, by signal', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const texts: string[] = []
        let ended!: () => void
        const end = new Promise<void>(resolve => { ended = resolve })
        await c.subscribe(topic, m => { if (texts.push(m.text()) && m.text() === 'end') ended() })
        const states = async (run: ReturnType<typeof c.publishDelayed>): Promise<string[]> => (await run.done).steps.map(s => s.state)
        const steps = ['a', 'b', 'c'].map((payload, i) => ({ topic, payload, delay: i * 100 }))
        const one = c.publishDelayed(steps)
        one.cancel(1)
        const first = await states(one)
        one.cancel()
        const all = c.publishDelayed(steps.map(s => ({ ...s, payload: `all ${s.payload}`, delay: 3_600_000 })))
        all.cancel()
        all.cancel()
        const stop = new AbortController()
        const signalled = c.publishDelayed(steps.map((s, i) => ({ ...s, payload: `signal ${s.payload}`, delay: i * 3_600_000 })), { signal: stop.signal })
        const [sent] = await Promise.all([signalled[Symbol.asyncIterator]().next()])
        stop.abort()
        const before = c.publishDelayed(topic, 'before', { delay: 0, signal: AbortSignal.abort() })
        const rest = [await states(all), await states(signalled), await states(before)]
        await c.publish(topic, 'end')
        await end
        return { first, rest, sent: sent.value.state, texts }
      }, topic)
      expect(seen.first).toEqual(['sent', 'cancelled', 'sent'])
      expect(seen.sent).toBe('sent')
      expect(seen.rest).toEqual([['cancelled', 'cancelled', 'cancelled'], ['sent', 'cancelled', 'cancelled'], ['cancelled']])
      expect(seen.texts).toEqual(['a', 'c', 'signal a', 'end'])
    })

    test('close fails what still waits', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const steps = await client.evaluate(async (c, topic) => {
        const run = c.publishDelayed([{ topic, payload: 'sent' }, { topic, payload: '1', delay: 3_600_000, qos: 1 }, { topic, payload: '2', delay: 7_200_000 }])
        await run[Symbol.asyncIterator]().next()
        await c.close()
        return (await run.done).steps.map(s => [s.state, s.error?.code, s.sentAt === undefined])
      }, topic)
      expect(steps).toEqual([['sent', undefined, false], ['failed', 'closed', true], ['failed', 'closed', true]])
    })

    test('what the server does not take fails its step alone', async ({ shared, options, topic }) => {
      const client = await connected(shared, options)
      const steps = await client.evaluate(async (c, topic) => {
        const run = c.publishDelayed([{ topic, payload: 'x', qos: 2 }, { topic: '$aws/things/x/shadow/update/accepted', payload: 'x', qos: 1 }, { topic, payload: 'x', qos: 1 }])
        return (await run.done).steps.map(s => [s.state, s.error?.code, s.error?.field, s.error?.reasonCode])
      }, topic)
      expect(steps).toEqual([['failed', 'invalid-argument', 'qos', undefined], ['failed', 'publish-refused', undefined, 0x87], ['acknowledged', undefined, undefined, undefined]])
    })
  })
}

test('bad input throws at once, names the field, and sends nothing', async ({ shared, options, topic }) => {
  const client = await connected(shared, options)
  const got = await client.evaluate(async (c, topic) => {
    const texts: string[] = []
    let ended!: () => void
    const end = new Promise<void>(resolve => { ended = resolve })
    await c.subscribe(`${topic}/#`, m => { if (texts.push(m.text()) && m.text() === 'end') ended() })
    const good = { topic, payload: 'never' }
    const runs: Record<string, unknown[]> = {
      'steps': [[]], 'steps ': [42], 'steps[1]': [[good, 'x']], 'steps[1].delay': [[good, { ...good, delay: -1 }]], 'steps[1].delay ': [[good, { ...good, delay: NaN }]],
      'steps[0].delay': [[{ ...good, delay: Infinity }]], 'steps[0].delay  ': [[{ ...good, delay: '5' }]], 'steps[0].delay   ': [[{ ...good, delay: 9e15 }]],
      'steps[0].at': [[{ ...good, at: new Date(NaN) }]], 'steps[0].at ': [[{ ...good, at: 5 }]], 'steps[0].at  ': [[{ ...good, at: new Date(), delay: 1 }]],
      'steps[1].topic': [[good, { ...good, topic: 'a/#' }]], 'steps[1].payload': [[good, { topic }]], 'steps[0].payload': [[{ topic, payload: 5 }]], 'steps[0].qos': [[{ ...good, qos: 3 }]],
      'steps[0].retain': [[{ ...good, retain: 1 }]], 'steps[0].properties.contentType': [[{ ...good, properties: { contentType: 1 } }]], 'steps[0].spacing': [[{ ...good, spacing: 1 }]],
      'signal': [[good], { signal: {} }], 'pause': [[good], { pause: true }],
      'options': [topic, 'never'], 'delay': [topic, 'never', {}], 'delay ': [topic, 'never', { delay: -1 }], 'topic': ['', 'never', { delay: 0 }], 'payload': [topic, undefined, { delay: 0 }],
      'at': [topic, 'never', { at: 'now' }], 'signal ': [topic, 'never', { delay: 0, signal: 1 }], 'topic ': [topic, 'never', { delay: 0, topic: 'other' }],
    }
    const got: Record<string, unknown> = {}
    for (const [name, args] of Object.entries(runs)) {
      const f = await window.failure(() => (c.publishDelayed as (...args: unknown[]) => unknown)(...args))
      got[name] = f && `${f.code} ${f.field}`
    }
    const run = c.publishDelayed(topic, 'never', { delay: 3_600_000 })
    const loose = run as unknown as { cancel(step: unknown): void, on(event: unknown, handler: unknown): void }
    for (const [name, call] of Object.entries({
      'step': () => loose.cancel(1), 'step ': () => loose.cancel('0'), 'event': () => loose.on('done', () => 0), 'handler': () => loose.on('progress', 0),
    })) {
      const f = await window.failure(call)
      got[name] = f && `${f.code} ${f.field}`
    }
    run.cancel()
    await run.done
    await c.publish(`${topic}/end`, 'end')
    await end
    return { got, texts }
  }, topic)
  expect(got.got).toEqual(Object.fromEntries(Object.keys(got.got).map(name => [name, `invalid-argument ${name.trim()}`])))
  expect(got.texts).toEqual(['end'])
})
