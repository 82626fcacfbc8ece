/** Pages that are built with the package as npm publishes it: by bundlers, by a framework's tools, by none. */
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import { expect, test as base, type Gateway } from './fixtures'
import { serveStatic } from './static-server.mjs'
import { packTarball, unpack } from './tarball.mjs'

const run = promisify(execFile)
const here = fileURLToPath(new URL('bundlers', import.meta.url))
const frameworks = fileURLToPath(new URL('../../site/docs/frameworks', import.meta.url))
// Loading the module takes its time on a busy machine.
const slow = { timeout: 30_000 }

/** Files of the docs, by the app that uses them. */
const examples = { react: 'react-hook.ts', vue: 'vue-composable.ts', svelte: 'svelte-store.ts' }

interface WorkerFixtures {
  tarball: string
  /** A folder with the apps and, in node_modules, the package; the tools are found above it. */
  workshop: string
}

const test = base.extend<{ serve: (site: Parameters<typeof serveStatic>[0]) => Promise<string>, said: string[] }, WorkerFixtures>({
  tarball: [async ({}, use) => {
    const { path, clean } = packTarball()
    await use(path)
    clean()
  }, { scope: 'worker' }],
  workshop: [async ({ tarball }, use) => {
    const folder = mkdtempSync(join(here, '.workshop-'))
    for (const app of ['app', 'react', 'vue', 'svelte']) cpSync(join(here, app), join(folder, app), { recursive: true })
    for (const [app, file] of Object.entries(examples)) cpSync(join(frameworks, file), join(folder, app, file))
    unpack(tarball, folder)
    await use(folder)
    rmSync(folder, { recursive: true, force: true })
  }, { scope: 'worker' }],
  serve: async ({}, use) => {
    const stops: (() => Promise<void>)[] = []
    await use(async site => {
      const { origin, stop } = await serveStatic(site)
      stops.push(stop)
      return origin
    })
    for (const stop of stops) await stop()
  },
  /** What went wrong on the page: nothing. */
  said: [async ({ page }, use) => {
    const said: string[] = []
    page.on('pageerror', error => said.push(String(error)))
    page.on('console', message => { if (['error', 'warning'].includes(message.type()) && !message.location().url.endsWith('/favicon.ico')) said.push(message.text()) })
    await use(said)
    expect(said).toEqual([])
  }, { auto: true }],
})

/** What the pages read from their address. */
const fragment = (options: object): string => `#${encodeURIComponent(JSON.stringify(options))}`
const options = (gateway: Gateway, more: object = {}): string => fragment({ ...gateway.options, thing: `thing-${randomUUID()}`, ...more })

/** Builds an app of the workshop; nothing may be warned of. */
async function build(workshop: string, tool: string, app: string, entry = 'main.js'): Promise<string> {
  const out = join(workshop, `out-${tool}-${app}-${entry}`)
  const { stdout } = await run(process.execPath, [join(here, 'build.mjs'), tool, join(workshop, app), `./${entry}`, out])
  expect(JSON.parse(stdout)).toEqual([])
  return out
}

const shadowsAccepted = (page: Page): Promise<void> => expect(page.locator('#result')).toHaveText('accepted accepted', slow)

/** Names of what was built, all of it. */
const filesOf = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(folder, name)).isFile())

const plain = '<!doctype html><html lang="en"><title>app</title><output id="result"></output><script type="module" src="main.js"></script>'

for (const tool of ['vite', 'webpack', 'esbuild', 'rollup']) {
  test(`${tool} builds a page, which a server has below a path`, async ({ page, gateway, workshop, serve }) => {
    const out = await build(workshop, tool, 'app')
    expect(filesOf(out).filter(name => name.endsWith('.wasm'))).toHaveLength(1)
    const origin = await serve({ folders: { '/some/app/': out }, pages: tool === 'vite' ? {} : { '/some/app/': plain } })
    await page.goto(`${origin}/some/app/${options(gateway)}`)
    await shadowsAccepted(page)
    expect(page.workers()).toHaveLength(1)
  })
}

for (const tool of ['webpack', 'esbuild']) {
  test(`${tool} builds a page that is written for mqtt.js`, async ({ page, gateway, workshop, serve }) => {
    const out = await build(workshop, tool, 'app', 'mqtt.js')
    const origin = await serve({ folders: { '/': out }, pages: { '/': plain } })
    await page.goto(`${origin}/${options(gateway)}`)
    await expect(page.locator('#result')).toHaveText('accepted', slow)
  })
}

test('a page carries no face that it does not import', async ({ workshop }) => {
  const out = await build(workshop, 'esbuild', 'app')
  const scripts = filesOf(out).filter(name => name.endsWith('.js') && name !== 'worker.js').map(name => readFileSync(join(out, name), 'utf8'))
  expect(scripts.join('').match(/outgoingEmpty|delayed-run/)).toBeNull() // words of the mqtt.js face and of the timeline
  expect(readFileSync(join(out, 'main.js')).length).toBeLessThan(45_000)
})

/** Vite's development server for an app, until the end of `during`. */
async function developing(app: string, during: (address: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [join(here, 'dev.mjs'), app], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [address] = await once(createInterface({ input: child.stdout }), 'line') as [string]
    await during(address)
  } finally {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
}

test('vite serves a page while it is developed', async ({ page, gateway, workshop }) => {
  await developing(join(workshop, 'app'), async address => {
    await page.goto(`${address}${options(gateway)}`)
    await shadowsAccepted(page)
    expect(page.workers()).toHaveLength(1)
  })
})

test('the hook of React opens one connection under StrictMode, for several components', async ({ page, ownGateway, workshop, topic }) => {
  const connections = async (): Promise<number> => ((await (await fetch(`${ownGateway.origin}/_gateway/state.json`)).json()) as { connections: unknown[] }).connections.length
  let sockets = 0
  page.on('websocket', socket => { if (socket.url().includes('/mqtt')) sockets++ })
  await developing(join(workshop, 'react'), async address => {
    await page.goto(`${address}${fragment({ ...ownGateway.options, topic })}`)
    const connected = async (): Promise<void> => {
      for (const name of ['one', 'two']) await expect(page.locator(`#${name}`)).toHaveAttribute('data-state', 'connected', slow)
    }
    await connected()
    sockets = 0 // Vite may have loaded the page again, when it had found what it imports
    await page.reload()
    await connected()
    await expect.poll(connections, slow).toBe(1)
    expect([sockets, await connections()]).toEqual([1, 1])
    await page.locator('#one button').click()
    for (const name of ['one', 'two']) await expect(page.locator(`#${name} output`)).toHaveText('one')
    await page.locator('#toggle').click()
    await page.locator('#toggle').click() // back at once
    await expect(page.locator('#two')).toHaveAttribute('data-state', 'connected', slow)
    await page.locator('#two button').click()
    await expect(page.locator('#one output')).toHaveText('two')
    expect([sockets, await connections()]).toEqual([1, 1])
    await page.locator('#toggle').click()
    await expect.poll(connections, slow).toBe(0)
  })
})

test('the hook of React shows what failed', async ({ page, gateway, workshop, topic, said }) => {
  await developing(join(workshop, 'react'), async address => {
    await page.goto(`${address}${fragment({ ...gateway.options, topic, credentials: { ...gateway.options.credentials, secretAccessKey: 'wrong' } })}`)
    await expect(page.locator('#one')).toHaveAttribute('data-code', 'handshake-failed', slow)
  })
  said.length = 0 // Chromium's own line on the refused WebSocket
})

for (const framework of ['vue', 'svelte']) {
  test(`the example for ${framework} connects, and closes when it is left`, async ({ page, ownGateway, workshop, serve }) => {
    const out = await build(workshop, 'vite', framework)
    await page.goto(`${await serve({ folders: { '/': out } })}/${fragment(ownGateway.options)}`)
    await expect(page.locator('#state')).toHaveText('connected', slow)
    await page.locator('#leave').click()
    await expect.poll(async () => ((await (await fetch(`${ownGateway.origin}/_gateway/state.json`)).json()) as { connections: unknown[] }).connections.length, slow).toBe(0)
  })
}

test('the examples stand in the docs as they are', () => {
  const page = readFileSync(join(frameworks, 'index.html'), 'utf8')
  for (const name of Object.values(examples)) {
    const escaped = readFileSync(join(frameworks, name), 'utf8').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    expect(page, name).toContain(`<code>${escaped}</code>`)
  }
})

test.describe('without a bundler', () => {
  const app = readFileSync(join(here, 'app/main.js'), 'utf8')

  test('a script tag with integrity, and the integrity of the wasm file', async ({ page, gateway, workshop, serve, said }) => {
    const dist = join(workshop, 'node_modules/iotwasm/dist')
    const { files } = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')) as { files: Record<string, { integrity: string }> }
    const html = (integrity: string): string => `<!doctype html><html lang="en"><title>app</title><output id="result"></output>
      <script src="/pkg/iotwasm.global.js" integrity="${integrity}" crossorigin></script><script type="module" src="/main.js"></script>`
    const script = files['iotwasm.global.js']!.integrity, wasm = files['iotwasm.wasm']!.integrity
    const origin = await serve({
      folders: { '/pkg/': dist },
      pages: { '/': html(script), '/tampered': html(wasm), '/main.js': app.replace("import { connect } from 'iotwasm'", 'const { connect } = iotwasm') },
    })
    await page.goto(`${origin}/${options(gateway, { integrity: wasm })}`)
    await shadowsAccepted(page)
    await page.goto('about:blank')
    await page.goto(`${origin}/${options(gateway, { integrity: script })}`)
    await expect(page.locator('#result')).toContainText('the wasm file could not be fetched', slow)
    await expect(page.locator('#result')).toContainText('integrity')
    await page.goto(`${origin}/tampered${options(gateway)}`)
    await expect.poll(() => said.join()).toContain('iotwasm is not defined')
    said.length = 0 // the browser's own lines on what it refused
  })

  test('an import map', async ({ page, gateway, workshop, serve }) => {
    const origin = await serve({
      folders: { '/pkg/': join(workshop, 'node_modules/iotwasm/dist') },
      pages: {
        '/some/app/': `<!doctype html><html lang="en"><title>app</title><output id="result"></output>
          <script type="importmap">{ "imports": { "iotwasm": "/pkg/index.js", "iotwasm/mqtt": "/pkg/mqtt.js" } }</script><script type="module" src="main.js"></script>`,
        '/some/app/main.js': app,
      },
    })
    await page.goto(`${origin}/some/app/${options(gateway)}`)
    await shadowsAccepted(page)
  })

  test('from a server of another origin, which is asked for a Worker too', async ({ page, gateway, workshop, serve }) => {
    const cdn = await serve({ folders: { '/iotwasm@0.1.0/dist/': join(workshop, 'node_modules/iotwasm/dist') }, headers: { 'Access-Control-Allow-Origin': '*' } })
    const origin = await serve({ pages: {
      '/': plain, '/main.js': app.replace("'iotwasm'", `'${cdn}/iotwasm@0.1.0/dist/index.js'`),
    } })
    await page.goto(`${origin}/${options(gateway, { worker: 'blob' })}`)
    await shadowsAccepted(page)
    expect(page.workers()).toHaveLength(1)
  })
})

test.describe('a newcomer, with the ten lines of the README', () => {
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
  const [html] = /(?<=```html\n)[\s\S]+?(?=```)/.exec(readme)!
  const accepted = ['test1', 'test2'].map(name => `$aws/things/lamp/shadow/name/${name}/update/accepted`)

  /** The lines, for the local gateway. */
  const forGateway = (text: string, { options }: Gateway): string => text
    .replace(/endpoint: '.+?'/, `endpoint: '${options.endpoint}', region: '${options.region}'`).replace(/credentials: .+?\}\)/s, `credentials: ${JSON.stringify(options.credentials)}`)

  const heard = (page: Page): string[] => {
    const topics: string[] = []
    page.on('console', message => { if (message.type() === 'log') topics.push(message.text().split(' ')[0]!) })
    return topics
  }

  for (const type of ['application/wasm', 'application/octet-stream']) {
    test(`one HTML file beside the package, and a server that takes wasm for ${type}`, async ({ page, ownGateway, tarball, serve }) => {
      const folder = mkdtempSync(join(tmpdir(), 'iotwasm-newcomer-'))
      unpack(tarball, folder)
      const topics = heard(page)
      const origin = await serve({
        folders: { '/': join(folder, 'node_modules/iotwasm/dist') }, pages: { '/': `<!doctype html>\n${forGateway(html, ownGateway)}` },
        headers: (path): Record<string, string> => path.endsWith('.wasm') ? { 'Content-Type': type } : {},
      })
      await page.goto(origin)
      await expect.poll(() => topics, slow).toEqual(accepted)
      rmSync(folder, { recursive: true })
    })
  }

  test('an app of Vite, from an empty folder', async ({ page, ownGateway, tarball }) => {
    test.setTimeout(180_000)
    const folder = mkdtempSync(join(tmpdir(), 'iotwasm-newcomer-'))
    const { vite } = (JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }).dependencies
    const [lines] = /(?<=<script type="module">\n)[\s\S]+?(?=<\/script>)/.exec(html)!
    writeFileSync(join(folder, 'package.json'), '{ "name": "newcomer", "private": true, "type": "module" }')
    writeFileSync(join(folder, 'index.html'), '<!doctype html><html lang="en"><title>newcomer</title><script type="module" src="/main.js"></script>')
    writeFileSync(join(folder, 'main.js'), `import * as iotwasm from 'iotwasm'\n${forGateway(lines, ownGateway)}`)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, `vite@${vite}`], { cwd: folder })
    await run('npx', ['vite', 'build', '--logLevel', 'warn'], { cwd: folder })
    const preview = spawn(join(folder, 'node_modules/.bin/vite'), ['preview', '--host', '127.0.0.1', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let address: string | undefined
      for await (const line of createInterface({ input: preview.stdout })) if ((address = /http:\S+?:\d+/.exec(line.replaceAll(/\x1b\[\d+m/g, ''))?.[0])) break
      const topics = heard(page)
      await page.goto(address!)
      await expect.poll(() => topics, slow).toEqual(accepted)
    } finally {
      const ended = once(preview, 'exit')
      preview.kill()
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
