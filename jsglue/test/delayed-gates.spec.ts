/** Delayed publish: the gates that the steps of a run wait for, and what follows a failure. */
import { connected, expect, test } from './fixtures'
import { gaps } from './observer'

/** Bound for what takes no time but the machine's, in ms. */
const bound = 500

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('sent and ack: one after another, with the spacing counted from there', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const open: number[] = [] // steps that were sent when the one before was not settled
        const run = c.publishDelayed([
          { topic, payload: '0' }, { topic, payload: '1', qos: 1 }, { topic, payload: '2', delay: 0 }, { topic, payload: '3', delay: 600 }, { topic, payload: '4', gate: 'sent' }, { topic, payload: '5', gate: 'none', qos: 0 },
        ], { gate: 'ack', spacing: 100 })
        run.on('progress', s => { if (s.state === 'sent' && s.index > 0 && s.index < 5 && run.steps[s.index - 1]!.state !== 'acknowledged') open.push(s.index) })
        const steps = (await run.done).steps
        return { open, steps: steps.map(s => s.state), sent: steps.map(s => s.sentAt!), acknowledged: steps.map(s => s.acknowledgedAt), planned: steps.map(s => s.plannedAt) }
      }, topic)
      expect(seen.open).toEqual([])
      expect(seen.steps).toEqual(['acknowledged', 'acknowledged', 'acknowledged', 'acknowledged', 'sent', 'sent'])
      for (const i of [1, 4]) expect(seen.planned[i]).toBeCloseTo(seen.acknowledged[i - 1]! + 100, 0)
      expect(seen.planned[5]).toBeCloseTo(seen.sent[4] + 100, 0)
      expect(seen.sent[2]).toBeGreaterThanOrEqual(seen.acknowledged[1]! - 1)
      const heard = await observer.all(client, topic)
      expect(heard.map(h => [h.text, h.qos])).toEqual([['0', 1], ['1', 1], ['2', 1], ['3', 1], ['4', 0], ['5', 0]])
      for (const i of [0, 3, 4]) expect(gaps(heard)[i]).toBeGreaterThan(50)
      expect(heard[3].at - heard[0].at).toBeGreaterThan(450) // the first may come late
    })

    test('shadow: accepted, with the answer; the next step waits for it', async ({ shared, options, topic, observe }) => {
      const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow/name/gate`
      const observer = await observe(options, topic, `${shadow}/+`, `${shadow}/+/accepted`, `${shadow}/+/rejected`)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, { shadow, topic }) => {
        const run = c.publishDelayed([
          { topic: `${shadow}/update`, payload: { state: { reported: { n: 1 } } } },
          { topic: `${shadow}/update`, payload: step => ({ state: { reported: { n: step.index + 1 } }, clientToken: 'own' }) },
          { topic: `${shadow}/get`, payload: '', qos: 0 },
          { topic: `${shadow}/delete`, payload: {} },
          { topic, payload: 'deleted', gate: 'none' },
        ], { gate: 'shadow', spacing: 150 })
        return (await run.done).steps.map(s => ({ state: s.state, topic: s.answer?.topic, body: s.answer?.json<{ version: number, state?: unknown, clientToken?: string }>(), answeredAt: s.answer?.receivedAt, plannedAt: s.plannedAt, acknowledged: s.acknowledgedAt !== undefined }))
      }, { shadow, topic })
      expect(seen.map(s => s.state)).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'sent'])
      expect(seen.map(s => s.acknowledged)).toEqual([true, true, false, true, false])
      expect(seen.map(s => s.topic)).toEqual([`${shadow}/update/accepted`, `${shadow}/update/accepted`, `${shadow}/get/accepted`, `${shadow}/delete/accepted`, undefined])
      expect(seen[0].body).toMatchObject({ version: 1, state: { reported: { n: 1 } }, clientToken: expect.stringMatching(/^[0-9a-f]{16,}$/) })
      expect(seen[1].body).toMatchObject({ version: 2, state: { reported: { n: 2 } }, clientToken: 'own' })
      expect(seen[2].body).toMatchObject({ version: 2, state: { reported: { n: 2 } } })
      for (const i of [1, 2, 3, 4]) {
        expect(seen[i].plannedAt).toBeGreaterThanOrEqual(seen[i - 1].answeredAt! + 149)
        expect(seen[i].plannedAt).toBeLessThan(seen[i - 1].answeredAt! + 150 + bound)
      }
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.topic.replace(`${shadow}/`, ''))).toEqual(['update', 'update/accepted', 'update', 'update/accepted', 'get', 'get/accepted', 'delete', 'delete/accepted', topic])
      expect(heard[1].text).toContain((JSON.parse(heard[0].text) as { clientToken: string }).clientToken)
      for (const i of [1, 3, 5, 7]) expect(gaps(heard)[i]).toBeGreaterThan(80)
    })

    test('until: a message for which the function returns true', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, `${topic}/do`)
      observer.on(({ text }) => {
        void observer.publish(`${topic}/did`, `not ${text}`)
        setTimeout(() => void observer.publish(`${topic}/did`, text), 300)
      })
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        await c.subscribe(`${topic}/did`, { qos: 1 })
        const steps: string[] = []
        const run = c.publishDelayed(['a', 'b', 'c'].map(payload => ({ topic: `${topic}/do`, payload })), {
          spacing: 100,
          gate: { until: (message, step) => {
            steps.push(`${step.index} ${step.state} ${message.text()}`)
            return message.text() === 'abc'[step.index]
          } },
        })
        return { answers: (await run.done).steps.map(s => `${s.state} ${s.answer?.text()}`), steps }
      }, topic)
      expect(seen.answers).toEqual(['accepted a', 'accepted b', 'accepted c'])
      expect(seen.steps).toEqual(['a', 'b', 'c'].flatMap((text, i) => [`${i} sent not ${text}`, `${i} sent ${text}`]))
      const heard = await observer.all(client, `${topic}/do`)
      expect(heard.map(h => h.text)).toEqual(['a', 'b', 'c'])
      for (const gap of gaps(heard)) expect(gap).toBeGreaterThanOrEqual(350)
    })

    test('a gate that stays shut, and one whose function throws', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        await c.subscribe(topic, { qos: 1 })
        const run = c.publishDelayed([
          { topic, payload: 'shut', qos: 1, gate: { until: () => false, timeout: 400 } },
          { topic, payload: 'throws', gate: { until: () => { throw new Error('no such message') } } },
          { topic, payload: 'last' },
        ], { spacing: 100 })
        return (await run.done).steps.map(s => [s.state, s.error?.code, s.error?.field, s.error?.retryable, s.error?.cause === undefined ? '' : String(s.error.cause)])
      }, topic)
      expect(seen).toEqual([
        ['failed', 'timeout', undefined, true, ''], ['failed', 'invalid-argument', 'steps[1].gate.until', false, 'Error: no such message'], ['sent', undefined, undefined, undefined, ''],
      ])
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(['shut', 'throws', 'last'])
      expect(gaps(heard)[0]).toBeGreaterThan(430)
    })

    test('onFailure after a refused PUBACK: continue, stop, retry', async ({ shared, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(shared, options)
      const seen = await client.evaluate(async (c, topic) => {
        const steps = (name: string) => [
          { topic, payload: `${name} 0` }, { topic: '$aws/things/x/shadow/update/accepted', payload: 'refused' }, { topic, payload: `${name} 2` }, { topic, payload: `${name} 3` },
        ]
        const ends = async (run: ReturnType<typeof c.publishDelayed>) => (await run.done).steps.map(s => [s.state, s.error?.code, s.error?.reasonCode, s.attempts])
        const told: unknown[] = []
        const retried = c.publishDelayed(steps('retry'), { gate: 'ack', onFailure: 'retry', retries: 2, retryDelay: 100 })
        retried.on('progress', s => { if (s.index === 1 && s.error) told.push([s.state, s.attempts, s.error.reasonCode]) })
        const before = Date.now()
        const retry = await ends(retried)
        const took = Date.now() - before
        return {
          retry, told, took,
          continued: await ends(c.publishDelayed(steps('continue'), { gate: 'ack' })),
          stopped: await ends(c.publishDelayed(steps('stop'), { gate: 'ack', onFailure: 'stop' })),
          timed: await ends(c.publishDelayed(steps('timed').map((s, i) => ({ ...s, qos: 1 as const, spacing: i * 200 })), { onFailure: 'stop' })),
        }
      }, topic)
      const good = ['acknowledged', undefined, undefined, 1], skipped = ['skipped', 'publish-refused', 0x87, 0]
      const refused = (attempts: number) => ['failed', 'publish-refused', 0x87, attempts]
      expect(seen.continued).toEqual([good, refused(1), good, good])
      expect(seen.stopped).toEqual([good, refused(1), skipped, skipped])
      expect(seen.timed).toEqual([good, refused(1), skipped, skipped])
      expect(seen.retry).toEqual([good, refused(3), skipped, skipped])
      expect(seen.told).toEqual([['waiting', 1, 0x87], ['waiting', 2, 0x87], ['failed', 3, 0x87]])
      expect(seen.took).toBeGreaterThanOrEqual(300 - 5)
      expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['retry 0', 'continue 0', 'continue 2', 'continue 3', 'stop 0', 'timed 0'])
    })
  })
}

test('shadow: a version conflict is a rejection', async ({ shared, options, topic, observe }) => {
  const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow`
  const observer = await observe(options, topic, `${shadow}/update/+`)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, { shadow, topic }) => {
    const update = (version?: number) => ({ topic: `${shadow}/update`, payload: { state: { desired: { v: version ?? 0 } }, ...(version !== undefined && { version }) } })
    const ends = async (run: ReturnType<typeof c.publishDelayed>) => (await run.done).steps.map(s => [s.state, s.error?.code, s.error?.reasonCode, s.answer?.topic.split('/').at(-1), s.answer?.json<{ code?: number }>().code, s.attempts])
    const first = await ends(c.publishDelayed([update(), update(99), update(1), { topic: `${shadow}/get`, payload: '' }], { gate: 'shadow' }))
    const stop = await ends(c.publishDelayed([update(99), { topic, payload: 'never', gate: 'none' }], { gate: 'shadow', onFailure: 'stop' }))
    return { first, stop }
  }, { shadow, topic })
  const accepted = ['accepted', undefined, undefined, 'accepted', undefined, 1], rejected = ['rejected', 'shadow-rejected', 409, 'rejected', 409, 1]
  expect(seen.first).toEqual([accepted, rejected, accepted, accepted])
  expect(seen.stop).toEqual([rejected, ['skipped', 'shadow-rejected', 409, undefined, undefined, 0]])
  const heard = await observer.all(client, topic)
  expect(heard.map(h => h.topic.split('/').at(-1)).filter(t => t !== 'delta' && t !== 'documents')).toEqual(['accepted', 'rejected', 'accepted', 'rejected'])
})

test('shadow: another client of the same shadow opens no gate', async ({ shared, options, topic, observe }) => {
  const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow`
  const observer = await observe(options, `${shadow}/update/+`)
  const client = await connected(shared, options)
  const seen = await client.evaluateHandle(async (c, shadow) => {
    let read!: () => void
    let asked!: () => void
    const due = new Promise<void>(resolve => { asked = resolve })
    const payload = (): Promise<object> => new Promise(resolve => {
      read = () => resolve({ state: { reported: { from: 'run' } } })
      asked()
    })
    const run = c.publishDelayed([{ topic: `${shadow}/update`, payload }], { gate: 'shadow' })
    await due
    return { run, read }
  }, shadow)
  for (const n of [1, 2]) await observer.publish(`${shadow}/update`, JSON.stringify({ state: { reported: { n } }, clientToken: `other ${n}` }))
  await observer.publish(`${shadow}/update`, JSON.stringify({ state: { reported: {} } }))
  await expect.poll(() => observer.heard.filter(h => h.topic.endsWith('/accepted')).length).toBe(3)
  expect(await seen.evaluate(({ run }) => run.steps.map(s => [s.state, s.error?.message]))).toEqual([['due', undefined]])
  await seen.evaluate(({ read }) => read())
  expect(await seen.evaluate(async ({ run }) => (await run.done).steps.map(s => [s.state, s.answer?.json<{ version: number }>().version]))).toEqual([['accepted', 4]])
})

test.describe('mosquitto', () => {
  test.use({ server: 'mosquitto' })

  test('shadow: without a Device Shadow service the step times out, and is tried again', async ({ shared, options, topic, observe }) => {
    const update = `$aws/things/${topic.replaceAll('/', '-')}/shadow/update`
    const observer = await observe(options, update, topic)
    const client = await connected(shared, options)
    const seen = await client.evaluate(async (c, { update, topic }) => {
      const gate = { on: 'shadow' as const, timeout: 300 }
      const step = { topic: update, payload: { state: {} }, gate }
      const ends = async (run: ReturnType<typeof c.publishDelayed>) => (await run.done).steps.map(s => [s.state, s.error?.code, s.error?.retryable, s.attempts])
      return [
        await ends(c.publishDelayed([step, { topic, payload: 'after' }], { onFailure: 'continue' })),
        await ends(c.publishDelayed([step, { topic, payload: 'never' }], { retries: 1, retryDelay: 200 })),
      ]
    }, { update, topic })
    expect(seen).toEqual([
      [['failed', 'timeout', true, 1], ['sent', undefined, undefined, 1]],
      [['failed', 'timeout', true, 2], ['skipped', 'timeout', true, 0]],
    ])
    const heard = await observer.all(client, topic)
    expect(heard.map(h => h.topic)).toEqual([update, topic, update, update])
    const tokens = heard.filter(h => h.topic === update).map(h => (JSON.parse(h.text) as { clientToken: string }).clientToken)
    expect(new Set(tokens).size).toBe(3)
    expect(gaps(heard)[0]).toBeGreaterThan(250)
    expect(gaps(heard)[2]).toBeGreaterThan(450)
  })

  test('ack with QoS 2 opens on the PUBCOMP', async ({ shared, options, topic, observe }) => {
    const observer = await observe(options, topic)
    const client = await connected(shared, options)
    const states = await client.evaluate(async (c, topic) => (await c.publishDelayed(['0', '1', '2'].map(payload => ({ topic, payload, qos: 2 as const })), { gate: 'ack' }).done).steps.map(s => s.state), topic)
    expect(states).toEqual(['acknowledged', 'acknowledged', 'acknowledged'])
    expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['0', '1', '2'])
  })
})

test.describe('a service that refuses named shadows created back to back', () => {
  test.use({ flags: ['-shadow-creation-spacing', '800ms'] })

  const runs: Record<string, { options: object, created: number, attempts?: number[] }> = {
    'no spacing: all but the first are refused': { options: {}, created: 1 },
    'spacing: 1000 creates all': { options: { spacing: 1000 }, created: 3, attempts: [1, 1, 1] },
    "gate: 'shadow' creates all": { options: { gate: 'shadow' }, created: 3 },
    'retries create all, the second attempt each': { options: { gate: 'shadow', retries: 5, retryDelay: 900 }, created: 3, attempts: [1, 2, 2] },
    'retries that come too soon double their delay': { options: { gate: 'shadow', retries: 5, retryDelay: 500 }, created: 3, attempts: [1, 3, 3] },
    'retries that are exhausted stop the run': { options: { gate: 'shadow', retries: 1, retryDelay: 100 }, created: 1, attempts: [1, 2, 0] },
  }
  for (const [name, { options, created, attempts }] of Object.entries(runs)) {
    test(name, async ({ shared, ownGateway, worker, topic, observe }) => {
      const thing = topic.replaceAll('/', '-')
      const answers = `$aws/things/${thing}/shadow/name/+/update`
      const observer = await observe(ownGateway.options, topic, `${answers}/accepted`, `${answers}/rejected`)
      const client = await connected(shared, { ...ownGateway.options, worker })
      const steps = await client.evaluate(async (c, { thing, options }) => {
        const run = c.publishDelayed(['test1', 'test2', 'test3'].map(name => ({ topic: `$aws/things/${thing}/shadow/name/${name}/update`, payload: { state: { reported: { name } } }, qos: 1 as const })), options)
        return (await run.done).steps.map(s => ({ state: s.state, attempts: s.attempts, code: s.error?.code, reasonCode: s.error?.reasonCode }))
      }, { thing, options })
      const heard = await observer.all(client, topic)
      const accepted = heard.filter(h => h.topic.endsWith('/accepted')).map(h => h.topic.split('/')[5])
      expect(accepted).toEqual(['test1', 'test2', 'test3'].slice(0, created))
      const refused = heard.filter(h => h.topic.endsWith('/rejected'))
      for (const h of refused) expect(JSON.parse(h.text)).toMatchObject({ code: 429 })
      if (attempts) {
        expect(steps.map(s => s.attempts)).toEqual(attempts)
        expect(refused).toHaveLength(attempts.reduce((sum, n) => sum + n, 0) - created)
      } else if (created === 1) {
        expect(refused).toHaveLength(2)
      }
      if ('gate' in options) {
        expect(steps.slice(0, created).map(s => s.state)).toEqual(Array(created).fill('accepted'))
        if (created === 1) expect(steps.slice(1)).toMatchObject([{ state: 'rejected', code: 'shadow-rejected', reasonCode: 429 }, { state: 'skipped', code: 'shadow-rejected', reasonCode: 429 }])
      } else {
        expect(steps.map(s => s.state)).toEqual(['acknowledged', 'acknowledged', 'acknowledged'])
      }
    })
  }
})

test.describe('a service that drops them', () => {
  test.use({ flags: ['-shadow-creation-spacing', '800ms', '-shadow-creation-fault', 'drop'] })

  test('a gate that times out is tried again', async ({ shared, ownGateway, worker, topic, observe }) => {
    const thing = topic.replaceAll('/', '-')
    const observer = await observe(ownGateway.options, topic, `$aws/things/${thing}/shadow/name/+/update`, `$aws/things/${thing}/shadow/name/+/update/+`)
    const client = await connected(shared, { ...ownGateway.options, worker })
    const steps = await client.evaluate(async (c, thing) => {
      const run = c.publishDelayed(['test1', 'test2'].map(name => ({ topic: `$aws/things/${thing}/shadow/name/${name}/update`, payload: { state: { reported: { name } } } })), { gate: { on: 'shadow', timeout: 500 }, retries: 3, retryDelay: 500 })
      return (await run.done).steps.map(s => [s.state, s.attempts, s.error?.code])
    }, thing)
    expect(steps).toEqual([['accepted', 1, undefined], ['accepted', 2, undefined]])
    const heard = (await observer.all(client, topic)).map(h => h.topic.split('/').slice(5).join(' '))
    expect(heard.filter(t => !t.endsWith('documents'))).toEqual(['test1 update', 'test1 update accepted', 'test2 update', 'test2 update', 'test2 update accepted'])
  })
})
