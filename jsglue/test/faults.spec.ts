/** Faults: whatever the link or the module does, every promise settles and every step is reported. */
import { connected, expect, test } from './fixtures'

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test.use({ worker })

    test('gateway killed while publishes, a subscribe and steps wait', async ({ shared, ownGateway, topic }) => {
      const client = await connected(shared, { ...ownGateway.options, worker, reconnect: false })
      process.kill(ownGateway.pid, 'SIGSTOP') // so that all of it stays unanswered
      const waiting = await client.evaluateHandle(async (c, topic) => {
        const publishes = Array.from({ length: 300 }, (_, i) => window.failure(() => c.publish(topic, String(i), { qos: 1 })))
        const subscribe = window.failure(() => c.subscribe(topic))
        const run = c.publishDelayed([{ topic, payload: 'sent', qos: 1 }, { topic, payload: 'late', delay: 3_600_000, qos: 1 }, { topic, payload: 'later', delay: 7_200_000 }])
        const closed = new Promise<string | undefined>(resolve => { c.on('close', error => resolve(error?.code)) })
        await new Promise(resolve => setTimeout(resolve, 100)) // lets the first step become due
        return { all: (async () => ({
          publishes: (await Promise.all(publishes)).map(f => f?.code), subscribe: (await subscribe)?.code,
          steps: (await run.done).steps.map(s => [s.state, s.error?.code]), closed: await closed, state: c.state, after: (await window.failure(() => c.publish(topic, 'x')))?.code,
        }))() }
      }, topic)
      await ownGateway.stop('SIGKILL')
      const seen = await waiting.evaluate(w => w.all)
      const sent = seen.publishes.lastIndexOf('transport-closed') + 1
      // What was sent has an unknown outcome; what waited for the Receive Maximum behind it was not sent.
      expect(sent).toBeGreaterThan(0)
      expect(seen.publishes).toEqual(seen.publishes.map((_, i) => i < sent ? 'transport-closed' : 'closed'))
      expect(seen.steps.map(s => s[0])).toEqual(['failed', 'failed', 'failed'])
      expect(['transport-closed', 'closed']).toContain(seen.steps[0][1])
      expect(seen.steps.slice(1).map(s => s[1])).toEqual(['closed', 'closed'])
      expect(seen).toMatchObject({ subscribe: 'transport-closed', closed: 'transport-closed', state: 'closed', after: 'closed' })
    })

    test('gateway that ends in good order says so', async ({ shared, ownGateway, topic }) => {
      const client = await connected(shared, { ...ownGateway.options, worker, reconnect: false })
      const waiting = await client.evaluateHandle((c, topic) => {
        const run = c.publishDelayed(topic, 'late', { delay: 3_600_000 })
        return { all: new Promise<unknown>(resolve => {
          c.on('close', async error => resolve([error?.code, error?.reasonCode, error?.retryable, (await run.done).steps[0]!.state]))
        }) }
      }, topic)
      await ownGateway.stop()
      expect(await waiting.evaluate(w => w.all)).toEqual(['server-disconnect', 0x8b, true, 'failed'])
    })

    test('close with a frozen server', async ({ shared, ownGateway, topic }) => {
      const client = await connected(shared, { ...ownGateway.options, worker })
      process.kill(ownGateway.pid, 'SIGSTOP')
      const seen = await client.evaluate(async (c, topic) => {
        const publish = window.failure(() => c.publish(topic, 'x', { qos: 1 }))
        const run = c.publishDelayed(topic, 'late', { delay: 3_600_000 })
        const before = performance.now()
        await c.close()
        return { took: performance.now() - before, publish: (await publish)?.code, step: (await run.done).steps[0]!.state, state: c.state }
      }, topic)
      expect(seen.took).toBeLessThan(4000)
      expect(seen).toMatchObject({ publish: 'transport-closed', step: 'failed', state: 'closed' })
    })

    test('connect to a frozen server ends in time', async ({ shared, ownGateway }) => {
      process.kill(ownGateway.pid, 'SIGSTOP')
      await expect.poll(() => fetch(ownGateway.origin, { signal: AbortSignal.timeout(500) }).then(() => 'answers', () => 'is stopped')).toBe('is stopped')
      const failed = await shared.evaluate(o => window.failure(() => window.iotwasm.connect({ ...o, connectTimeout: 300 })), { ...ownGateway.options, worker })
      expect(failed).toMatchObject({ code: 'timeout', retryable: true })
    })

    test('a crash of the module rejects all that waits, and the next connect starts a new one', async ({ blank, options, ownGateway, topic }) => {
      const client = await connected(blank, { ...ownGateway.options, worker })
      process.kill(ownGateway.pid, 'SIGSTOP')
      const seen = await client.evaluate(async (c, { topic, frozen }) => {
        const events: unknown[] = []
        c.on('state', (state, error) => events.push([state, error?.code]))
        c.on('close', error => events.push(['close', error?.code]))
        const waiting = [
          window.failure(() => c.publish(topic, 'x', { qos: 1 })), window.failure(() => c.subscribe(topic)),
          window.failure(() => window.iotwasm.connect(frozen)),
        ]
        const run = c.publishDelayed(topic, 'late', { delay: 3_600_000 })
        await c.publish(topic, 'the module has taken the above')
        // The batch that this turn sends becomes one that no script of ours makes.
        waiting.push(window.failure(() => c.publish(topic, 'x')))
        const { subarray } = Uint8Array.prototype
        Uint8Array.prototype.subarray = () => new Uint8Array([255, 0, 0, 0, 0])
        queueMicrotask(() => { Uint8Array.prototype.subarray = subarray })
        return {
          codes: (await Promise.all(waiting)).map(f => f?.code), step: (await run.done).steps.map(s => [s.state, s.error?.code]),
          events, state: c.state, close: await window.failure(() => c.close()), after: (await window.failure(() => c.publish(topic, 'x')))?.code,
        }
      }, { topic, frozen: { ...ownGateway.options, worker } })
      const crashed = 'runtime-crashed'
      expect(seen).toEqual({
        codes: [crashed, crashed, crashed, crashed], step: [['failed', crashed]],
        events: [['closed', crashed], ['close', crashed]], state: 'closed', close: undefined, after: 'closed',
      })
      process.kill(ownGateway.pid, 'SIGCONT')
      await expect.poll(() => ownGateway.log()).toContain('client gone') // the crashed module's socket was closed
      const next = await connected(blank, options)
      expect(await next.evaluate(async (c, topic) => [c.state, (await c.publish(topic, 'x', { qos: 1 })).reasonCode < 0x80], topic)).toEqual(['connected', true])
      expect(blank.workers()).toHaveLength(worker ? 1 : 0)
    })
  })
}

test('a refused upgrade leaves no socket, and says what to check', async ({ page, blank, options }) => {
  await page.evaluate(() => {
    const sockets: WebSocket[] = []
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols)
        sockets.push(this)
      }
    }
    Object.assign(window, { sockets })
  })
  const wrong = { ...options, worker: false, credentials: { ...options.credentials!, secretAccessKey: 'another' } }
  const failed = await blank.evaluate(async o => {
    const failures = []
    for (let i = 0; i < 5; i++) failures.push(await window.failure(() => window.iotwasm.connect(o)))
    return failures
  }, wrong)
  for (const f of failed) expect(f).toMatchObject({ code: 'handshake-failed', field: 'credentials', retryable: true })
  const states = () => blank.evaluate(() => (window as unknown as { sockets: WebSocket[] }).sockets.map(s => s.readyState))
  await expect.poll(states).toEqual([3, 3, 3, 3, 3])
  const client = await connected(blank, { ...options, worker: false })
  await client.evaluate(c => c.close())
  await expect.poll(states).toEqual([3, 3, 3, 3, 3, 3])
})
