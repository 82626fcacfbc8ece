/**
 * Pages that were written for mqtt.js run on it and on the package's replacement alike: the two examples, and the
 * page that creates two named shadows.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from '@playwright/test'
import { expect, issued, test as base, type Gateway } from './fixtures'

type Library = 'mqttjs' | 'iotwasm'

// Loading the module takes its time on a busy machine.
const slow = { timeout: 30_000 }
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const stock = file('../node_modules/mqtt/dist/mqtt.min.js')
const token = 'a-token-of-these-tests'
const generic = ['-profile', 'generic', '-control-token', token]

interface Fixtures {
  library: Library
  /** Opens an example, and fails the test at an uncaught error. */
  visit: (example: 'chat' | 'dashboard') => Promise<Page>
}

const test = base.extend<Fixtures>({
  library: ['mqttjs', { option: true }],
  flags: generic,
  visit: async ({ context, ownGateway, library }, use) => {
    const uncaught: Error[] = []
    const space = `test-${randomUUID()}`
    await context.route('**/mqtt.min.js', route => route.fulfill({ path: stock, contentType: 'text/javascript' }))
    await use(async example => {
      const page = await context.newPage()
      page.on('pageerror', error => uncaught.push(error))
      await page.goto(`${ownGateway.origin}/examples/${example}/?library=${library}&space=${space}`)
      await expect(page.locator('html[data-ready]')).toBeAttached(slow)
      await expect(page.locator('html')).toHaveAttribute('data-library', library)
      return page
    })
    expect(uncaught).toEqual([])
  },
})

/** Of the gateway's control API. */
async function control(gateway: Gateway, method: 'POST' | 'DELETE', path: string, body?: object): Promise<void> {
  const answer = await fetch(`${gateway.origin}/_gateway/${path}`, { method, headers: { Authorization: `Bearer ${token}` }, ...body && { body: JSON.stringify(body) } })
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true)
}

/** Client identifiers of the connections there are. */
async function connections(gateway: Gateway): Promise<string[]> {
  const state = await (await fetch(`${gateway.origin}/_gateway/state.json`)).json() as { connections: { clientId: string }[] }
  return state.connections.map(({ clientId }) => clientId)
}

/** Cuts the connections of these clients; nobody can connect until `during` is through. */
async function outage(gateway: Gateway, clientIds: string[], during: () => Promise<void>): Promise<void> {
  expect(clientIds).not.toEqual([])
  await control(gateway, 'POST', 'faults', { fault: 'upgrade', action: 'refuse', status: 503 })
  for (const id of clientIds) await control(gateway, 'POST', `connections/${id}/kill`)
  await during()
  await control(gateway, 'DELETE', 'faults')
}

const connected = (page: Page): Promise<void> => expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)

/** Nothing lies outside a narrow screen. */
async function fits(page: Page): Promise<void> {
  for (const width of [375, 320]) {
    await page.setViewportSize({ width, height: 740 })
    const outside = await page.evaluate(() => [...document.querySelectorAll('body *')].filter(each => {
      if (!each.checkVisibility() || each.closest('.visually-hidden, svg')) return false
      const { left, right } = each.getBoundingClientRect()
      return left < 0 || right > innerWidth + 0.5
    }).map(each => each.id || each.className || each.tagName))
    expect(outside, `at ${width}`).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
  }
}

/** Presses Tab until it gets there; what has the focus shows it. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement === document.body || getComputedStyle(document.activeElement!).outlineStyle !== 'none')).toBe(true)
    if (await target.evaluate(each => each === document.activeElement)) return
  }
  throw new Error(`Tab does not lead to ${target}`)
}

async function join(page: Page, nick: string): Promise<void> {
  await page.locator('#nick').fill(nick)
  await page.locator('#nick').press('Enter')
  await connected(page)
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#text').fill(text)
  await page.locator('#text').press('Enter')
}

const said = (page: Page): Locator => page.locator('#messages .message-text')
const person = (page: Page, nick: string): Locator => page.locator('#people .person', { hasText: nick })
const online = (page: Page, nick: string, is: boolean): Promise<void> => expect(person(page, nick)).toHaveAttribute('data-online', String(is), slow)

for (const library of ['mqttjs', 'iotwasm'] as const) {
  test.describe(library, () => {
    test.use({ library })

    test.describe('chat', () => {
      test('two people talk, and a third reads what was said', async ({ visit }) => {
        const [ada, grace] = [await visit('chat'), await visit('chat')]
        await join(ada, 'Ada')
        await join(grace, 'Grace')
        for (const page of [ada, grace]) for (const nick of ['Ada', 'Grace']) await online(page, nick, true)
        await expect(grace.locator('#people-count')).toHaveText('2')

        await ada.locator('#text').pressSequentially('Hel')
        await expect(grace.locator('#typing')).toHaveText('Ada is typing…')
        await say(ada, 'Hello <b>all</b>')
        await expect(said(grace)).toHaveText(['Hello <b>all</b>']) // as text
        await expect(grace.locator('#typing')).toBeEmpty()
        await expect(ada.locator('#messages .delivery')).toHaveText(['sent'])
        await say(grace, 'Hello Ada')
        for (const page of [ada, grace]) await expect(said(page)).toHaveText(['Hello <b>all</b>', 'Hello Ada'])
        await expect(ada.locator('#messages[role="log"]')).toHaveAttribute('aria-live', 'polite')

        await ada.locator('#new-room').fill('Tea Kitchen')
        await ada.locator('#new-room').press('Enter')
        await expect(ada.locator('#room-name')).toHaveText('# tea-kitchen')
        await say(ada, 'Tea?')
        await expect(grace.locator('[data-room="tea-kitchen"]')).toHaveAttribute('data-unread', '1')
        await expect(said(grace)).toHaveCount(2)
        await grace.locator('[data-room="tea-kitchen"]').click()
        await expect(said(grace)).toHaveText(['Tea?'])
        await expect(grace.locator('[data-room="tea-kitchen"]')).toHaveAttribute('data-unread', '0')

        const alan = await visit('chat')
        await expect(async () => {
          await alan.reload()
          await expect(alan.locator('html[data-ready]')).toBeAttached(slow) // before it nothing listens to the form
          await join(alan, 'Alan')
          await expect(said(alan)).toHaveText(['Hello <b>all</b>', 'Hello Ada'])
        }).toPass(slow)
        await alan.locator('#leave').click()
        await expect(alan.locator('#nick')).toBeFocused()
        await expect(person(ada, 'Alan').and(ada.locator('[data-online="true"]'))).toHaveCount(0, slow)
        await join(alan, 'Alan again')
        await online(ada, 'Alan again', true)
        await expect(said(alan)).toHaveCount(2)
      })

      test('the will tells who is gone; what is said meanwhile arrives once', async ({ visit, ownGateway }) => {
        const [ada, grace] = [await visit('chat'), await visit('chat')]
        await join(ada, 'Ada')
        const before = await connections(ownGateway)
        await join(grace, 'Grace')
        await online(ada, 'Grace', true)
        await outage(ownGateway, (await connections(ownGateway)).filter(id => !before.includes(id)), async () => {
          await online(ada, 'Grace', false)
          await expect(ada.locator('#presence-news')).toHaveText('Grace is offline')
          await expect(grace.locator('#state')).toHaveAttribute('data-state', 'reconnecting', slow)
          await say(grace, 'Do you hear me?')
          await expect(grace.locator('#messages .delivery')).toHaveText(['sending'])
          await expect(grace.locator('#queued')).toHaveText('1 waiting for the connection')
        })
        await connected(grace)
        await online(ada, 'Grace', true)
        for (const page of [ada, grace]) await expect(said(page)).toHaveText(['Do you hear me?'], slow)
        await expect(grace.locator('#messages .delivery')).toHaveText(['sent'])
        await expect(grace.locator('#queued')).toBeEmpty()

        await control(ownGateway, 'POST', `connections/${before[0]}/disconnect?reasonCode=0x8b`) // kicks Ada
        await expect(ada.locator('#state')).toHaveAttribute('data-state', 'reconnecting', slow)
        await connected(ada)
        await say(grace, 'And now?')
        await expect(said(ada)).toHaveText(['Do you hear me?', 'And now?'], slow)
      })

      test('by keyboard, on a narrow screen', async ({ visit }) => {
        const page = await visit('chat')
        await fits(page)
        await expect(page.locator('#nick')).toBeFocused()
        await page.keyboard.type('Ada')
        await page.keyboard.press('Enter')
        await connected(page)
        await expect(page.locator('#text')).toBeFocused()
        await page.keyboard.type('word'.repeat(60))
        await page.keyboard.press('Enter')
        await expect(said(page)).toHaveCount(1)
        await fits(page)
        await tabTo(page, page.locator('[data-room="weather"]'))
        await page.keyboard.press('Enter')
        await expect(page.locator('#room-name')).toHaveText('# weather')
        await expect(page.locator('#text')).toBeFocused()
        await tabTo(page, page.locator('#leave'))
        await page.keyboard.press('Space')
        await expect(page.locator('#nick')).toBeFocused()
      })

      test.describe('as AWS IoT Core, which has no retained messages for wildcards', () => {
        test.use({ flags: ['-control-token', token] })

        test('who comes later sees who is there', async ({ visit }) => {
          const [ada, grace] = [await visit('chat'), await visit('chat')]
          await join(ada, 'Ada')
          await say(ada, 'Hello')
          await expect(ada.locator('#messages .delivery')).toHaveText(['sent'])
          await join(grace, 'Grace')
          await online(grace, 'Ada', true)
          await say(grace, 'Hello Ada')
          await expect(said(ada)).toHaveText(['Hello', 'Hello Ada'])
        })
      })
    })

    test.describe('dashboard', () => {
      const device = (page: Page, name: string): Locator => page.locator(`[data-device="${name}"]`)
      const received = async (page: Page): Promise<number> => Number((await page.locator('#received').innerText()).replace(/\D/g, ''))
      const moreArrives = async (page: Page): Promise<void> => {
        const before = await received(page)
        await expect.poll(() => received(page), slow).toBeGreaterThan(before)
      }

      test('shows what devices measure, and commands are acknowledged', async ({ visit }) => {
        const page = await visit('dashboard')
        await connected(page)
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
        await expect(page.locator('.device h3')).toHaveText(['boiler room', 'cold store', 'greenhouse', 'roof'])
        await expect(page.locator('.sensor')).toHaveCount(8)
        await expect(device(page, 'cold-store').locator('[data-sensor="temperature"] .value')).toHaveText(/^−\d+\.\d °C$/)
        const line = device(page, 'roof').locator('[data-sensor="wind"] .line')
        const points = async (): Promise<number> => (await line.getAttribute('d'))?.split(/[ML]/).length ?? 0
        await expect.poll(points, slow).toBeGreaterThan(4)
        await moreArrives(page)
        await expect(page.locator('#rate')).not.toHaveText('0.0')

        const fan = device(page, 'greenhouse').locator('.fan')
        await fan.click()
        await expect(page.locator('#commands .command').first()).toContainText('greenhouse fan on')
        await expect(page.locator('#commands .command').first()).toHaveAttribute('data-state', 'done', slow)
        await expect(fan).toHaveAttribute('aria-pressed', 'true')
        await device(page, 'roof').locator('select').selectOption('500')
        await expect(page.locator('#commands [data-state="done"]')).toHaveCount(2, slow)
        await expect(page.locator('#commands')).toContainText('samples every 0.5 s')
      })

      test('stands a kick, and sends what was ordered during an outage', async ({ visit, ownGateway }) => {
        const page = await visit('dashboard')
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
        const [own] = (await connections(ownGateway)).filter(id => id.startsWith('dashboard-'))
        await control(ownGateway, 'POST', `connections/${own}/disconnect?reasonCode=0x8b`)
        await expect(page.locator('#state')).toHaveAttribute('data-state', 'reconnecting', slow)
        await connected(page)
        await moreArrives(page)

        const commands = page.locator('#commands .command')
        await outage(ownGateway, await connections(ownGateway), async () => {
          await expect(page.locator('#state')).toHaveAttribute('data-state', 'reconnecting', slow)
          await expect(page.locator('#state-text')).toHaveText(/Connection lost|Reconnecting, attempt/)
          await device(page, 'greenhouse').locator('.fan').click()
          await device(page, 'roof').locator('select').selectOption('2000')
          await expect(commands).toHaveText([/waits for the connection/, /waits for the connection/])
          await expect(page.locator('#waiting')).toHaveText('2')
        })
        await connected(page)
        for (const index of [0, 1]) await expect(commands.nth(index)).toHaveAttribute('data-state', 'done', slow)
        await expect(page.locator('#waiting')).toHaveText('0')
        await expect(device(page, 'greenhouse').locator('.fan')).toHaveAttribute('aria-pressed', 'true')
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
        await moreArrives(page)
      })

      test('devices that end, by good order or not, are offline', async ({ visit, ownGateway }) => {
        const page = await visit('dashboard')
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
        await outage(ownGateway, (await connections(ownGateway)).filter(id => id.startsWith('device-roof-')), async () => {
          await expect(device(page, 'roof').locator('.status')).toHaveText(/^offline since/, slow)
          await expect(page.locator('#devices-online')).toHaveText('3')
        })
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
        await page.locator('#simulate').uncheck()
        await expect(page.locator('#devices-online')).toHaveText('0', slow)
        await expect.poll(async () => (await connections(ownGateway)).filter(id => id.startsWith('device-')), slow).toEqual([])
        await page.locator('#simulate').check()
        await expect(page.locator('#devices-online')).toHaveText('4', slow)
      })

      test('a second window takes the devices over when the first is closed', async ({ visit, ownGateway }) => {
        const first = await visit('dashboard')
        await expect(first.locator('#devices-online')).toHaveText('4', slow)
        const second = await visit('dashboard')
        await expect(second.locator('#devices-online')).toHaveText('4', slow)
        const devices = async (): Promise<string[]> => (await connections(ownGateway)).filter(id => id.startsWith('device-'))
        const before = await devices()
        expect(before).toHaveLength(4)
        await first.close()
        await expect.poll(async () => (await devices()).filter(id => !before.includes(id)).length, slow).toBe(4)
        await expect(second.locator('#devices-online')).toHaveText('4', slow)
        await moreArrives(second)
      })

      test('by keyboard, on a narrow screen', async ({ visit }) => {
        const page = await visit('dashboard')
        await expect(page.locator('.sensor')).toHaveCount(8, slow)
        await fits(page)
        await tabTo(page, device(page, 'cold-store').locator('.fan'))
        await page.keyboard.press('Space')
        await expect(page.locator('#commands .command')).toHaveAttribute('data-state', 'done', slow)
        await expect(device(page, 'cold-store').locator('.fan')).toBeFocused()
        await fits(page)
      })
    })
  })
}

test('the examples load the mqtt.js that they are tested with', () => {
  const loader = readFileSync(file('../../site/examples/shared/library.js'), 'utf8')
  const { version } = JSON.parse(readFileSync(file('../node_modules/mqtt/package.json'), 'utf8')) as { version: string }
  expect(loader).toContain(`npm/mqtt@${version}/dist/mqtt.min.js`)
  expect(loader).toContain(`sha384-${createHash('sha384').update(readFileSync(stock)).digest('base64')}`)
})

test.describe('the page of two named shadows', () => {
  const source = (name: string): string[] => readFileSync(file(`pages/seed-mqttjs/${name}`), 'utf8').split('\n')

  /** What has to go from `before`, and what has to come, to make `after` of it. */
  function changes(before: string[], after: string[]): { gone: string[], come: string[] } {
    const [line, ...rest] = before
    if (line === undefined) return { gone: [], come: after }
    if (line === after[0]) return changes(rest, after.slice(1))
    const at = after.indexOf(line)
    const next = at >= 0 && after.slice(0, at).every(each => !rest.includes(each)) ? { gone: [], come: after.slice(0, at) } : { gone: [line], come: [] }
    const further = next.gone.length > 0 ? changes(rest, after) : changes(before, after.slice(at))
    return { gone: [...next.gone, ...further.gone], come: [...next.come, ...further.come] }
  }

  test('swaps one script, and may leave the signing to it', () => {
    expect(changes(source('index.html'), source('signed-by-page.html'))).toEqual({
      gone: ['<script src="mqtt.min.js"></script>'], come: ['<script src="mqtt.global.js"></script>'],
    })
    const { gone, come } = changes(source('index.html'), source('signed-by-iotwasm.html'))
    expect(come.map(line => line.trim())).toEqual([
      '<script src="mqtt.global.js"></script>',
      expect.stringMatching(/^const client = mqtt\.connect\(`\$\{endpoint\}\/mqtt`, \{ clientId: .*, clean: true, aws: \{ region, credentials \} \}\)$/),
    ])
    expect(gone.map(line => line.trim())).toEqual([
      '<script src="mqtt.min.js"></script>', '<script src="aws4fetch.umd.js"></script>',
      expect.stringMatching(/^const aws = new aws4fetch\.AwsClient\(/), expect.stringMatching(/^const signed = await aws\.sign\(/),
      expect.stringMatching(/^\/\/ .*session token/), expect.stringMatching(/^const url = .*X-Amz-Security-Token/), '',
      expect.stringMatching(/^const client = mqtt\.connect\(url, \{ clientId: .*, clean: true \}\)$/),
    ])
  })

  for (const name of ['index.html', 'signed-by-page.html', 'signed-by-iotwasm.html']) {
    test(`creates both of them: ${name}`, async ({ page, gateway, observe, topic }) => {
      const thingName = topic.replaceAll('/', '-')
      const observer = await observe(gateway.options, `$aws/things/${thingName}/shadow/name/+/update`)
      const { endpoint, region } = gateway.options
      const { accessKeyId, secretAccessKey, sessionToken } = await issued(gateway)
      const settings = { endpoint, region, thingName, credentials: { accessKeyId, secretAccessKey, sessionToken } }
      const server = await serve(settings)
      const uncaught: Error[] = []
      page.on('pageerror', error => uncaught.push(error))
      try {
        await page.goto(`${server.origin}/${name}`)
        const log = page.locator('#log li')
        for (const shadow of ['test1', 'test2']) {
          const line = log.filter({ hasText: `${shadow} accepted` })
          await expect(line).toHaveCount(1, slow)
          expect(JSON.parse((await line.innerText()).replace(/^.*?: /, ''))).toMatchObject({ state: { reported: {} }, version: 1 })
          await expect(log.filter({ hasText: `${shadow} published` })).toHaveCount(1)
        }
        await expect(log).toHaveCount(6)
        await observer.count(2)
        expect(observer.heard.map(h => h.topic.split('/').at(-2))).toEqual(['test1', 'test2'])
        const spacing = observer.heard[1].at - observer.heard[0].at
        expect(spacing).toBeGreaterThan(400)
        expect(spacing).toBeLessThan(1800)
        expect(await page.content()).not.toContain(secretAccessKey)
        expect(uncaught).toEqual([])
      } finally {
        await server.stop()
      }
    })
  }

  /** The pages' own server, with the scripts beside them. */
  async function serve(settings: object): Promise<{ origin: string, stop: () => Promise<void> }> {
    const folders = ['pages/seed-mqttjs', '../dist', '../node_modules/mqtt/dist', '../node_modules/aws4fetch/dist']
    const types: Record<string, string> = { html: 'text/html; charset=utf-8', js: 'text/javascript', wasm: 'application/wasm' }
    const server = createServer((request, response) => {
      const name = request.url!.slice(1)
      if (name === 'settings.json') return response.setHeader('Content-Type', 'application/json').end(JSON.stringify(settings))
      const path = /^[\w.-]+$/.test(name) && folders.map(folder => file(`${folder}/${name}`)).find(existsSync)
      if (!path) return response.writeHead(404).end()
      response.setHeader('Content-Type', types[name.split('.').at(-1)!] ?? 'application/octet-stream').end(readFileSync(path))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    }
  }
})
