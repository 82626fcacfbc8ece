/** The seed page: the scenario in under 60 lines of script, with the classic script build and nothing else. */
import { readFile } from 'node:fs/promises'
import { expect, startGateway, test } from './fixtures'

// Loading the module takes its time on a busy machine.
const slow = { timeout: 30_000 }
const folder = new URL('../../site/examples/seed/', import.meta.url)

test('its script is under 60 lines', async () => {
  const script = await readFile(new URL('seed.js', folder), 'utf8')
  expect(script.trimEnd().split('\n').length).toBeLessThan(60)
  // Short by its content, not by long lines.
  expect(Math.max(...script.split('\n').map(line => line.length))).toBeLessThanOrEqual(160)
  const page = await readFile(new URL('index.html', folder), 'utf8')
  expect([...page.matchAll(/<script[^>]*src="([^"]*)"[^>]*>([^<]*)<\/script>/g)].map(([, src, inline]) => [src, inline]))
    .toEqual([['../../pkg/iotwasm.global.js', ''], ['seed.js', '']])
  expect(page.match(/<script/g)).toHaveLength(2)
})

for (const worker of [true, false]) {
  test(`creates the two shadows a second apart, ${worker ? 'in a Worker' : "on the page's thread"}`, async ({ page, ownGateway }) => {
    const asked: string[] = []
    const said: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).pathname))
    page.on('console', message => said.push(message.text()))
    page.on('pageerror', error => said.push(error.message))
    await page.addInitScript(() => {
      const times: [string, number][] = []
      Object.assign(window, { times })
      new MutationObserver(changes => {
        for (const { target } of changes) {
          const { accepted } = (target as HTMLElement).dataset
          if (accepted) times.push([accepted, performance.now()])
        }
      }).observe(document, { subtree: true, attributeFilter: ['data-accepted'] })
    })
    await page.goto(`${ownGateway.origin}/examples/seed/${worker ? '' : '?worker=false'}`)
    await expect(page.locator('#status')).toHaveAttribute('data-state', 'done', slow)
    for (const shadow of ['test1', 'test2']) {
      const line = page.locator(`#events [data-accepted="${shadow}"]`)
      await expect(line).toContainText(`${shadow} accepted`)
      const document: unknown = JSON.parse((await line.innerText()).replace(/^.*?: /, ''))
      expect(document).toMatchObject({ state: { reported: {} }, version: 1 })
    }
    const times = await page.evaluate(() => (window as unknown as { times: [string, number][] }).times)
    expect(times.map(([shadow]) => shadow)).toEqual(['test1', 'test2'])
    const spacing = times[1]![1] - times[0]![1]
    expect(spacing).toBeGreaterThan(400)
    expect(spacing).toBeLessThan(1800)
    const deviations = await page.locator('#events [data-deviation]').evaluateAll(lines => lines.map(line => Number((line as HTMLElement).dataset['deviation'])))
    expect(deviations).toHaveLength(2)
    for (const deviation of deviations) {
      expect(deviation).toBeGreaterThanOrEqual(-1)
      expect(deviation).toBeLessThan(700)
    }
    expect(page.workers()).toHaveLength(worker ? 1 : 0)
    // The classic build and what it loads, no other part of the package.
    const parts = ['/pkg/iotwasm.global.js', '/pkg/iotwasm.wasm', '/pkg/worker.js']
    const chunks = worker ? /^\/pkg\/chunks\/features-\w+\.js$/ : /^\/pkg\/chunks\/(features|page-host)-\w+\.js$/
    expect(asked.filter(path => path.startsWith('/pkg/') && !parts.includes(path) && !chunks.test(path))).toEqual([])
    expect(asked).toContain('/pkg/iotwasm.global.js')
    const secret = ownGateway.options.credentials.secretAccessKey
    expect([page.url(), await page.content(), ...said].join('\n')).not.toContain(secret)
    expect(said.filter(text => /error/i.test(text))).toEqual([])
  })
}

test('shows why it failed, and runs again', async ({ page, ownGateway, program }) => {
  const { endpoint, region, credentials } = ownGateway.options
  await page.route('**/gateway.json', route => route.fulfill({ json: { endpoint, region, ...credentials, secretAccessKey: 'wrong' } }))
  await page.goto(`${ownGateway.origin}/examples/seed/`)
  const status = page.locator('#status')
  await expect(status).toHaveAttribute('data-state', 'failed', slow)
  await expect(status).toContainText('WebSocket')
  await expect(status).toContainText('secret access key')
  await expect(page.locator('button')).toBeEnabled()
  await page.locator('#endpoint').fill('no endpoint at all')
  await page.locator('button').click()
  await expect(status).toContainText('endpoint')
  await expect(status).toHaveAttribute('data-state', 'failed')
  await page.locator('#endpoint').fill(endpoint)
  await page.locator('#secretAccessKey').fill(credentials.secretAccessKey)
  await page.locator('button').click()
  await expect(status).toHaveAttribute('data-state', 'running', slow)
  await expect(page.locator('button')).toBeDisabled()
  await ownGateway.stop('SIGKILL') // an outage only delays what is due
  const again = await startGateway(program, { port: Number(new URL(ownGateway.origin).port) })
  try {
    await expect(status).toHaveAttribute('data-state', 'done', slow)
    await expect(page.locator('[data-accepted]')).toHaveCount(2)
  } finally {
    await again.stop()
  }
})

test('waits for the form where no gateway gives credentials', async ({ page, gateway }) => {
  await page.route('**/gateway.json', route => route.fulfill({ status: 404, body: 'not found' }))
  const answered = page.waitForResponse('**/gateway.json')
  await page.goto(`${gateway.origin}/examples/seed/`)
  await answered
  await expect(page.locator('#status')).toHaveAttribute('data-state', 'idle')
  await page.locator('button').click()
  await expect(page.locator('#status')).toHaveAttribute('data-state', 'failed', slow)
  await expect(page.locator('#status')).toContainText('endpoint')
  expect(new URL(page.url()).search).toBe('')
})
