/** What the package does in engines other than Chromium: the same journeys in each. Chromium's are all the other tests. */
import { randomUUID } from 'node:crypto'
import { expect, test as base, type Gateway } from '../fixtures'
import type * as iotwasm from '../../src/types'
import { serveStatic } from '../static-server.mjs'
import type { Engine } from './engine'
import { startFirefox } from './firefox'
import { startWebKit } from './webkit'

const token = 'a-token-of-these-tests'

const test = base.extend<{ thing: string }, { engineName: Engine['name'], engine: Engine }>({
  engineName: ['Firefox', { option: true, scope: 'worker' }],
  engine: [async ({ engineName }, use) => {
    const engine = await { Firefox: startFirefox, WebKit: startWebKit }[engineName]()
    await use(engine)
    await engine.stop()
  }, { scope: 'worker', timeout: 120_000 }],
  thing: async ({}, use) => { await use(`thing-${randomUUID()}`) },
  flags: ['-control-token', token],
})

/** A page without a policy that has the package on `window.iotwasm`. */
async function openBlank(engine: Engine, gateway: Gateway): Promise<void> {
  await engine.open(`${gateway.origin}/console/theme.css`)
  await engine.run(async () => {
    const path = '/pkg/index.js'
    window.iotwasm = await import(path) as typeof iotwasm
  }, null)
}

const wrong = (gateway: Gateway): Gateway['options'] => ({ ...gateway.options, credentials: { ...gateway.options.credentials, secretAccessKey: 'wrong' } })

for (const worker of [true, false]) {
  test(`connects, subscribes, publishes at once and with a delay, ${worker ? 'in a Worker' : "on the page's thread"}`, async ({ engine, gateway, topic, thing }) => {
    await openBlank(engine, gateway)
    expect(await engine.run(async ({ options, topic, thing }) => {
      const client = await window.iotwasm.connect(options)
      const heard: string[] = []
      let both = (): void => undefined
      const arrived = new Promise<void>(resolve => { both = resolve })
      await client.subscribe(`${topic}/+`, { qos: 1 }, message => { if (heard.push(message.text()) === 2) both() })
      await client.publish(`${topic}/a`, 'one', { qos: 1 })
      await client.publish(`${topic}/b`, new TextEncoder().encode('zwei ☂'), { qos: 1 })
      await arrived
      const update = (name: string, delay: number) => ({ topic: `$aws/things/${thing}/shadow/name/${name}/update`, payload: { state: { reported: {} } }, delay })
      const { steps } = await client.publishDelayed([update('test1', 300), update('test2', 600)], { gate: 'shadow' }).done
      const { version } = await client.shadow(thing, 'test2').get()
      await client.close()
      return { heard, states: steps.map(({ state }) => state), inOrder: steps[0]!.sentAt! < steps[1]!.sentAt!, early: steps.some(step => step.deviation! < -5), version, state: client.state }
    }, { options: { ...gateway.options, worker }, topic, thing }))
      .toEqual({ heard: ['one', 'zwei ☂'], states: ['accepted', 'accepted'], inOrder: true, early: false, version: 1, state: 'closed' })
  })
}

test('comes back when its connection was cut, subscribed as before', async ({ engine, ownGateway, topic }) => {
  await openBlank(engine, ownGateway)
  const clientId = await engine.run(async ({ options, topic }) => {
    const client = await window.iotwasm.connect({ ...options, reconnect: { minDelay: 50 } })
    window.clients = [client]
    const heard: string[] = []
    Object.assign(window, { heard })
    await client.subscribe(topic, { qos: 1 }, message => heard.push(message.text()))
    return client.clientId
  }, { options: ownGateway.options, topic })
  const links = (): Promise<number> => engine.run(async () => (await window.clients[0]!.stats()).links, null)
  const killed = await fetch(`${ownGateway.origin}/_gateway/connections/${clientId}/kill`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })
  expect(killed.ok).toBe(true)
  await expect.poll(links, { timeout: 30_000 }).toBe(2)
  expect(await engine.run(async topic => {
    const client = window.clients[0]!
    await client.publish(topic, 'after', { qos: 1 })
    const { heard } = window as unknown as { heard: string[] }
    for (let waits = 0; waits < 100 && heard.length === 0; waits++) await new Promise(resolve => setTimeout(resolve, 50))
    await client.close()
    return heard
  }, topic)).toEqual(['after'])
})

test('any MQTT 5 server', async ({ engine, gateway, mosquitto, topic }) => {
  await openBlank(engine, gateway)
  expect(await engine.run(async ({ url, topic }) => {
    const client = await window.iotwasm.connect({ url })
    const subscription = await client.subscribe(topic, { qos: 2 })
    const messages = subscription[Symbol.asyncIterator]()
    await client.publish(topic, 'exactly once', { qos: 2 })
    const { value: message } = await messages.next() as IteratorYieldResult<iotwasm.Message>
    await client.close()
    return [message.text(), message.qos]
  }, { url: mosquitto, topic })).toEqual(['exactly once', 2])
})

test('says why it failed', async ({ engine, gateway }) => {
  await openBlank(engine, gateway)
  const failures = await engine.run(async options => {
    const codes: unknown[] = []
    for (const each of options) codes.push(await window.iotwasm.connect(each).then(() => undefined, (e: iotwasm.IotError) => ({ code: e.code, hint: e.hint })))
    return codes
  }, [wrong(gateway), { ...gateway.options, wasmURL: '/' }, { ...gateway.options, wasmURL: '/nothing.wasm', worker: false }])
  expect(failures).toEqual([
    { code: 'handshake-failed', hint: expect.stringContaining('secret access key') },
    { code: 'load-failed', hint: expect.stringContaining('fallback page') },
    { code: 'load-failed', hint: expect.stringContaining('wasmURL') },
  ])
})

test('as a script, in the place of mqtt.js, and with a timeline', async ({ engine, gateway, topic }) => {
  await engine.open(`${gateway.origin}/console/theme.css`)
  expect(await engine.run(async ({ options, topic }) => {
    for (const src of ['/pkg/iotwasm.global.js', '/pkg/mqtt.global.js']) {
      await new Promise((resolve, reject) => document.documentElement.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject })))
    }
    const { iotwasm, mqtt } = window as unknown as { iotwasm: typeof import('../../src/types'), mqtt: typeof import('../../src/mqtt/types') }
    const heard = await new Promise<string>((resolve, reject) => {
      const client = mqtt.connect(`${options.endpoint}/mqtt`, { aws: { region: options.region, credentials: options.credentials } })
      client.on('error', reject)
      client.on('message', (name, payload) => client.end(false, () => resolve(`${name} ${payload.toString()}`)))
      client.subscribe(topic, { qos: 1 }, () => client.publish(topic, 'hello', { qos: 1 }))
    })
    const path = '/pkg/delayed-run.js'
    await import(path)
    const client = await iotwasm.connect(options)
    const element = document.createElement('delayed-run')
    document.documentElement.append(element)
    element.scrollIntoView() // what is not seen is not drawn
    element.run = client.publishDelayed(topic, 'later', { delay: 100, qos: 1 })
    await element.run.done
    await new Promise(resolve => setTimeout(resolve, 500)) // it draws once in a frame
    await client.close()
    return { heard, step: element.shadowRoot?.querySelector('[data-step="0"]')?.getAttribute('data-state') }
  }, { options: gateway.options, topic })).toEqual({ heard: `${topic} hello`, step: 'acknowledged' })
})

test('under a strict Content-Security-Policy', async ({ engine, gateway }) => {
  const script = `globalThis.result = iotwasm.connect(${JSON.stringify({ ...gateway.options, worker: true })}).then(client => client.close()).then(() => 'closed', e => e.code + ' ' + e.hint)`
  const strict = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ${gateway.options.endpoint}`
  const { dist } = await import('../static-server.mjs')
  for (const [policy, result] of [[strict, /^closed$/], [strict.replace(" 'wasm-unsafe-eval'", ''), /^load-failed .*'wasm-unsafe-eval'/]] as const) {
    const server = await serveStatic({
      folders: { '/pkg/': dist }, headers: { 'Content-Security-Policy': policy },
      pages: { '/': '<!doctype html><html lang="en"><title>policy</title><script src="/pkg/iotwasm.global.js"></script><script src="/main.js"></script>', '/main.js': script },
    })
    await engine.open(server.origin)
    expect(await engine.run(() => (window as unknown as { result: Promise<string> }).result, null)).toMatch(result)
    await server.stop()
  }
})

test('the first journey on the console: two named shadows', async ({ engine, gateway, thing }) => {
  await engine.open(`${gateway.origin}/`)
  const state = (): Promise<string | null> => engine.run(() => document.querySelector('#runs delayed-run')?.getAttribute('data-state') ?? null, null)
  const click = async (selector: string): Promise<void> => {
    await expect.poll(() => engine.run(wanted => {
      const target = document.querySelector<HTMLElement>(wanted)
      target?.click()
      return target !== null
    }, selector), { timeout: 30_000 }).toBe(true)
  }
  await click('#connect-gateway')
  await click('[data-next="two-shadows"]')
  await expect.poll(() => engine.run(() => document.querySelector('#preset-run') !== null, null)).toBe(true)
  await engine.run(thing => {
    const input = document.querySelector<HTMLInputElement>('#thing-name')!
    input.value = thing
    input.dispatchEvent(new Event('input', { bubbles: true }))
    document.querySelector<HTMLElement>('#preset-run')!.click()
  }, thing)
  await expect.poll(state, { timeout: 60_000 }).toBe('finished')
  await engine.run(() => document.querySelector('#runs delayed-run')!.scrollIntoView(), null) // what is not seen is not drawn
  await expect.poll(() => engine.run(() => [...document.querySelector('#runs delayed-run')!.shadowRoot!.querySelectorAll('[data-step]')].map(row => row.getAttribute('data-state')), null), { timeout: 10_000 })
    .toEqual(['accepted', 'accepted'])
})
