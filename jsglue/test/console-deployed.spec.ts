/** The built site as plain files: on any static server, below a sub-path, without a network, to any endpoint; and its docs. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, show, slow, test } from './console-page'
import { serveStatic } from './static-server.mjs'

const site = fileURLToPath(new URL('../../site/dist', import.meta.url))
const serve = () => serveStatic({ folders: { '/some/where/': site } })

test('opens and loads the module below a sub-path, and again when the server is gone', async ({ page }) => {
  const { origin, stop } = await serve(), address = `${origin}/some/where/`
  try {
    await page.goto(address)
    await expect(page.locator('html[data-ready]')).toBeAttached()
    await page.evaluate(() => navigator.serviceWorker.ready)
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state), slow).toBe('activated')
  } finally {
    await stop()
  }
  await page.reload()
  await expect(page.locator('html[data-ready]')).toBeAttached()
  expect(await page.evaluate(async () => {
    const path = new URL('pkg/index.js', location.href).href
    const iotwasm = await import(path) as typeof import('../src/types')
    await iotwasm.load({ worker: true })
    return iotwasm.version
  })).toMatch(/^\d/)
  await page.goto(`${address}docs/offline-testing/`)
  await expect(page.locator('h1')).toBeVisible()
})

test('from any static server to an endpoint that the user names', async ({ page, gateway, visit, thing }) => {
  const { origin, stop } = await serve()
  await visit({ ...gateway, origin: `${origin}/some/where` })
  await expect(page.locator('html')).toHaveAttribute('data-gateway', 'false')
  await expect(page.locator('#connect-gateway')).toHaveCount(0)
  await page.locator('#add-aws').click()
  const { endpoint, region, credentials } = gateway.options
  for (const [id, value] of Object.entries({ endpoint, region, 'access-key-id': credentials.accessKeyId, 'secret-access-key': credentials.secretAccessKey })) await page.locator(`#${id}`).fill(value)
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  await show(page, 'delayed')
  await page.locator('#thing-name').fill(thing)
  await page.locator('#preset-run').click()
  await expect(page.locator('#runs delayed-run')).toHaveAttribute('data-state', 'finished', slow)
  await stop()
})

test('the docs lead nowhere that is not there, and have every error code', () => {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
  expect(pages.length).toBeGreaterThan(15)
  for (const name of pages) {
    for (const [, to] of readFileSync(join(site, name), 'utf8').matchAll(/<(?:a|link|script|img)\b[^>]* (?:href|src)="([^"#?]+)/g)) {
      if (/^\w+:/.test(to!)) continue
      let target = join(site, dirname(name), to!)
      if (existsSync(target) && statSync(target).isDirectory()) target = join(target, 'index.html')
      expect(existsSync(target), `${name}: ${to}`).toBe(true)
    }
  }
  const types = readFileSync(fileURLToPath(new URL('../src/types.ts', import.meta.url)), 'utf8'), errors = readFileSync(join(site, 'docs/errors/index.html'), 'utf8')
  const codes = [.../export type IotErrorCode =([\s\S]*?)\n\n/.exec(types)![1]!.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code!)
  expect(codes.filter(code => !errors.includes(`<tr id="${code}">`))).toEqual([])
})
