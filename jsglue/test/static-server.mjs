// A static server of the tests' own: files below a path, with the headers that a
// test wants, of an origin of its own.
// @ts-check
import { once } from 'node:events'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built package. */
export const dist = fileURLToPath(new URL('../dist', import.meta.url))

/** @type {Record<string, string>} */
const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm', '.json': 'application/json', '.map': 'application/json', '.svg': 'image/svg+xml',
}

/**
 * @typedef {object} Site
 * @property {Record<string, string>} [folders] by the beginning of their paths: `{ '/pkg/': dist }`
 * @property {Record<string, string>} [pages] texts by path: HTML, or scripts where the path ends with .js
 * @property {Record<string, string> | ((path: string) => Record<string, string>)} [headers]
 *
 * @param {Site} site
 * @returns {Promise<{ origin: string, requests: string[], stop: () => Promise<void> }>} `requests` are the paths asked for
 */
export async function serveStatic({ folders = {}, pages = {}, headers = {} }) {
  /** @type {string[]} */
  const requests = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    requests.push(path)
    const more = typeof headers === 'function' ? headers(path) : headers
    if (Object.hasOwn(pages, path)) {
      response.writeHead(200, { 'Content-Type': types[extname(path)] ?? types['.html'], ...more }).end(pages[path])
      return
    }
    const prefix = Object.keys(folders).find(each => path.startsWith(each))
    let file = prefix === undefined ? '' : join(folders[prefix], normalize(`/${path.slice(prefix.length)}`))
    if (file && existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html')
    if (!file || !existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', ...more })
    createReadStream(file).pipe(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
