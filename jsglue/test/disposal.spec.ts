/** Calls that a signal ends, and what `await using` ends. */
import { connected, expect, test } from './fixtures'

test('await using closes, unsubscribes and cancels', async ({ blank, options, topic }) => {
  // As text: what compiles the tests would turn `await using` into something else.
  expect(await blank.evaluate(`(async (options, topic) => {
    const told = []
    let left
    {
      await using client = await window.iotwasm.connect(options)
      left = client
      {
        await using subscription = await client.subscribe(topic, () => told.push('message'))
        await client.publish(topic, 'heard', { qos: 1 })
        while (told.length === 0) await new Promise(resolve => setTimeout(resolve, 10))
        told.push(subscription.granted.length)
      }
      told.push((await client.stats()).subscriptions)
      let cancelled
      {
        await using run = client.publishDelayed(topic, 'never', { delay: 3_600_000 })
        cancelled = run
      }
      told.push(cancelled.state, cancelled.steps[0].state)
      let shadow
      {
        await using lamp = client.shadow('lamp', 'one')
        shadow = lamp
      }
      told.push(await window.failure(() => shadow.get()).then(failed => failed?.code))
    }
    return [...told, left.state]
  })(${JSON.stringify(options)}, ${JSON.stringify(topic)})`)).toEqual(['message', 1, 0, 'finished', 'cancelled', 'closed', 'closed'])
})

test('a signal ends each call that waits, with its reason', async ({ blank, options }) => {
  const told = await blank.evaluate(async options => {
    const { connect, load, presign } = window.iotwasm
    const reason = new Error('enough')
    const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
      load: signal => load({ signal, wasmURL: '/pkg/iotwasm.wasm?load' }),
      presign: signal => presign({ endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com', credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' }, wasmURL: '/pkg/iotwasm.wasm?presign', signal }),
      connect: signal => connect({ ...options, wasmURL: '/pkg/iotwasm.wasm?connect', signal }),
    }
    const failures: Record<string, unknown> = {}
    for (const [name, call] of Object.entries(calls)) {
      const controller = new AbortController()
      const failed = window.failure(() => call(controller.signal))
      controller.abort(reason)
      const before = await window.failure(() => call(AbortSignal.abort(reason)))
      failures[name] = [(await failed)?.code, (await failed)?.cause, before?.code]
    }
    return failures
  }, options)
  for (const name of ['load', 'presign', 'connect']) expect(told[name], name).toEqual(['aborted', 'Error: enough', 'aborted'])
})

test('a signal ends the wait for an UNSUBACK and for a new link', async ({ blank, options, topic }) => {
  const client = await connected(blank, options)
  expect(await client.evaluate(async (client, topic) => {
    const subscription = await client.subscribe(topic)
    const signal = AbortSignal.abort(new Error('enough'))
    return [await window.failure(() => client.renew({ signal })), await window.failure(() => subscription.unsubscribe({ signal }))].map(failed => failed?.code)
  }, topic)).toEqual(['aborted', 'aborted'])
  expect(await client.evaluate(client => window.failure(() => client.renew({ signal: 5 as unknown as AbortSignal })))).toMatchObject({ code: 'invalid-argument', field: 'signal' })
})
