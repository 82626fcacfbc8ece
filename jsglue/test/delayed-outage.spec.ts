/** Delayed publish: a link that is lost in the middle of a run, a server that does not answer, a module that crashes. Faults are made for real. */
import type { JSHandle } from '@playwright/test'
import type { Client, DelayedRun } from '../src/types'
import { record, until } from './events'
import { connected, expect, startGateway, test } from './fixtures'
import { gaps } from './observer'
import { freePort } from './servers.mjs'

/** Comes back soon, without the pause that Chromium makes after many refusals. */
const soon = { minDelay: 200, maxDelay: 400 }

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const states = (run: JSHandle<DelayedRun>) => run.evaluate(r => r.steps.map(s => s.state))
const ends = (run: JSHandle<DelayedRun>) => run.evaluate(async r => (await r.done).steps.map(s => s.error ? `${s.state} ${s.error.code}` : s.state))

/** A run of QoS 1 steps `0`, `1` … with the spacing of `options`. */
const start = (client: JSHandle<Client>, topic: string, count: number, options: object) => client.evaluateHandle((c, { topic, count, options }) =>
  c.publishDelayed(Array.from({ length: count }, (_, i) => ({ topic, payload: String(i), qos: 1 as const })), options), { topic, count, options })

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('offline: wait keeps the spacing and loses nothing', async ({ shared, options, proxied, topic, observe }) => {
      const observer = await observe(options, topic)
      const { url, proxy } = await proxied(options.endpoint!)
      const client = await connected(shared, { ...options, endpoint: url, reconnect: soon })
      const seen = await record(client)
      const run = await start(client, topic, 7, { spacing: 250 })
      await expect.poll(() => states(run).then(s => s[1]), { intervals: [5] }).toBe('acknowledged')
      await proxy.refuse()
      proxy.cut()
      await until(seen, /^offline/)
      await pause(1000)
      // One is due, the others wait behind it.
      expect(await states(run)).toEqual(['acknowledged', 'acknowledged', 'due', 'waiting', 'waiting', 'waiting', 'waiting'])
      await proxy.accept()
      expect(await ends(run)).toEqual(Array(7).fill('acknowledged'))
      const heard = await observer.all(client, topic)
      expect(heard.map(h => h.text)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
      expect(gaps(heard)[1]).toBeGreaterThan(900)
      for (const gap of gaps(heard).slice(2)) expect(gap).toBeGreaterThan(120)
      expect(heard[6].at - heard[2].at).toBeGreaterThan(900)
      expect(heard[6].at - heard[2].at).toBeLessThan(2000)
      const steps = await run.evaluate(r => r.steps.map(s => ({ moved: s.plannedAt - r.steps[0]!.plannedAt - s.index * 250, interrupted: s.interrupted })))
      for (const { moved } of steps.slice(3)) expect(moved).toBeGreaterThan(600)
      expect(steps.map(s => s.interrupted)).toEqual(Array(7).fill(undefined))
    })

    test('offline: skip and fail send only what is due with a link', async ({ shared, options, proxied, topic, observe }) => {
      const observer = await observe(options, topic)
      const { url, proxy } = await proxied(options.endpoint!)
      const client = await connected(shared, { ...options, endpoint: url, reconnect: soon })
      const seen = await record(client)
      await proxy.refuse()
      proxy.cut()
      await until(seen, /^offline/)
      const plain = { spacing: 100 }
      const skip = await start(client, topic, 2, { ...plain, offline: 'skip' })
      const fail = await start(client, topic, 2, { ...plain, offline: 'fail' })
      const stop = await start(client, topic, 3, { ...plain, offline: 'fail', onFailure: 'stop' })
      const dated = await client.evaluateHandle((c, topic) => c.publishDelayed([{ topic, payload: 'lost', qos: 1 }, { topic, payload: 'later', qos: 1, delay: 4000 }], { offline: 'skip' }), topic)
      const retry = await client.evaluateHandle((c, topic) => c.publishDelayed([{ topic, payload: 'retried', qos: 1 }], { offline: 'fail', retries: 20, retryDelay: 300 }), topic)
      expect(await ends(skip)).toEqual(['skipped offline', 'skipped offline'])
      expect(await ends(fail)).toEqual(['failed offline', 'failed offline'])
      expect(await ends(stop)).toEqual(['failed offline', 'skipped offline', 'skipped offline'])
      expect(await states(dated)).toEqual(['skipped', 'waiting'])
      expect(await fail.evaluate(r => r.steps.map(s => [s.sentAt, s.attempts, s.error!.retryable]))).toEqual([[undefined, 0, true], [undefined, 0, true]])
      await proxy.accept()
      await until(seen, 'state connected')
      await dated.evaluate(r => r.reschedule(1, 0))
      expect(await ends(dated)).toEqual(['skipped offline', 'acknowledged'])
      expect(await ends(retry)).toEqual(['acknowledged'])
      expect((await observer.all(client, topic)).map(h => h.text).sort()).toEqual(['later', 'retried'])
    })

    test('an interrupted step is told, goes again on the next link, and is acknowledged', async ({ shared, mosquitto, proxied, topic, observe }) => {
      const observer = await observe({ url: mosquitto }, topic)
      const { url, proxy } = await proxied(mosquitto)
      const client = await connected(shared, { url, worker, reconnect: soon })
      proxy.freeze()
      const run = await client.evaluateHandle((c, topic) => {
        const told: unknown[] = []
        const run = c.publishDelayed([{ topic, payload: '0', qos: 1 }, { topic, payload: '1', qos: 0 }, { topic, payload: '2', qos: 1, delay: 600 }], {})
        run.on('progress', s => { if (s.index === 0) told.push([s.state, s.interrupted ?? false, s.attempts]) })
        return { run, told }
      }, topic)
      await expect.poll(() => run.evaluate(({ run }) => run.steps.map(s => s.state))).toEqual(['sent', 'sent', 'sent'])
      expect(observer.heard).toEqual([])
      proxy.cut()
      expect(await run.evaluate(async ({ run }) => (await run.done).steps.map(s => [s.state, s.interrupted ?? false, s.attempts]))).toEqual([['acknowledged', true, 1], ['sent', false, 1], ['acknowledged', true, 1]])
      expect(await run.evaluate(({ told }) => told)).toEqual([['sent', false, 1], ['sent', true, 1], ['acknowledged', true, 1]])
      expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['0', '2']) // QoS 0 is gone with its link
    })

    test('a server that acknowledges nothing: the gate stays shut, and ends the step where it has a timeout', async ({ shared, options, proxied, topic, observe }) => {
      const observer = await observe(options, topic)
      const { url, proxy } = await proxied(options.endpoint!)
      const client = await connected(shared, { ...options, endpoint: url, reconnect: soon })
      const shut = await start(client, topic, 3, { gate: 'ack', start: new Date(Date.now() + 300) })
      const timed = await client.evaluateHandle((c, topic) => c.publishDelayed([{ topic, payload: 'timed' }, { topic, payload: 'never' }], { gate: { on: 'ack', timeout: 400 }, onFailure: 'stop', start: new Date(Date.now() + 300) }), topic)
      proxy.freeze()
      expect(await ends(timed)).toEqual(['failed timeout', 'skipped timeout'])
      await pause(300)
      expect(await states(shut)).toEqual(['sent', 'waiting', 'waiting'])
      expect(observer.heard).toEqual([])
      proxy.cut()
      expect(await ends(shut)).toEqual(['acknowledged', 'acknowledged', 'acknowledged'])
      const heard = await observer.all(client, topic)
      // The session sends again what it sent, also what the run has given up: that is unknown to it.
      expect(heard.map(h => h.text).filter(t => t !== 'timed')).toEqual(['0', '1', '2'])
      expect(await ends(timed)).toEqual(['failed timeout', 'skipped timeout'])
    })

    test('cancel, pause and signal without a link', async ({ shared, options, proxied, topic, observe }) => {
      const observer = await observe(options, topic)
      const { url, proxy } = await proxied(options.endpoint!)
      const client = await connected(shared, { ...options, endpoint: url, reconnect: soon })
      const seen = await record(client)
      await proxy.refuse()
      proxy.cut()
      await until(seen, /^offline/)
      const all = await start(client, topic, 2, { spacing: 50 })
      const one = await start(client, topic, 3, { spacing: 50 })
      const paused = await client.evaluateHandle((c, topic) => c.publishDelayed([{ topic, payload: 'paused', qos: 1 }]), topic)
      const stop = await client.evaluateHandle((c, topic) => {
        const stop = new AbortController()
        return { stop, run: c.publishDelayed([{ topic, payload: 'signal' }], { signal: stop.signal }) }
      }, topic)
      await expect.poll(() => states(one).then(s => s[0])).toBe('due')
      await all.evaluate(r => r.cancel())
      await one.evaluate(r => r.cancel(0))
      await paused.evaluate(r => r.pause())
      await stop.evaluate(s => s.stop.abort())
      expect(await ends(all)).toEqual(['cancelled', 'cancelled'])
      expect(await stop.evaluate(async s => (await s.run.done).steps[0]!.state)).toBe('cancelled')
      await proxy.accept()
      expect(await ends(one)).toEqual(['cancelled', 'acknowledged', 'acknowledged'])
      expect(await paused.evaluate(r => r.state)).toBe('paused')
      expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['1', '2'])
      await paused.evaluate(r => r.resume())
      expect(await ends(paused)).toEqual(['acknowledged'])
      expect((await observer.all(client, topic)).map(h => h.text)).toEqual(['1', '2', 'paused'])
    })

    test('a server that is killed and started again', async ({ shared, program, topic }) => {
      const port = await freePort()
      let gateway = await startGateway(program, { port })
      try {
        const client = await connected(shared, { ...gateway.options, worker, reconnect: soon })
        const seen = await record(client)
        // Nobody else is there at the moment of the return: the client's own subscription is back before the steps go on.
        const got = await client.evaluateHandle(async (c, topic) => {
          const got: { text: string, at: number }[] = []
          await c.subscribe(topic, { qos: 1 }, m => { got.push({ text: m.text(), at: m.receivedAt }) })
          return got
        }, topic)
        const run = await start(client, topic, 6, { spacing: 300, gate: worker ? 'none' : 'ack' })
        await expect.poll(() => got.evaluate(g => g.length), { intervals: [5] }).toBe(2)
        await expect.poll(() => states(run).then(s => s[1]), { intervals: [5] }).toBe('acknowledged')
        await gateway.stop('SIGKILL')
        await until(seen, /^offline/)
        await pause(700)
        gateway = await startGateway(program, { port })
        expect(await ends(run)).toEqual(Array(6).fill('acknowledged'))
        await expect.poll(() => got.evaluate(g => g.map(m => m.text))).toEqual(['0', '1', '2', '3', '4', '5'])
        const at = await got.evaluate(g => g.map(m => m.at))
        for (const i of [3, 4, 5]) expect(at[i] - at[i - 1]).toBeGreaterThan(150)
        expect(at[5] - at[2]).toBeGreaterThan(800)
      } finally {
        await gateway.stop('SIGKILL')
      }
    })

    test('a crash of the module fails all that has not ended', async ({ blank, options, topic, observe }) => {
      const observer = await observe(options, topic)
      const client = await connected(blank, options)
      const seen = await client.evaluate(async (c, topic) => {
        const late = { topic, payload: 'never', delay: 3_600_000 }
        const run = c.publishDelayed([{ topic, payload: 'sent', qos: 1 }, late, { ...late, qos: 1 }])
        const gated = c.publishDelayed([{ topic, payload: 'gated', gate: { until: () => false, timeout: 60_000 } }, late])
        const endless = c.publishDelayed(topic, 'never', { every: 3_600_000, start: new Date(Date.now() + 3_600_000) })
        endless.pause()
        await new Promise<void>(resolve => run.on('progress', s => { if (s.state === 'acknowledged') resolve() }))
        if (gated.steps[0]!.state !== 'sent') await new Promise<void>(resolve => gated.on('progress', s => { if (s.state === 'sent') resolve() }))
        const { subarray } = Uint8Array.prototype
        const failed = window.failure(() => c.publish(topic, 'x'))
        Uint8Array.prototype.subarray = () => new Uint8Array([255, 0, 0, 0, 0]) // a batch that no script of ours makes
        queueMicrotask(() => { Uint8Array.prototype.subarray = subarray })
        const code = (await failed)?.code
        const runs = []
        for (const each of [run, gated, endless]) runs.push((await each.done).steps.map(s => s.error ? `${s.state} ${s.error.code}` : s.state))
        const iterated: string[] = []
        for await (const step of run) iterated.push(step.state)
        run.cancel()
        endless.resume()
        return { code, runs, iterated, states: c.delayed().map(r => r.state), again: (await window.failure(() => c.publishDelayed(topic, 'never', { delay: 0 })))?.code }
      }, topic)
      const crashed = 'failed runtime-crashed'
      expect(seen).toEqual({
        code: 'runtime-crashed', runs: [['acknowledged', crashed, crashed], [crashed, crashed], [crashed]], iterated: ['acknowledged', 'failed', 'failed'],
        states: ['finished', 'finished', 'finished'], again: 'closed',
      })
      const next = await connected(blank, options)
      expect((await observer.all(next, topic)).map(h => h.text).sort()).toEqual(['gated', 'sent'])
    })
  })
}

test('closing the client in the middle fails what waits, and what waits for its gate', async ({ shared, options, topic, observe }) => {
  const observer = await observe(options, topic)
  const client = await connected(shared, options)
  const seen = await client.evaluate(async (c, topic) => {
    const run = c.publishDelayed([{ topic, payload: '0' }, { topic, payload: '1' }], { gate: { until: () => false } })
    const spaced = c.publishDelayed(['a', 'b', 'c'].map(payload => ({ topic, payload, qos: 1 })), { spacing: 60_000, persist: undefined, onFailure: 'retry' })
    await new Promise<void>(resolve => run.on('progress', s => { if (s.state === 'sent') resolve() }))
    if (spaced.steps[0]!.state !== 'acknowledged') await new Promise<void>(resolve => spaced.on('progress', s => { if (s.state === 'acknowledged') resolve() }))
    await c.close()
    const ends = async (each: typeof run) => (await each.done).steps.map(s => s.error ? `${s.state} ${s.error.code}` : s.state)
    return { run: await ends(run), spaced: await ends(spaced), states: c.delayed().map(r => r.state) }
  }, topic)
  expect(seen).toEqual({ run: ['failed transport-closed', 'failed closed'], spaced: ['acknowledged', 'failed closed', 'failed closed'], states: ['finished', 'finished'] })
  const next = await connected(shared, options)
  expect((await observer.all(next, topic)).map(h => h.text).sort()).toEqual(['0', 'a'])
})
