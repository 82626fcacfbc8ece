/** Where the package runs beside a page of its own origin: a server that renders pages, a Worker of the page's own, a page whose package is of another origin. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type * as iotwasm from '../src/types'
import { expect, test as base } from './fixtures'
import { dist, serveStatic } from './static-server.mjs'

const run = promisify(execFile)
// Loading the module takes its time on a busy machine.
const slow = { timeout: 30_000 }

const test = base.extend<{ cdn: string }>({
  /** Another origin that has the package, for everybody. */
  cdn: async ({}, use) => {
    const server = await serveStatic({ folders: { '/': dist }, headers: { 'Access-Control-Allow-Origin': '*' } })
    await use(server.origin)
    await server.stop()
  },
})

test('without a browser, importing does nothing and calling says why', async () => {
  const script = `
    const { connect, load, presign } = await import('iotwasm')
    const mqtt = await import('iotwasm/mqtt')
    await import('iotwasm/delayed-run')
    const told = []
    const options = { endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com', credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' } }
    for (const call of [() => load(), () => connect(options), () => presign(options)]) told.push(await call().catch(({ name, code, hint }) => ({ name, code, hint })))
    await new Promise((resolve, reject) => mqtt.default.connect('wss://broker.example.com/mqtt').on('error', error => { told.push({ name: 'IotError', code: error.code, hint: error.hint }); resolve() }))
    console.log(JSON.stringify(told))
    process.exit()`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: fileURLToPath(new URL('..', import.meta.url)) })
  expect(stderr).toBe('')
  const told = JSON.parse(stdout) as { name: string, code: string, hint: string }[]
  for (const each of told) {
    expect(each).toMatchObject({ name: 'IotError', code: 'unsupported-environment' })
    expect(each.hint).toContain('in a page or a Worker')
  }
  expect(told).toHaveLength(4)
})

for (const kind of ['module', 'classic'] as const) {
  for (const worker of [true, false]) {
    test(`in a ${kind} Worker of the page's own, the module ${worker ? 'in a Worker of that' : 'beside it'}`, async ({ blank, gateway, topic }) => {
      const got = await blank.evaluate(async ({ kind, options, topic }) => {
        const source = `
          const url = '${location.origin}/pkg/'
          const start = async iotwasm => {
            const client = await iotwasm.connect(${JSON.stringify(options)})
            const arrived = new Promise(resolve => client.subscribe('${topic}', message => resolve(message.text())))
            await client.publishDelayed('${topic}', 'from a Worker', { delay: 200 }).done
            postMessage(await arrived)
            await client.close()
          }
          ${kind === 'module' ? "import(url + 'index.js').then(start)" : "importScripts(url + 'iotwasm.global.js'); start(iotwasm)"}.catch(e => postMessage(String(e) + ' ' + e.hint))`
        const script = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
        const own = new Worker(script, { type: kind })
        return new Promise(resolve => {
          own.onmessage = ({ data }) => resolve(data)
          own.onerror = e => resolve(e.message)
        })
      }, { kind, options: { ...gateway.options, worker }, topic })
      expect(got).toBe('from a Worker')
    })
  }
}

test.describe('of another origin', () => {
  test("worker: 'blob' runs it in a Worker", async ({ blank, gateway, cdn, topic }) => {
    const made = await blank.evaluate(async ({ cdn, options, topic }) => {
      const blobs: string[] = [], revoked: string[] = []
      const { createObjectURL, revokeObjectURL } = URL
      URL.createObjectURL = object => { const url = createObjectURL.call(URL, object); blobs.push(url); return url }
      URL.revokeObjectURL = url => { revoked.push(url); revokeObjectURL.call(URL, url) }
      const { connect } = await import(`${cdn}/index.js`) as typeof iotwasm
      const client = await connect({ ...options, worker: 'blob' })
      const arrived = new Promise(resolve => void client.subscribe(topic, message => resolve(message.text())))
      await client.publish(topic, 'hello')
      await arrived
      await client.close()
      return { blobs, revoked }
    }, { cdn, options: gateway.options, topic })
    expect(blank.workers()).toHaveLength(1)
    expect(made.blobs).toHaveLength(1)
    expect(made.revoked).toEqual(made.blobs)
  })

  test('the script tag alone, and the wasm file alone', async ({ blank, gateway, cdn }) => {
    await blank.evaluate(cdn => new Promise((resolve, reject) => {
      document.head.append(Object.assign(document.createElement('script'), { src: `${cdn}/iotwasm.global.js`, crossOrigin: 'anonymous', onload: resolve, onerror: reject }))
    }), cdn)
    expect(await blank.evaluate(async ({ options }) => {
      const client = await (globalThis as unknown as { iotwasm: typeof iotwasm }).iotwasm.connect({ ...options, worker: 'blob' })
      await client.close()
      return client.state
    }, { options: gateway.options })).toBe('closed')
    const { integrity } = ((await (await fetch(`${cdn}/manifest.json`)).json()) as { files: Record<string, { integrity: string }> }).files['iotwasm.wasm']!
    expect(await blank.evaluate(async ({ options, wasmURL, integrity }) => {
      const path = '/pkg/index.js'
      const { connect } = await import(path) as typeof iotwasm
      const client = await connect({ ...options, worker: false, wasmURL, integrity }) // the gateway's policy for worker.js lets it fetch from its own origin
      await client.close()
      return client.state
    }, { options: gateway.options, wasmURL: `${cdn}/iotwasm.wasm`, integrity })).toBe('closed')
  })

  test('a Worker that was not asked for is not made: the page\'s thread, with a warning, or an error that names the way', async ({ blank, gateway, cdn }) => {
    const warnings: string[] = []
    blank.on('console', message => { if (message.type() === 'warning') warnings.push(message.text()) })
    expect(await blank.evaluate(async ({ cdn, options }) => {
      const { connect } = await import(`${cdn}/index.js`) as typeof iotwasm
      const client = await connect(options)
      await client.close()
      return window.failure(() => connect({ ...options, worker: true }))
    }, { cdn, options: gateway.options })).toMatchObject({ code: 'load-failed', message: 'the Worker could not be started', hint: expect.stringContaining("worker: 'blob'") })
    expect(blank.workers()).toHaveLength(0)
    await expect.poll(() => warnings.some(each => each.includes('LoadOptions.worker')), slow).toBe(true)
  })
})
