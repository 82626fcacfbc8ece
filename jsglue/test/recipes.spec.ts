/** The page "Delayed publish": each recipe runs as the page shows it, and prints what the page says. */
import { readFileSync } from 'node:fs'
import type { JSHandle, Page } from '@playwright/test'
import type { Client, DelayedRun, Message } from '../src/types'
import type {} from '../src/timeline/types'
import { connected, expect, openBlank, startGateway, test } from './fixtures'

const html = readFileSync(new URL('../../site/docs/delayed-publish/index.html', import.meta.url), 'utf8')

/** How late a message may be on a busy machine, in ms. */
const bound = 500

interface Started {
  /** What it logged so far. */
  lines: () => Promise<string[]>
  /** Resolves when its last line has run. */
  ended: () => Promise<void>
}

declare global {
  interface Window {
    /** Given to the recipe. */
    client: Client
    logged: string[]
    recipe: Promise<unknown>
  }
}

/** The text of an element of the documentation page; undefined where there is none. */
function shown(page: Page, selector: string): Promise<string | undefined> {
  return page.evaluate(([html, selector]) => new DOMParser().parseFromString(html, 'text/html').querySelector(selector)?.textContent ?? undefined, [html, selector] as const)
}

/** Runs a recipe as a module of the page, beside its markup. */
async function start(page: Page, client: JSHandle<Client>, name: string): Promise<Started> {
  const code = await shown(page, `[data-recipe="${name}"]`), markup = await shown(page, `[data-markup="${name}"]`)
  expect(code, `recipe ${name}`).toBeDefined()
  expect(code!.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
  await page.evaluate(([client, code, markup]) => {
    // Not by innerHTML, whose custom elements Chromium leaves as they are on a page that is text.
    document.body.replaceChildren(...new DOMParser().parseFromString(markup ?? '', 'text/html').body.childNodes)
    if (!document.querySelector('script[type=importmap]')) {
      const map = Object.assign(document.createElement('script'), { type: 'importmap', text: JSON.stringify({ imports: { 'iotwasm/delayed-run': '/pkg/delayed-run.js' } }) })
      document.head.append(map)
    }
    const logged: string[] = []
    Object.assign(window, { client, logged })
    console.log = (...values: unknown[]) => { logged.push(values.map(String).join(' ')) }
    const address = URL.createObjectURL(new Blob([`const { client } = window\n`, code], { type: 'text/javascript' }))
    window.recipe = import(address)
    window.recipe.catch(() => undefined) // `ended` hears of it
  }, [client, code!, markup] as const)
  return {
    lines: () => page.evaluate(() => window.logged),
    ended: async () => { await page.evaluate(() => window.recipe) },
  }
}

/** What the documentation page says that a recipe prints. Times differ, and by `adapt` what else a busy machine may change. */
async function expectShown(page: Page, name: string, { lines }: Started, adapt = (lines: string[]) => lines): Promise<void> {
  const plain = (lines: string[]): string[] => adapt(lines.map(line => line.replace(/-?\d+ ms/, 'n ms')))
  const output = await shown(page, `[data-output="${name}"]`)
  await expect.poll(async () => plain(await lines())).toEqual(plain(output!.trimEnd().split('\n')))
}

interface Heard {
  topic: string
  text: string
  at: number
  expires: number | undefined
}

/** Subscribes with a client of its own. */
function listen(client: JSHandle<Client>, filter: string): Promise<JSHandle<Heard[]>> {
  return client.evaluateHandle(async (c, filter) => {
    const heard: Heard[] = []
    await c.subscribe(filter, { qos: 1 }, (m: Message) => {
      heard.push({ topic: m.topic, text: m.text(), at: m.receivedAt, expires: m.properties.messageExpiryInterval })
    })
    return heard
  }, filter)
}

const all = (heard: JSHandle<Heard[]>): Promise<Heard[]> => heard.evaluate(h => h)
const last = <T>(client: JSHandle<Client>, read: (run: DelayedRun) => T): Promise<T> =>
  client.evaluate((c, read) => (new Function(`return ${read}`)() as (run: DelayedRun) => T)(c.delayed().at(-1)!), String(read))

/** Shadows of the recipes' thing that the service has, by version. */
function versions(client: JSHandle<Client>, names: readonly string[]): Promise<number[]> {
  return client.evaluate((c, names) => Promise.all(names.map(async name => {
    const shadow = c.shadow('lamp', name)
    try {
      return (await shadow.get()).version
    } catch {
      return 0
    } finally {
      await shadow.close()
    }
  })), names)
}

test('the smallest example', async ({ shared, ownGateway }) => {
  const heard = await listen(await connected(shared, ownGateway.options), 'plant/7/lamp')
  const began = await shared.evaluate(() => Date.now())
  const recipe = await start(shared, await connected(shared, ownGateway.options), 'smallest')
  await recipe.ended()
  await expectShown(shared, 'smallest', recipe)
  await expect.poll(async () => (await all(heard)).map(m => m.text)).toEqual(['{"on":true}'])
  const late = (await all(heard))[0].at - began - 500
  expect(late).toBeGreaterThanOrEqual(-5)
  expect(late).toBeLessThan(bound * 2)
})

test('1: two named shadows, one second apart', async ({ shared, ownGateway }) => {
  const other = await connected(shared, ownGateway.options)
  const accepted = await listen(other, '$aws/things/lamp/shadow/name/+/update/accepted')
  const recipe = await start(shared, await connected(shared, ownGateway.options), 'spacing')
  await recipe.ended()
  await expectShown(shared, 'spacing', recipe)
  await expect.poll(async () => (await all(accepted)).map(m => m.topic.split('/')[5])).toEqual(['test1', 'test2'])
  const [first, second] = await all(accepted)
  expect(Math.abs(second.at - first.at - 1000)).toBeLessThan(bound)
  expect(await versions(other, ['test1', 'test2'])).toEqual([1, 1])
})

test('2: one shadow after another, where the service throttles and where it does not', async ({ shared, program, ownGateway }) => {
  const throttling = await startGateway(program, { args: ['-shadow-creation-spacing', '400ms'] })
  try {
    const other = await connected(shared, throttling.options)
    const answers = await listen(other, '$aws/things/lamp/shadow/name/+/#') // update/# would not match update at AWS
    const client = await connected(shared, throttling.options)
    const recipe = await start(shared, client, 'shadow-gate')
    await recipe.ended()
    await expectShown(shared, 'shadow-gate', recipe)
    const kinds = async (): Promise<string[]> => (await all(answers)).map(m => m.topic.split('/').slice(5).join(' ')).filter(t => /accepted|rejected/.test(t))
    await expect.poll(kinds).toEqual([
      'config update accepted', 'firmware update rejected', 'firmware update accepted', 'location update rejected', 'location update accepted',
    ])
    expect(await versions(other, ['config', 'firmware', 'location'])).toEqual([1, 1, 1])
    // Each attempt came after the answer to the one before it.
    const turns = (await all(answers)).filter(m => /\/update(\/(accepted|rejected))?$/.test(m.topic)).map(m => m.topic.split('/').at(-1)!)
    expect(turns).toEqual(['accepted', 'rejected', 'accepted', 'rejected', 'accepted'].flatMap(answer => ['update', answer]))
    await shared.evaluate(async () => { await Promise.all(window.clients.splice(0).map(c => c.close())) })
  } finally {
    await throttling.stop()
  }
  const recipe = await start(shared, await connected(shared, ownGateway.options), 'shadow-gate')
  await recipe.ended()
  expect(await recipe.lines()).toEqual(['config', 'firmware', 'location'].map(name => `${name}: accepted, attempt 1`))
})

test('3: a message every few seconds, until stopped', async ({ shared, ownGateway, proxied }) => {
  const heard = await listen(await connected(shared, ownGateway.options), 'kiosk/7/heartbeat')
  const { url, proxy } = await proxied(ownGateway.options.endpoint)
  const client = await connected(shared, { ...ownGateway.options, endpoint: url, reconnect: { minDelay: 10, maxDelay: 10 } })
  const recipe = await start(shared, client, 'telemetry')
  const until = (line: RegExp): Promise<void> => expect.poll(async () => (await recipe.lines()).at(-1), { intervals: [10] }).toMatch(line)
  await until(/^1: acknowledged/)
  await proxy.refuse()
  proxy.cut()
  await until(/no link/)
  await proxy.accept()
  await until(/acknowledged/)
  await shared.locator('#stop').click()
  await recipe.ended()
  const steps = await last(client, run => run.steps)
  // The link may be down for longer; the click may come later, and before the last PUBACK.
  const sorted = (lines: string[]): string[] => lines.toSorted((a, b) => parseInt(a) - parseInt(b))
  expect(sorted((await recipe.lines()).slice(0, -1)).map(line => parseInt(line))).toEqual([...steps.keys()])
  await expectShown(shared, 'telemetry', recipe, lines => {
    return [...sorted(lines.slice(0, -1)), ...lines.slice(-1)].map(line => line.replace(/^\d+/, 'n')).filter((line, i, all) => line !== all[i - 1])
  })

  const sent = steps.flatMap(s => s.sentAt ?? [])
  await expect.poll(async () => (await all(heard)).length).toBe(sent.length)
  const planned = steps.map(s => s.plannedAt)
  const start0 = planned[0]
  for (const [i, at] of planned.entries()) {
    expect(at - start0 - i * 500).toBeGreaterThanOrEqual(-50) // the first one's jitter
    expect(at - start0 - i * 500).toBeLessThanOrEqual(50)
  }
  for (const [i, message] of (await all(heard)).entries()) {
    const at = sent[i]
    const payload = JSON.parse(message.text) as { at: number, visible: boolean }
    expect(payload.visible).toBe(true)
    expect(Math.abs(payload.at - at)).toBeLessThan(bound) // not when the run was made
    expect(message.expires).toBeLessThanOrEqual(30)
    expect(message.expires).toBeGreaterThan(20)
  }
})

test('4: a sequence that survives an outage', async ({ shared, ownGateway, proxied }) => {
  const heard = await listen(await connected(shared, ownGateway.options), 'plant/7/valve')
  const { url, proxy } = await proxied(ownGateway.options.endpoint)
  const client = await connected(shared, { ...ownGateway.options, endpoint: url, reconnect: { minDelay: 10, maxDelay: 10 } })
  const recipe = await start(shared, client, 'outage')
  const until = (line: string): Promise<void> => expect.poll(recipe.lines, { intervals: [10] }).toContain(line)
  await until('open: acknowledged')
  proxy.freeze()
  await until('fill: sent')
  await proxy.refuse()
  proxy.cut()
  await until('drain: due')
  expect(await shared.locator('#bar').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(1)
  await proxy.accept()
  await recipe.ended()
  // Which PUBACK comes before the next step is sent is the network's matter.
  await expectShown(shared, 'outage', recipe, lines => ['open', 'fill', 'drain', 'close', 'done'].flatMap(word => lines.filter(line => line.startsWith(word))))
  expect(await shared.locator('#bar').evaluate((bar: HTMLProgressElement) => bar.position)).toBe(1)
  await expect.poll(async () => (await all(heard)).map(m => (JSON.parse(m.text) as { action: string }).action)).toEqual(['open', 'fill', 'drain', 'close'])
  const [, , drain, close] = await all(heard)
  expect(Math.abs(close.at - drain.at - 600)).toBeLessThan(bound)
})

test('4: pausing it', async ({ shared, ownGateway }) => {
  const heard = await listen(await connected(shared, ownGateway.options), 'plant/7/valve')
  const client = await connected(shared, ownGateway.options)
  const recipe = await start(shared, client, 'outage')
  await expect.poll(recipe.lines, { intervals: [10] }).toContain('open: acknowledged')
  const button = shared.locator('#pause')
  await button.click()
  await expect(button).toHaveText('Resume')
  const before = await last(client, run => run.steps)
  const waits = before.findIndex(s => s.state === 'waiting')
  expect(waits).toBeGreaterThan(0)
  await shared.waitForTimeout(800) // past the time of the next step
  expect((await all(heard)).length).toBe(waits)
  await button.click()
  await expect(button).toHaveText('Pause')
  await recipe.ended()
  expect((await recipe.lines()).at(-1)).toBe('done')
  const after = await last(client, run => run.steps)
  const put = after.map((step, i) => step.plannedAt - before[i].plannedAt)
  expect(put.slice(0, waits)).toEqual(Array(waits).fill(0))
  expect(put[waits]).toBeGreaterThanOrEqual(800)
  for (const each of put.slice(waits)) expect(each).toBeCloseTo(put[waits], 3)
})

const lampShadows = ['config', 'firmware', 'location']

/** Clicks on start, and holds the run once its first step was accepted, so that a busy machine does not get further. */
async function begin(page: Page, client: JSHandle<Client>, { lines }: Started): Promise<void> {
  await page.locator('#start').click()
  await client.evaluate(c => {
    const run = c.delayed().at(-1)!
    const hold = (): void => { if (run.steps[0].state === 'accepted') run.pause() }
    run.on('progress', hold)
    hold()
  })
  await expect(page.locator('#start')).toBeDisabled()
  await expect.poll(lines).toEqual(['config: accepted'])
}

test('5: a run that survives a reload', async ({ blank, gateway, ownGateway, shared }) => {
  const other = await connected(shared, ownGateway.options)
  const accepted = await listen(other, '$aws/things/lamp/shadow/name/+/update/accepted')
  const client = await connected(blank, ownGateway.options)
  const before = await start(blank, client, 'reload')
  await before.ended()
  expect(await before.lines()).toEqual([]) // nothing is kept yet
  await begin(blank, client, before)
  await openBlank(blank, gateway.origin) // the same address: a reload
  const after = await start(blank, await connected(blank, ownGateway.options), 'reload')
  await after.ended()
  await expectShown(blank, 'reload', after)
  await expect(blank.locator('#start')).toBeEnabled()
  expect((await all(accepted)).map(m => m.topic.split('/')[5])).toEqual(lampShadows)
  expect(await versions(other, lampShadows)).toEqual([1, 1, 1]) // none was sent twice
  const [, firmware, location] = await all(accepted)
  expect(Math.abs(location.at - firmware.at - 900)).toBeLessThan(bound)

  // It has finished: the next page has nothing to take up.
  await openBlank(blank, gateway.origin)
  const third = await start(blank, await connected(blank, ownGateway.options), 'reload')
  await third.ended()
  expect(await third.lines()).toEqual([])
})

test('5: a second tab stands by, and takes over', async ({ blank, gateway, ownGateway, shared }) => {
  const other = await connected(shared, ownGateway.options)
  const tab = await blank.context().newPage()
  await openBlank(tab, gateway.origin)
  const client = await connected(blank, ownGateway.options)
  const first = await start(blank, client, 'reload')
  await first.ended()
  await begin(blank, client, first)
  const waiting = await connected(tab, ownGateway.options)
  const second = await start(tab, waiting, 'reload')
  await second.ended()
  await expect.poll(() => last(waiting, run => run.state)).toBe('standby')
  expect(await second.lines()).toEqual([])
  await client.evaluate(c => c.close())
  await expectShown(tab, 'reload', second)
  expect(await versions(other, lampShadows)).toEqual([1, 1, 1])
})

test('the timeline shows a run', async ({ shared, ownGateway }) => {
  const recipe = await start(shared, await connected(shared, ownGateway.options), 'timeline')
  await recipe.ended()
  const element = shared.locator('delayed-run')
  await expect(element.locator('[data-step="1"]')).toContainText('test2')
  await expect(element).toContainText('2 of 2 sent')
})

test.describe('the documentation page', () => {
  test('has every recipe tested, and no script', async ({ shared }) => {
    const found = await shared.evaluate(html => {
      const page = new DOMParser().parseFromString(html, 'text/html')
      const names = (key: string): (string | null)[] => [...page.querySelectorAll(`[data-${key}]`)].map(e => e.getAttribute(`data-${key}`))
      return {
        recipes: names('recipe'), outputs: names('output'), scripts: page.querySelectorAll('script, style, [style], [onclick]').length,
        external: [...page.querySelectorAll('[src], [href]')].map(e => e.getAttribute('src') ?? e.getAttribute('href')!).filter(a => /^\w+:|^\/\//.test(a)),
        untested: [...page.querySelectorAll('pre')].filter(pre => !pre.querySelector('[data-recipe], [data-markup], [data-output]')).length,
      }
    }, html)
    expect(found).toEqual({
      recipes: ['smallest', 'spacing', 'shadow-gate', 'telemetry', 'outage', 'reload', 'timeline'],
      outputs: ['smallest', 'spacing', 'shadow-gate', 'telemetry', 'outage', 'reload'], scripts: 0, external: [], untested: 0,
    })
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`fits a narrow screen, ${colorScheme}; its links lead somewhere`, async ({ browser, gateway }) => {
      const page = await browser.newPage({ viewport: { width: 375, height: 800 }, colorScheme })
      try {
        const wrong: string[] = []
        page.on('console', message => wrong.push(message.text()))
        page.on('response', response => { if (!response.ok()) wrong.push(response.url()) })
        await page.goto(`${gateway.origin}/docs/delayed-publish/`)
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375)
        // What scrolls by itself can be scrolled by keyboard, and has a name.
        expect(await page.locator('pre:not([tabindex="0"][aria-label]), .scroll:not([tabindex="0"][aria-label])').count()).toBe(0)
        const broken = await page.evaluate(async () => {
          const broken: string[] = []
          for (const { href } of document.links) {
            const { pathname, hash } = new URL(href)
            const answer = await fetch(pathname)
            const there = new DOMParser().parseFromString(await answer.text(), 'text/html')
            if (!answer.ok || hash && !there.getElementById(decodeURIComponent(hash.slice(1)))) broken.push(href)
          }
          return broken
        })
        expect(broken).toEqual([])
        expect(wrong).toEqual([])
      } finally {
        await page.close()
      }
    })
  }
})
