/** The package under a strict Content-Security-Policy and under Trusted Types. */
import type { Page } from '@playwright/test'
import type * as iotwasm from '../src/types'
import { expect, test as base, type Failed } from './fixtures'
import { dist, serveStatic } from './static-server.mjs'

interface Result {
  state?: string
  failed?: Pick<Failed, 'code' | 'message'> & { hint: string }
  workers: number
  violations: string[]
}

/** Connects with what `?` says, and tells how it went. No script of it is inline. */
const script = `
const violations = []
document.addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective))
const options = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const tell = async () => {
  try {
    const client = await iotwasm.connect(options)
    await client.publish('policy/test', 'hello', { qos: 1 })
    const run = client.publishDelayed('policy/test', 'later', { delay: 50 })
    if (customElements.get('delayed-run')) document.body.append(Object.assign(document.createElement('delayed-run'), { run }))
    await run.done
    await client.close()
    return { state: client.state, violations }
  } catch ({ code, message, hint }) {
    return { failed: { code, message, hint }, violations }
  }
}
globalThis.result = tell()
`
const page = (module: boolean): string => `<!doctype html><html lang="en"><title>policy</title><body>${module
  ? '<script type="module" src="/module.js"></script>' : '<script src="/pkg/iotwasm.global.js"></script><script src="/classic.js"></script>'}`

const test = base.extend<{ open: (policy: string, options?: iotwasm.LoadOptions & { module?: boolean }) => Promise<Result> }>({
  open: async ({ page: tab, gateway }, use) => {
    const stops: (() => Promise<void>)[] = []
    await use(async (policy, { module = true, ...options } = {}) => {
      const server = await serveStatic({
        folders: { '/pkg/': dist },
        pages: { '/': page(module), '/classic.js': script, '/module.js': `import * as iotwasm from '/pkg/index.js'\nimport '/pkg/delayed-run.js'\n${script}` },
        headers: { 'Content-Security-Policy': policy.replaceAll('$GATEWAY', gateway.options.endpoint) },
      })
      stops.push(server.stop)
      await tab.goto(`${server.origin}/#${encodeURIComponent(JSON.stringify({ ...gateway.options, ...options }))}`)
      return { ...await resultOf(tab), workers: tab.workers().length }
    })
    for (const stop of stops) await stop()
  },
})

async function resultOf(tab: Page): Promise<Omit<Result, 'workers'>> {
  return tab.evaluate(() => (globalThis as unknown as { result: Promise<Omit<Result, 'workers'>> }).result)
}

const strict = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' $GATEWAY; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const without = (directive: string): string => strict.split('; ').filter(each => !each.startsWith(directive)).join('; ')

for (const module of [true, false]) {
  test(`the recipe lets everything be, ${module ? 'as a module' : 'as a script'}`, async ({ open }) => {
    expect(await open(strict, { module, worker: true })).toEqual({ state: 'closed', violations: [], workers: 1 })
  })
}

test('worker: false needs no worker-src', async ({ open }) => {
  expect(await open(`${without('worker-src')}; worker-src 'none'`, { worker: false })).toEqual({ state: 'closed', violations: [], workers: 0 })
})

test('without a Worker allowed: the page\'s thread, or where one was asked for an error that names worker-src', async ({ open }) => {
  const policy = `${without('worker-src')}; worker-src 'none'`
  expect(await open(policy)).toMatchObject({ state: 'closed', violations: ['worker-src'], workers: 0 })
  expect((await open(policy, { worker: true })).failed).toMatchObject({ code: 'load-failed', hint: expect.stringContaining('worker-src') })
})

for (const worker of [true, false]) {
  test(`without 'wasm-unsafe-eval' the error names it, ${worker ? 'in a Worker' : 'on the page'}`, async ({ open }) => {
    expect((await open(strict.replace(" 'wasm-unsafe-eval'", ''), { worker })).failed).toMatchObject({ code: 'load-failed', hint: expect.stringContaining("'wasm-unsafe-eval'") })
  })
}

test('a blob is made where worker-src lets it', async ({ open }) => {
  expect(await open(strict.replace("worker-src 'self'", "worker-src 'self' blob:"), { worker: 'blob' })).toEqual({ state: 'closed', violations: [], workers: 1 })
  expect((await open(strict, { worker: 'blob' })).failed).toMatchObject({ code: 'load-failed', hint: expect.stringContaining('blob:') })
})

test('an endpoint that connect-src does not name is told of', async ({ open }) => {
  const { failed } = await open(strict.replace(' $GATEWAY', ''), { worker: false })
  expect(failed).toMatchObject({ code: 'handshake-failed', hint: expect.stringContaining('connect-src') })
})

test('Trusted Types: with the policy iotwasm named', async ({ open }) => {
  expect(await open(`${strict}; require-trusted-types-for 'script'; trusted-types iotwasm`, { worker: true })).toEqual({ state: 'closed', violations: [], workers: 1 })
})

test('Trusted Types: where the policy is not named, the error says so', async ({ open }) => {
  expect((await open(`${strict}; require-trusted-types-for 'script'; trusted-types other`, { worker: true })).failed)
    .toMatchObject({ code: 'load-failed', hint: expect.stringContaining('trusted-types') })
  expect(await open(`${strict}; require-trusted-types-for 'script'; trusted-types other`, { worker: false })).toMatchObject({ state: 'closed', workers: 0 })
})
