/** Loading: what the server may answer, what a policy may forbid, and what is left on the page. */
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { describeFailures, expect, startGateway, test as base, type Gateway } from './fixtures'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
const integrity = (algorithm: string): string => `${algorithm}-${createHash(algorithm).update(readFileSync(join(dist, 'iotwasm.wasm'))).digest('base64')}`

const test = base.extend<object, { site: Gateway }>({
  /** A gateway whose site has pages with policies, and the package in ways that do not fit. */
  site: [async ({ program }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'iotwasm-site-'))
    const page = (name: string, policy: string): void => {
      writeFileSync(join(folder, name), `<!doctype html><title>${name}</title>${policy && `<meta http-equiv="Content-Security-Policy" content="${policy}">`}`)
    }
    page('index.html', '')
    page('no-wasm.html', "script-src 'self'")
    page('no-worker.html', "worker-src 'none'")
    writeFileSync(join(folder, 'text.txt'), 'not wasm')
    copyFileSync(join(dist, 'iotwasm.wasm'), join(folder, 'wrong-type.bin'))
    cpSync(join(dist, 'chunks'), join(folder, 'other/chunks'), { recursive: true })
    for (const name of ['worker.js', 'iotwasm.wasm']) copyFileSync(join(dist, name), join(folder, 'other', name))
    writeFileSync(join(folder, 'other/index.js'), readFileSync(join(dist, 'index.js'), 'utf8').replaceAll(`"${version}"`, '"9.9.9"'))
    const gateway = await startGateway(program, { args: ['-site', folder] })
    await use(gateway)
    await gateway.stop()
    rmSync(folder, { recursive: true, force: true })
  }, { scope: 'worker' }],
})

async function open(page: Page, site: Gateway, path = '/', script = '/pkg/index.js'): Promise<void> {
  await page.goto(site.origin + path)
  await page.evaluate(async script => { window.iotwasm = await import(script) as typeof window.iotwasm }, script)
  await page.evaluate(describeFailures)
}

for (const worker of [true, false]) {
  test.describe(worker ? 'Worker' : "page's thread", () => {
    test('answers of the server', async ({ page, site }) => {
      await open(page, site)
      const seen = await page.evaluate(async worker => {
        const { load } = window.iotwasm
        const of = (wasmURL: string) => window.failure(() => load({ worker, wasmURL }))
        return { html: await of('/index.html'), missing: await of('/pkg/none.wasm'), text: await of('/text.txt'), refused: await of('http://127.0.0.1:9/x.wasm?secret') }
      }, worker)
      expect(seen.html).toMatchObject({ code: 'load-failed', retryable: true, message: expect.stringContaining('HTML'), hint: expect.stringContaining('wasmURL') })
      expect(seen.missing).toMatchObject({ code: 'load-failed', message: expect.stringContaining('404'), hint: expect.stringContaining('wasmURL') })
      expect(seen.text).toMatchObject({ code: 'load-failed', message: expect.stringContaining('not a wasm file') })
      expect(seen.refused).toMatchObject({ code: 'load-failed', message: expect.stringContaining('could not be fetched') })
      expect(seen.refused!.texts).not.toContain('secret')
    })

    test('wrong MIME type, with and without integrity', async ({ page, site }) => {
      await open(page, site)
      const seen = await page.evaluate(async ({ worker, good, bad }) => {
        const { load } = window.iotwasm
        const wasmURL = '/wrong-type.bin'
        return [
          await window.failure(() => load({ worker, wasmURL })), await window.failure(() => load({ worker, wasmURL, integrity: good })),
          await window.failure(() => load({ worker, wasmURL, integrity: bad })),
        ]
      }, { worker, good: integrity('sha384'), bad: integrity('sha384').replace(/.{4}$/, 'AAAA') })
      expect(seen).toEqual([undefined, undefined, expect.objectContaining({ code: 'load-failed', hint: expect.stringContaining('integrity') })])
    })

    test('integrity with streaming', async ({ page, site }) => {
      await open(page, site)
      const seen = await page.evaluate(async ({ worker, good, bad }) => [
        await window.failure(() => window.iotwasm.load({ worker, integrity: good })), (await window.failure(() => window.iotwasm.load({ worker, integrity: bad })))?.code,
      ], { worker, good: integrity('sha256'), bad: integrity('sha384').replace(/^(.{12}).{4}/, '$1AAAA') })
      expect(seen).toEqual([undefined, 'load-failed'])
    })

    test('another version', async ({ page, site }) => {
      await open(page, site, '/', '/other/index.js')
      expect(await page.evaluate(worker => window.failure(() => window.iotwasm.load({ worker })), worker)).toMatchObject({
        code: 'version-mismatch', message: `the script is version 9.9.9, the wasm file ${version}`, hint: expect.stringContaining('one package'),
      })
      await expect.poll(() => page.workers().length).toBe(0)
    })

    test('a compiled module', async ({ page, site }) => {
      await open(page, site)
      await page.evaluate(async () => { Object.assign(window, { module: await WebAssembly.compileStreaming(fetch('/pkg/iotwasm.wasm')) }) })
      const asked: string[] = []
      page.on('request', request => asked.push(request.url()))
      const state = await page.evaluate(async o => {
        const client = await window.iotwasm.connect({ ...o, wasmModule: (window as unknown as { module: WebAssembly.Module }).module, wasmURL: '/none' })
        return client.state
      }, { ...site.options, worker })
      expect(state).toBe('connected')
      expect(asked.filter(url => /wasm$|none/.test(url))).toEqual([])
    })
  })
}

test('loads again after a failure', async ({ page, site }) => {
  await open(page, site)
  await page.route('**/pkg/iotwasm.wasm', route => route.fulfill({ status: 503, body: 'busy' }))
  const load = () => page.evaluate(() => window.failure(async () => {
    await Promise.all([window.iotwasm.load({ worker: false }), window.iotwasm.load({ worker: false })])
  }))
  expect(await load()).toMatchObject({ code: 'load-failed', message: expect.stringContaining('503'), retryable: true })
  await page.unroute('**/pkg/iotwasm.wasm')
  expect(await load()).toBeUndefined()
  expect(await load()).toBeUndefined()
})

test('a policy without wasm-unsafe-eval is named', async ({ page, site }) => {
  await open(page, site, '/no-wasm.html')
  expect(await page.evaluate(() => window.failure(() => window.iotwasm.load({ worker: false })))).toMatchObject({
    code: 'load-failed', message: expect.stringContaining('could not be compiled'), hint: expect.stringContaining("'wasm-unsafe-eval'"),
  })
})

test('a policy without Workers: the page\'s thread and a warning, or an error where a Worker was asked for', async ({ page, site }) => {
  const warnings: string[] = []
  page.on('console', message => { if (message.type() === 'warning') warnings.push(message.text()) })
  await open(page, site, '/no-worker.html')
  const state = await page.evaluate(async o => (await window.iotwasm.connect(o)).state, site.options)
  expect(state).toBe('connected')
  expect(page.workers()).toHaveLength(0)
  expect(warnings).toEqual([expect.stringContaining('iotwasm: no Worker could be started')])
  expect(await page.evaluate(() => window.failure(() => window.iotwasm.load({ worker: true })))).toMatchObject({ code: 'load-failed', hint: expect.stringContaining('worker-src') })
})

test('a worker file that is missing', async ({ page, site }) => {
  await open(page, site)
  expect(await page.evaluate(() => window.failure(() => window.iotwasm.load({ worker: true, workerURL: '/none.js' })))).toMatchObject({ code: 'load-failed', hint: expect.stringContaining('workerURL') })
  expect(await page.evaluate(() => window.failure(() => window.iotwasm.load({ workerURL: '/none.js' })))).toBeUndefined()
})

for (const script of ['index.js', 'iotwasm.global.js']) {
  test(`globals of ${script}`, async ({ page, site }) => {
    await page.goto(site.origin)
    const before = await page.evaluate(() => Object.getOwnPropertyNames(window))
    if (script === 'iotwasm.global.js') await page.addScriptTag({ url: `/pkg/${script}` })
    const states = await page.evaluate(async ({ script, options }) => {
      const { connect } = script === 'index.js' ? await import(`/pkg/${script}`) as typeof window.iotwasm : window.iotwasm
      return [(await connect({ ...options, worker: true })).state, (await connect({ ...options, worker: false })).state]
    }, { script, options: site.options })
    expect(states).toEqual(['connected', 'connected'])
    const after = await page.evaluate(() => Object.getOwnPropertyNames(window))
    expect(after.filter(name => !before.includes(name))).toEqual(script === 'index.js' ? [] : ['iotwasm'])
  })
}

/** `name` of a file in chunks/, as requests have it. */
const chunk = (name: string): string => `**/pkg/chunks/${name}-*.js`

for (const script of ['index.js', 'iotwasm.global.js']) {
  test.describe(`parts of ${script}`, () => {
    test.beforeEach(async ({ page, site }) => {
      if (script === 'index.js') return open(page, site)
      await page.goto(site.origin)
      await page.addScriptTag({ url: `/pkg/${script}` })
      await page.evaluate(describeFailures)
    })

    test('one that cannot be loaded is an error, and is asked for again', async ({ page, site }) => {
      const connect = (worker: boolean) => page.evaluate(o => window.failure(async () => { await (await window.iotwasm.connect(o)).close() }), { ...site.options, worker })
      for (const [name, worker] of [['features', true], ['page-host', false]] as const) {
        await page.route(chunk(name), route => route.abort())
        expect(await connect(worker), name).toMatchObject({ code: 'load-failed', retryable: true, message: expect.stringContaining('part'), hint: expect.stringContaining('chunks/') })
        await page.unroute(chunk(name))
        expect(await connect(worker), name).toBeUndefined()
      }
      await page.route(chunk('cognito-calls'), route => route.abort())
      const provided = () => page.evaluate(() => window.failure(async () => {
        const w = window as unknown as { provider?: () => Promise<unknown> }
        w.provider ??= window.iotwasm.cognitoIdentity({ identityPoolId: 'eu-west-1:x', endpoint: 'http://127.0.0.1:9/' })
        await w.provider()
      }))
      expect(await provided()).toMatchObject({ code: 'load-failed' })
      await page.unroute(chunk('cognito-calls'))
      expect(await provided()).toMatchObject({ code: 'credentials-failed', message: expect.stringContaining('GetId') })
    })

    test('all is asked for at once: the Worker, the module, the part and the credentials', async ({ page, site }) => {
      let answer!: () => void
      const held = new Promise<void>(resolve => { answer = resolve })
      const asked: string[] = []
      page.on('request', request => asked.push(new URL(request.url()).pathname.replace(/-\w+(?=\.js)/, '')))
      await page.context().route(/\/pkg\/(iotwasm\.wasm|chunks\/)/, async route => {
        await held
        await route.continue()
      })
      await page.exposeFunction('credentialsAsked', () => { asked.push('credentials') })
      const connected = page.evaluate(async o => {
        const given = { ...o.credentials, expiration: new Date(Date.now() + 3_600_000) }
        const w = window as unknown as { credentialsAsked: () => Promise<void> }
        return (await window.iotwasm.connect({ ...o, credentials: async () => { await w.credentialsAsked(); return given } })).state
      }, site.options)
      await expect.poll(() => asked.slice().sort()).toEqual(['/pkg/chunks/features.js', '/pkg/iotwasm.wasm', '/pkg/worker.js', 'credentials'])
      answer()
      expect(await connected).toBe('connected')
      expect(asked.filter(name => name === 'credentials'), 'once').toHaveLength(1)
    })

    test('from another origin', async ({ page, site }) => {
      await page.goto(`${site.origin}/text.txt`) // has no policy
      const url = `${site.origin.replace('127.0.0.1', 'localhost')}/pkg/${script}`
      if (script === 'index.js') await page.evaluate(async url => { window.iotwasm = await import(url) as typeof window.iotwasm }, url)
      else await page.addScriptTag({ url })
      await page.evaluate(describeFailures)
      const seen = await page.evaluate(async o => {
        const client = await window.iotwasm.connect(o)
        const { steps: [step] } = await client.publishDelayed('a/b', 'x', { delay: 1 }).done
        const refused = await window.failure(() => client.publishDelayed('a/+', 'x', { delay: 1 }))
        return { state: client.state, step: step!.state, refused }
      }, site.options)
      expect(seen).toMatchObject({ state: 'connected', step: 'sent', refused: { code: 'invalid-argument', field: 'topic' } })
      expect(page.workers()).toHaveLength(0)
    })
  })
}

test('the errors of a part are the IotError of the script', async ({ page, site }) => {
  await open(page, site)
  expect(await page.evaluate(async o => {
    const client = await window.iotwasm.connect(o)
    const { IotError } = window.iotwasm
    const caught = (f: () => unknown): unknown => { try { return f() } catch (e) { return e } }
    return [caught(() => client.publishDelayed('a', 'x', { delay: -1 })), caught(() => client.shadow('')), await client.request('+', '').catch((e: unknown) => e)].map(e => e instanceof IotError)
  }, site.options)).toEqual([true, true, true])
})

test('the face of mqtt.js loads the part with the first delayed message', async ({ page, site }) => {
  await page.goto(site.origin)
  await page.addScriptTag({ url: '/pkg/mqtt.global.js' })
  const asked: string[] = []
  page.on('request', request => asked.push(new URL(request.url()).pathname))
  await page.route(chunk('features'), route => route.abort())
  const { endpoint, ...aws } = site.options
  const client = await page.evaluateHandle(({ endpoint, aws }) => (window as unknown as { mqtt: typeof import('../dist/mqtt') }).mqtt.connectAsync(endpoint, { aws }), { endpoint, aws })
  const later = () => client.evaluate(c => c.publishAsync('a/b', 'x', { qos: 1, delay: 5 }).then(packet => packet?.cmd, (e: { code?: string }) => e.code))
  expect(asked.filter(path => path.includes('/chunks/'))).toEqual([])
  expect(await later()).toBe('load-failed')
  await page.unroute(chunk('features'))
  expect(await later()).toBe('publish')
})

/** What bundlers make of the package: the parts are chunks of theirs, the two other files assets. */
test('a bundler finds the parts', async () => {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    stdin: { contents: "export { connect } from './dist/index.js'; export { default } from './dist/mqtt.js'", resolveDir: join(dist, '..') },
    bundle: true, splitting: true, format: 'esm', outdir: 'out', write: false, metafile: true,
  })
  for (const { name } of readdirSync(join(dist, 'chunks'), { withFileTypes: true }).filter(({ name }) => name.endsWith('.js'))) {
    expect(Object.values(metafile.outputs).some(({ entryPoint }) => entryPoint === `dist/chunks/${name}`), name).toBe(true)
  }
  for (const name of ['index.js', 'mqtt.js']) {
    const source = readFileSync(join(dist, name), 'utf8')
    for (const file of ['iotwasm.wasm', 'worker.js']) expect(source).toContain(`new URL("./${file}",import.meta.url)`)
  }
})
