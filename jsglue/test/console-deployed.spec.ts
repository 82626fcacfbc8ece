/** The built site as plain files: on any static server, below a sub-path, and without a network. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, slow, test } from './console-page'

const site = fileURLToPath(new URL('../../site/dist', import.meta.url))
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm', '.json': 'application/json' }

/** Serves the site below /some/where/ and knows nothing of it. */
async function serve(): Promise<{ address: string, server: Server }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname
    let file = join(site, path.replace(/^\/some\/where\//, ''))
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html')
    if (!path.startsWith('/some/where/') || !existsSync(file)) return void response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/where/`, server }
}

test('opens and loads the module below a sub-path, and again when the server is gone', async ({ page }) => {
  const { address, server } = await serve()
  try {
    await page.goto(address)
    await expect(page.locator('html[data-ready]')).toBeAttached()
    await page.evaluate(() => navigator.serviceWorker.ready)
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state), slow).toBe('activated')
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
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
