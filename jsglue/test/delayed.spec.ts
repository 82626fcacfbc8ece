/** Delayed publish: the forms of a run, what is sent when, what is reported, and what ends or changes it. */
import { connected, expect, test } from './fixtures'
import { gaps } from './observer'

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

    test('spacing counts from the step before, and the first step goes at once', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const start = Date.now()
        const run = c.publishDelayed([
          { topic, payload: '0' }, { topic, payload: '1' }, { topic, payload: '2', spacing: 400 }, { topic, payload: '3' },
          { topic, payload: '4', delay: 100 }, { topic, payload: '5', at: new Date(start + 1200) }, { topic, payload: '6' },
        ], { spacing: 200 })
        const later = c.publishDelayed([{ topic, payload: 'later', spacing: 300 }], { spacing: 1000 })
        return { planned: [...run.steps, ...later.steps].map(s => s.plannedAt - start), states: [...(await run.done).steps, ...(await later.done).steps].map(s => s.state), start }
      }, topic)
      for (const [i, planned] of [0, 200, 600, 800, 100, 1200, 1400, 300].entries()) expect(Math.abs(seen.planned[i] - planned)).toBeLessThan(20)
      expect(new Set(seen.states)).toEqual(new Set(['sent']))
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(['0', '4', '1', 'later', '2', '3', '5', '6'])
      for (const [i, planned] of [0, 100, 200, 300, 600, 800, 1200, 1400].entries()) {
        expect(heard[i].at - seen.start).toBeGreaterThanOrEqual(planned - 2)
        expect(heard[i].at - seen.start).toBeLessThan(planned + bound)
      }
    })

    test('every and times: so many copies, each counted from the first', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const start = Date.now()
        const run = c.publishDelayed([{ topic, payload: 'beat', delay: 100, every: 150, times: 5 }, { topic, payload: 'after', spacing: 50 }, { topic, payload: 'once', every: 1000, times: 1 }])
        const single = c.publishDelayed(topic, 'single', { every: 100, times: 2 })
        await single.done
        return { start, steps: (await run.done).steps.map(s => [s.index, s.state, Math.round((s.plannedAt - run.steps[0]!.plannedAt) / 10) * 10]), first: run.steps[0]!.plannedAt - start }
      }, topic)
      expect(Math.abs(seen.first - 100)).toBeLessThan(20)
      expect(seen.steps).toEqual([0, 150, 300, 450, 600, 650, -100].map((at, i) => [i, 'sent', at]))
      const heard = await observer.all(client, topic)
      const beats = heard.filter(h => h.text === 'beat')
      expect(heard.map(h => h.text).filter(t => t !== 'beat').sort()).toEqual(['after', 'once', 'single', 'single'])
      expect(beats).toHaveLength(5)
      for (const [i, h] of beats.entries()) expect(Math.abs(h.at - seen.start - 100 - i * 150)).toBeLessThan(bound)
    })

    test('every without times goes on until it is cancelled', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const run = await client.evaluateHandle((c, topic) => {
        const run = c.publishDelayed(topic, step => `beat ${step.index}`, { every: 60 })
        const told: string[] = []
        const repetitions: number[] = []
        run.on('progress', s => { told.push(`${s.index} ${s.state}`) })
        let first = true
        run.on('progress', s => {
          if (first || s.index > repetitions.at(-1)!) repetitions.push(s.index)
          first = false
        })
        const start = run.steps.length
        return { run, told, repetitions, start }
      }, topic)
      await observer.count(6)
      const seen = await run.evaluate(async ({ run, told, start }) => {
        const before = run.state
        run.cancel()
        const { steps } = await run.done
        return { before, after: run.state, start, steps: steps.map(s => [s.index, s.state]), told }
      })
      expect(seen).toMatchObject({ before: 'running', after: 'finished', start: 1 })
      const count = seen.steps.length
      expect(count).toBeGreaterThanOrEqual(7)
      expect(seen.steps).toEqual(Array.from({ length: count }, (_, i) => [i, i === count - 1 ? 'cancelled' : 'sent']))
      for (const i of [1, 2, 3]) expect(seen.told.filter(t => t.startsWith(`${i} `))).toEqual([`${i} waiting`, `${i} due`, `${i} sent`])
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(Array.from({ length: count - 1 }, (_, i) => `beat ${i}`))
      expect(heard.at(-1)!.at - heard[0].at).toBeGreaterThan((count - 2) * 60 - 60)
    })

    test('a payload function is asked when its step is due', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const asked: unknown[] = []
        const late: number[] = []
        const payload = (step: { index: number, state: string, topic: string, plannedAt: number, attempts: number }): string => {
          asked.push([step.index, step.state, step.topic === topic, step.attempts])
          late.push(Date.now() - step.plannedAt)
          return `sync ${step.index}`
        }
        const run = c.publishDelayed([
          { topic, payload, delay: 150 },
          { topic, payload: async () => { await new Promise(resolve => setTimeout(resolve, 150)); return { by: 'async' } }, delay: 300 },
          { topic, payload: () => { throw new Error('no reading') }, delay: 350 },
          { topic, payload: () => Promise.reject(new Error('no sensor')), delay: 360 },
          { topic, payload: () => 5 as unknown as string, delay: 370 },
          { topic, payload: () => new Uint8Array([111, 107]), delay: 600, qos: 1 },
        ])
        const before = asked.length
        const { steps } = await run.done
        return { asked, before, late, steps: steps.map(s => [s.state, s.error?.code, s.error?.field, s.error?.cause === undefined ? undefined : String(s.error.cause)]) }
      }, topic)
      expect(seen).toMatchObject({ before: 0, asked: [[0, 'due', true, 0]] })
      expect(seen.late[0]).toBeGreaterThanOrEqual(-1)
      expect(seen.late[0]).toBeLessThan(bound)
      const bad = ['failed', 'invalid-argument']
      const none = [undefined, undefined, undefined]
      expect(seen.steps).toEqual([
        ['sent', ...none], ['sent', ...none], [...bad, 'steps[2].payload', 'Error: no reading'], [...bad, 'steps[3].payload', 'Error: no sensor'],
        [...bad, 'steps[4].payload', undefined], ['acknowledged', ...none],
      ])
      // A payload that takes longer than planned may be overtaken.
      expect((await observer.all(client, topic)).map(h => h.text).sort()).toEqual(['ok', 'sync 0', '{"by":"async"}'])
    })

    test('pause puts off what waits, by as long as it lasted', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const start = Date.now()
        const run = c.publishDelayed([
          { topic, payload: '0' }, { topic, payload: '1', delay: 200 }, { topic, payload: '2' }, { topic, payload: 'date', at: new Date(start + 400) }, { topic, payload: '4', delay: 300 },
        ], { spacing: 200 })
        const planned = run.steps.map(s => s.plannedAt)
        await run[Symbol.asyncIterator]().next()
        const states = [run.state]
        run.pause()
        run.pause()
        const paused = Date.now()
        states.push(run.state)
        await new Promise(resolve => setTimeout(resolve, 800))
        const meanwhile = run.steps.map(s => s.state)
        run.resume()
        const length = Date.now() - paused
        states.push(run.state)
        const { steps } = await run.done
        run.pause()
        return { states: [...states, run.state], meanwhile, length, moved: steps.map((s, i) => s.plannedAt - planned[i]!), ends: steps.map(s => s.state) }
      }, topic)
      expect(seen.states).toEqual(['running', 'paused', 'running', 'finished'])
      expect(seen.meanwhile).toEqual(['sent', 'waiting', 'waiting', 'waiting', 'waiting'])
      expect(seen.ends).toEqual(['sent', 'sent', 'sent', 'sent', 'sent'])
      for (const i of [1, 2, 4]) expect(Math.abs(seen.moved[i] - seen.length)).toBeLessThan(150)
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(['0', 'date', '1', '4', '2'])
      expect(gaps(heard)[0]).toBeGreaterThanOrEqual(seen.length - 250)
      expect(heard[2].at - heard[0].at).toBeGreaterThanOrEqual(200 + seen.length - 100)
      expect(heard[4].at - heard[2].at).toBeGreaterThanOrEqual(200 - 100)
    })

    test('reschedule: earlier, later, to a date, and those that are spaced from it', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const hour = 3_600_000
        const start = Date.now()
        const run = c.publishDelayed([
          { topic, payload: '0' }, { topic, payload: '1', delay: hour }, { topic, payload: '2', delay: 100 }, { topic, payload: '3', delay: 2 * hour }, { topic, payload: '4', spacing: 200 },
          { topic, payload: '5', delay: 3 * hour },
        ])
        run.reschedule(1, 300)
        run.reschedule(2, new Date(start + 600))
        run.reschedule(3, new Date(start + 800))
        run.reschedule(5, new Date(start - hour))
        const { steps } = await run.done
        run.reschedule(0, 0)
        return { start, planned: steps.map(s => s.plannedAt - start), states: steps.map(s => s.state), after: run.steps.map(s => s.state) }
      }, topic)
      expect(seen.states).toEqual(Array(6).fill('sent'))
      expect(seen.after).toEqual(seen.states)
      for (const [i, planned] of [0, 300, 600, 800, 1000, 0].entries()) expect(Math.abs(seen.planned[i] - planned)).toBeLessThan(60)
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text).slice(2)).toEqual(['1', '2', '3', '4'])
      expect(heard.map(h => h.text).slice(0, 2).sort()).toEqual(['0', '5'])
      for (const [i, planned] of [0, 0, 300, 600, 800, 1000].entries()) {
        expect(heard[i].at - seen.start).toBeGreaterThanOrEqual(planned - 2)
        expect(heard[i].at - seen.start).toBeLessThan(planned + bound)
      }
    })
  })
}

test('a run that starts in the future, and one whose start is over', async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const now = Date.now()
    const future = c.publishDelayed([{ topic, payload: '0' }, { topic, payload: '1' }, { topic, payload: '2', delay: 100 }], { start: new Date(now + 500), spacing: 200 })
    const past = c.publishDelayed([{ topic, payload: 'past 0', delay: 100 }, { topic, payload: 'past 1', delay: 1200 }], { start: new Date(now - 1000) })
    return { now, planned: [...(await future.done).steps, ...(await past.done).steps].map(s => s.plannedAt - now) }
  }, topic)
  expect(seen.planned).toEqual([500, 700, 600, -900, 200])
  const heard = await observer.all(client, topic)
  expect(heard.map(h => h.text)).toEqual(['past 0', 'past 1', '0', '2', '1'])
  expect(heard[2].at - seen.now).toBeGreaterThanOrEqual(498)
})

test('jitter stays within its bounds', async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const run = c.publishDelayed([
      ...Array.from({ length: 40 }, (_, i) => ({ topic, payload: String(i), delay: 100 })), { topic, payload: 'exact', delay: 100, jitter: 0 },
      { topic, payload: 'beat', every: 100, times: 5, jitter: 50 },
    ], { jitter: 400 })
    const { steps } = await run.done
    const start = steps[40]!.plannedAt - 100
    return { start, planned: steps.slice(0, 40).map(s => s.plannedAt - start), beats: steps.slice(41).map((s, i) => s.plannedAt - start - i * 100) }
  }, topic)
  const within = (offsets: number[], min: number, max: number): void => {
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(min - 0.01)
    expect(Math.max(...offsets)).toBeLessThanOrEqual(max + 0.01)
  }
  within(seen.planned, 100, 500)
  within(seen.beats, 0, 50)
  expect(Math.max(...seen.planned) - Math.min(...seen.planned)).toBeGreaterThan(200)
  const heard = (await observer.all(client, topic)).filter(h => /^\d+$/.test(h.text))
  expect(heard.map(h => h.text).sort()).toEqual(Array.from({ length: 40 }, (_, i) => String(i)).sort())
  expect(heard.map(h => h.text)).toEqual([...heard].sort((a, b) => seen.planned[Number(a.text)] - seen.planned[Number(b.text)]).map(h => h.text))
  within(heard.map(h => h.at - seen.start), 98, 500 + bound)
})

for (const server of ['gateway', 'mosquitto'] as const) {
  test.describe(server, () => {
    test.use({ server })

    test('QoS, retain, properties and the expiry that a deadline gives', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, `${topic}/#`)
      const client = await connected(shared, options)
      const states = await client.evaluate(async (c, topic) => (await c.publishDelayed([
        { topic: `${topic}/a`, payload: 'a', properties: { contentType: 'text/plain', userProperties: { unit: ['mm', 'cm'] }, payloadFormatIndicator: true } },
        { topic: `${topic}/b`, payload: 'b', qos: 1, retain: true },
        { topic: `${topic}/c`, payload: 'c', properties: { messageExpiryInterval: 5 } },
      ], { spacing: 20, deadline: 30_000 }).done).steps.map(s => s.state), topic)
      expect(states).toEqual(['sent', 'acknowledged', 'sent'])
      const heard = await observer.all(client, `${topic}/end`)
      expect(heard.map(h => [h.topic.slice(topic.length), h.text, h.qos])).toEqual([['/a', 'a', 0], ['/b', 'b', 1], ['/c', 'c', 0]])
      expect(heard[0].properties).toMatchObject({ contentType: 'text/plain', userProperties: { unit: ['mm', 'cm'] }, payloadFormatIndicator: true })
      // What is left of it is passed on, at AWS rounded down.
      heard.forEach((h, i) => expect([0, 1]).toContain([30, 30, 5][i]! - h.properties.messageExpiryInterval!))
      const late = await observe(options, `${topic}/b`)
      await late.count(1)
      expect(late.heard).toMatchObject([{ topic: `${topic}/b`, text: 'b', retain: true }])
    })

    test('nothing goes out after the deadline', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const steps = ['0', '1', '2', '3'].map(payload => ({ topic, payload }))
        const span = c.publishDelayed(steps, { spacing: 300, deadline: 450 })
        const date = c.publishDelayed(topic, 'beat', { every: 200, deadline: new Date(Date.now() + 500) })
        const over = c.publishDelayed(steps, { deadline: new Date(Date.now() - 1) })
        const ends = async (run: typeof span) => (await run.done).steps.map(s => s.error ? `${s.state} ${s.error.code}` : s.state)
        return { span: await ends(span), date: await ends(date), over: await ends(over), sentAt: span.steps[2]!.sentAt }
      }, topic)
      expect(seen.span).toEqual(['sent', 'sent', 'skipped timeout', 'skipped timeout'])
      expect(seen.date).toEqual(['sent', 'sent', 'sent', 'skipped timeout'])
      expect(seen.over).toEqual(Array(4).fill('skipped timeout'))
      expect(seen.sentAt).toBeUndefined()
      const heard = await observer.all(client, topic)
      expect(heard.filter(h => h.text !== 'beat').map(h => [h.text, h.properties.messageExpiryInterval! <= 1])).toEqual([['0', true], ['1', true]])
      expect(heard.filter(h => h.text === 'beat')).toHaveLength(3)
    })
  })
}

test('a client lists its runs: those that go on, and the last 20 that have finished', async ({ shared, options, topic }) => {
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const none = c.delayed().length
    const late = c.publishDelayed(topic, 'never', { delay: 3_600_000 })
    const short = Array.from({ length: 25 }, () => c.publishDelayed(topic, 'x', { delay: 0 }))
    const all = c.delayed().length
    await Promise.all(short.map(run => run.done))
    const after = c.delayed()
    const states = after.map(run => run.state)
    late.cancel()
    await late.done
    const ids = c.delayed().map(run => run.id)
    return { none, all, after: after.map(run => run.id), states, ids, late: late.id, short: short.map(run => run.id), same: after[0] === late, persist: 'persist' in late }
  }, topic)
  expect(seen).toMatchObject({ none: 0, all: 26, same: true, persist: false })
  expect(seen.after).toEqual([seen.late, ...seen.short.slice(-20)])
  expect(seen.states).toEqual(['running', ...Array(20).fill('finished')])
  expect(seen.ids).toHaveLength(20)
})

test('10,000 steps that wait are cancelled in no time', async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const steps = Array.from({ length: 10_000 }, (_, i) => ({ topic, payload: String(i), delay: 600_000 + i, qos: (i % 2) as 0 | 1 }))
    const run = c.publishDelayed(steps)
    await c.publish(topic, 'the module has the run', { qos: 1 })
    const before = performance.now()
    run.cancel()
    const report = await run.done
    return { took: performance.now() - before, cancelled: report.steps.filter(s => s.state === 'cancelled').length, listed: run.steps.length }
  }, topic)
  expect(seen).toMatchObject({ cancelled: 10_000, listed: 10_000 })
  expect(seen.took).toBeLessThan(2000)
  expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['the module has the run'])
})

test("no drift over 50 repetitions while the page's thread is busy", async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const run = c.publishDelayed(topic, 'beat', { every: 100, times: 50 })
    const busy = setInterval(() => {
      const end = performance.now() + 300
      while (performance.now() < end);
    }, 700)
    const { steps } = await run.done
    clearInterval(busy)
    return { deviations: steps.map(s => s.deviation!), span: steps[49]!.plannedAt - steps[0]!.plannedAt, states: [...new Set(steps.map(s => s.state))] }
  }, topic)
  expect(seen.states).toEqual(['sent'])
  expect(Math.abs(seen.span - 4900)).toBeLessThan(1)
  // The middle of ten: one alone is late whenever the machine is busy.
  expect(seen.deviations.slice(40).sort((a, b) => a - b)[5]).toBeLessThan(100)
  const heard = await observer.all(client, topic)
  expect(heard).toHaveLength(50)
  expect(Math.abs(heard[49].at - heard[0].at - 4900)).toBeLessThan(bound)
  // They did not wait for the page, which had no time for 300 ms, seven times.
  expect(gaps(heard).filter(gap => gap > 280).length).toBeLessThan(3)
})

test('requests to the shadows of one thing are paced as AWS IoT asks, other topics are not', async ({ shared, options, topic, observe }) => {
  const thing = topic.replaceAll('/', '-')
  const shadow = `$aws/things/${thing}/shadow/update`
  const observer = await observe(options, shadow, `${shadow}/accepted`, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, { shadow, topic }) => {
    const start = Date.now()
    const run = c.publishDelayed(Array.from({ length: 60 }, (_, i) => ({ topic: shadow, payload: { state: { reported: { i } } }, qos: (i % 2) as 0 | 1 })))
    const others = c.publishDelayed(Array.from({ length: 60 }, (_, i) => ({ topic, payload: String(i) })))
    await others.done
    const took = Date.now() - start
    const due = run.steps.filter(s => s.state === 'due').length
    const { steps } = await run.done
    return { took, due, states: [...new Set(steps.map(s => s.state))].sort(), sentAt: steps.map(s => s.sentAt!), start }
  }, { shadow, topic })
  expect(seen.states).toEqual(['acknowledged', 'sent'])
  expect(seen.took).toBeLessThan(900)
  expect(seen.due).toBeGreaterThanOrEqual(35)
  const heard = await observer.all(client, topic)
  const others = heard.filter(h => h.topic === topic)
  expect(others.map(h => h.text)).toEqual(Array.from({ length: 60 }, (_, i) => String(i)))
  expect(others[59].at - seen.start).toBeLessThan(900)
  const requests = heard.filter(h => h.topic === shadow)
  expect(requests.map(h => (JSON.parse(h.text) as { state: { reported: { i: number } } }).state.reported.i)).toEqual(Array.from({ length: 60 }, (_, i) => i))
  expect(heard.filter(h => h.topic === `${shadow}/accepted`)).toHaveLength(60)
  const inAny = (ms: number, times: number[]): number => Math.max(...times.map(from => times.filter(at => at >= from && at < from + ms).length))
  expect(inAny(950, seen.sentAt)).toBe(20)
  // What one message is later on its way than another shortens the second.
  expect(inAny(700, requests.map(h => h.at))).toBe(20)
  expect(requests[59].at - requests[0].at).toBeLessThan(3500)
})

test('bad input throws at once, names the field, and sends nothing', async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, `${topic}/#`)
  const client = await connected(shared, options)
  const got = await client.evaluate(async (c, topic) => {
    const good = { topic: `${topic}/steps`, payload: 'never' }
    const update = { topic: '$aws/things/x/shadow/update', payload: {} }
    const until = (): boolean => true
    const call = (): string => 'never'
    /** The field, and of the arguments what is wrong in them. */
    const steps: [string, ...object[]][] = [
      ['', 'x' as unknown as object], ['.topic', { topic: 'a/#' }], ['.payload', { payload: undefined }, { payload: 5 }], ['.qos', { qos: 3 }, { gate: 'ack', qos: 0 }],
      ['.retain', { retain: 1 }], ['.properties.contentType', { properties: { contentType: 1 } }], ['.repeat', { repeat: 1 }],
      ['.delay', { delay: -1 }, { delay: NaN }, { delay: Infinity }, { delay: '5' }, { delay: 9e15 }],
      ['.at', { at: new Date(NaN) }, { at: 5 }, { at: new Date(), delay: 1 }],
      ['.spacing', { spacing: -1 }, { spacing: NaN }, { spacing: '5' }, { spacing: 9e15 }, { spacing: 1, delay: 1 }, { spacing: 1, at: new Date() }],
      ['.every', { every: 0 }, { every: 0.5 }, { every: -1 }, { every: Infinity }, { every: '5' }, { times: 2 }],
      ['.times', { every: 1, times: 0 }, { every: 1, times: 1.5 }, { every: 1, times: 100_001 }, { every: 1, times: '2' }, { every: 1, times: Infinity }],
      ['.jitter', { jitter: -1 }, { jitter: NaN }, { jitter: '5' }],
      ['.gate', { gate: 'acked' }, { gate: 5 }, { gate: null }, { gate: until }],
      ['.gate.on', { gate: {} }, { gate: { on: 'sent' } }, { gate: { on: 'ack', until } }],
      ['.gate.until', { gate: { until: 'x' } }], ['.gate.wait', { gate: { on: 'ack', wait: 1 } }],
      ['.gate.timeout', { gate: { on: 'ack', timeout: 0 } }, { gate: { until, timeout: -1 } }, { gate: { on: 'shadow', timeout: 1.5 } }, { gate: { on: 'ack', timeout: '1' } }],
      ['.topic', { gate: 'shadow' }, { ...update, topic: '$aws/things/x/shadow/update/accepted', gate: 'shadow' }],
      ['.payload', { ...update, payload: 'text', gate: 'shadow' }, { ...update, payload: [1], gate: 'shadow' }, { ...update, payload: new Uint8Array([1]), gate: 'shadow' }],
      ['.payload.clientToken', { ...update, payload: { clientToken: 5 }, gate: 'shadow' }, { ...update, payload: { clientToken: 'x'.repeat(65) }, gate: 'shadow' }],
    ]
    const run: [string, ...object[]][] = [
      ['options', 'x' as unknown as object], ['pause', { pause: true }], ['signal', { signal: {} }, { signal: 1 }],
      ['start', { start: 'now' }, { start: 5 }, { start: new Date(NaN) }], ['spacing', { spacing: -1 }, { spacing: NaN }, { spacing: '5' }], ['jitter', { jitter: -1 }, { jitter: '5' }],
      ['gate', { gate: 'acked' }, { gate: 1 }], ['gate.until', { gate: { until: 1 } }], ['gate.timeout', { gate: { on: 'ack', timeout: 0 } }],
      ['offline', { offline: 'queue' }, { offline: true }], ['onFailure', { onFailure: 'ignore' }], ['retries', { retries: -1 }, { retries: 1.5 }, { retries: '3' }, { retries: Infinity }],
      ['retryDelay', { retryDelay: -1 }, { retryDelay: 1.5 }, { retryDelay: '3' }], ['deadline', { deadline: -1 }, { deadline: NaN }, { deadline: 'x' }, { deadline: new Date(NaN) }],
      ['persist', { persist: '' }, { persist: 5 }], ['missed', { missed: 'drop' }], ['gate', { persist: 'x', gate: { until } }],
    ]
    const single: [string, ...unknown[]][] = [
      ['options', topic, 'never'], ['delay', topic, 'never', {}], ['delay', topic, 'never', { delay: -1 }], ['delay', topic, 'never', { gate: 'ack' }], ['topic', '', 'never', { delay: 0 }],
      ['payload', topic, undefined, { delay: 0 }], ['at', topic, 'never', { at: 'now' }], ['signal', topic, 'never', { delay: 0, signal: 1 }], ['topic', topic, 'never', { delay: 0, topic: 'other' }],
      ['every', topic, 'never', { every: 0 }], ['every', topic, 'never', { delay: 0, times: 2 }], ['times', topic, 'never', { every: 1, times: 0 }], ['spacing', topic, 'never', { spacing: -1 }],
      ['jitter', topic, 'never', { delay: 0, jitter: -1 }], ['gate', topic, 'never', { delay: 0, gate: 'x' }], ['qos', topic, 'never', { delay: 0, qos: 0, gate: 'ack' }],
      ['offline', topic, 'never', { delay: 0, offline: 'x' }], ['deadline', topic, 'never', { delay: 0, deadline: 'x' }], ['persist', topic, 'never', { delay: 0, persist: '' }],
      ['payload', topic, call, { delay: 0, persist: 'x' }], ['gate', topic, 'never', { delay: 0, persist: 'x', gate: { until } }],
    ]
    const late = c.publishDelayed(good.topic, 'never', { delay: 3_600_000 })
    const loose = late as unknown as Record<'cancel' | 'on' | 'reschedule', (...args: unknown[]) => void>
    const { resumeDelayed } = c as unknown as Record<'resumeDelayed', (...args: unknown[]) => Promise<unknown>>
    const calls: [string, () => unknown][] = [
      ...[[], 42, {}].map(wrong => ['steps', () => (c.publishDelayed as (...args: unknown[]) => unknown)(wrong)] as [string, () => unknown]),
      ['steps', () => c.publishDelayed([{ ...good, every: 1, times: 100_000 }, good])],
      ['steps[1].times', () => c.publishDelayed([good, { ...good, every: 1 }, good], { gate: 'sent' })],
      ['steps[0].payload', () => c.publishDelayed([{ ...good, payload: call }], { persist: 'x' })],
      ['steps[0].gate', () => c.publishDelayed([{ ...good, gate: { until } }], { persist: 'x' })],
      ...steps.flatMap(([field, ...wrong]) => wrong.map(each => [`steps[1]${field}`, () => c.publishDelayed([good, typeof each === 'object' ? { ...good, ...each } : each as typeof good])] as [string, () => unknown])),
      ...run.flatMap(([field, ...wrong]) => wrong.map(each => [field, () => c.publishDelayed([good], each)] as [string, () => unknown])),
      ...single.map(([field, ...args]) => [field, () => (c.publishDelayed as (...args: unknown[]) => unknown)(...args)] as [string, () => unknown]),
      ['step', () => loose.cancel(1)], ['step', () => loose.cancel('0')], ['event', () => loose.on('done', () => 0)], ['handler', () => loose.on('progress', 0)],
      ['step', () => loose.reschedule(1, 0)], ['step', () => loose.reschedule(undefined, 0)],
      ...[-1, NaN, 'now', undefined, 9e15, new Date(NaN)].map(when => ['when', () => loose.reschedule(0, when)] as [string, () => unknown]),
      ['persist', () => resumeDelayed.call(c, '')], ['persist', () => resumeDelayed.call(c)], ['missed', () => resumeDelayed.call(c, 'x', { missed: 'drop' })],
      ['offline', () => resumeDelayed.call(c, 'x', { offline: 'wait' })], ['signal', () => resumeDelayed.call(c, 'x', { signal: {} })], ['options', () => resumeDelayed.call(c, 'x', 5)],
    ]
    const got: [string, string][] = []
    for (const [field, call] of calls) {
      const f = await window.failure(call)
      got.push([`${got.length} invalid-argument ${field}`, `${got.length} ${f?.code} ${f?.field}`])
    }
    const listed = c.delayed().length
    late.cancel()
    await late.done
    return { got, listed }
  }, topic)
  expect(got.got.length).toBeGreaterThan(120)
  expect(got.got.map(([, is]) => is)).toEqual(got.got.map(([must]) => must))
  expect(got.listed).toBe(1)
  expect(await observer.all(client, `${topic}/end`)).toEqual([])
})
