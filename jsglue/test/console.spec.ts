/** The console page: the preset run, the connection form, the log, and what it says when things fail. */
import { randomUUID } from 'node:crypto'
import type { Page } from '@playwright/test'
import { expect, issued, startGateway, test as base, type Gateway } from './fixtures'

type Visit = (gateway: Gateway, query?: string) => Promise<void>

const test = base.extend<{ visit: Visit, thing: string, said: string[] }>({
  thing: async ({}, use) => { await use(`thing-${randomUUID()}`) },
  /** What the page's console has said. */
  said: async ({ page }, use) => {
    const said: string[] = []
    page.on('console', message => said.push(message.text()))
    await use(said)
  },
  /** Opens the console, and fails the test at an uncaught error. */
  visit: async ({ page }, use) => {
    const uncaught: Error[] = []
    page.on('pageerror', error => uncaught.push(error))
    await use(async (gateway, query = '') => {
      await page.goto(`${gateway.origin}/${query}`)
      await expect(page.locator('html')).toHaveAttribute('data-ready', '')
    })
    expect(uncaught).toEqual([])
  },
})

test.use({ viewport: { width: 1280, height: 900 } })
// Loading the module takes its time on a busy machine.
const slow = { timeout: 30_000 }

async function connect(page: Page): Promise<void> {
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
}

async function subscribe(page: Page, filter: string, qos = '0'): Promise<void> {
  await page.locator('#filter').fill(filter)
  await page.locator('#filter-qos').selectOption(qos)
  await page.locator('#subscribe').click()
  for (const each of filter.split(',')) {
    await expect(page.locator(`#subscriptions [data-filter="${each.trim()}"]`)).toHaveAttribute('data-state', 'granted')
  }
}

async function publish(page: Page, topic: string, payload: string, qos = '0'): Promise<void> {
  await page.locator('#publish-topic').fill(topic)
  await page.locator('#publish-payload').fill(payload)
  await page.locator('#publish-qos').selectOption(qos)
  await page.locator('#publish').click()
}

/** Writes these steps into the editor and starts them. */
async function runSteps(page: Page, steps: { topic: string, delay: number, qos: string }[]): Promise<void> {
  const rows = page.locator('#step-rows tr')
  while (await rows.count() < steps.length) await page.locator('#step-add').click()
  for (const [index, step] of steps.entries()) {
    for (const [column, value] of [['topic', step.topic], ['payload', `step ${index}`], ['delay', String(step.delay)]] as const) {
      await rows.nth(index).locator(`[data-column="${column}"]`).fill(value)
    }
    await rows.nth(index).locator('[data-column="qos"]').selectOption(step.qos)
  }
  await page.locator('#delayed-run').click()
}

for (const worker of [true, false]) {
  test(`the preset creates two named shadows, ${worker ? 'in a Worker' : "on the page's thread"}`, async ({ page, gateway, visit, thing }) => {
    await visit(gateway, worker ? '' : '?worker=false')
    expect(await page.locator('#endpoint').inputValue()).toBe(gateway.options.endpoint)
    await page.locator('#thing-name').fill(thing)
    await page.locator('#preset-run').click()

    const run = page.locator('#runs [data-run]')
    await expect(run).toHaveAttribute('data-state', 'finished', slow)
    for (const index of [0, 1]) {
      const step = run.locator(`[data-step="${index}"]`)
      await expect(step).toHaveAttribute('data-state', 'accepted')
      // Behind the gate the second step is planned for its delay all the same: the first answer comes long before.
      await expect(step).toHaveAccessibleName(new RegExp(`planned at \\+${index + 1}\\.\\d+ s, sent `))
      const [late] = /[\d.]+(?= ms| s$)/.exec(await step.locator('.deviation').innerText()) ?? []
      expect(Number(late)).toBeLessThan(700)
      const topic = `$aws/things/${thing}/shadow/name/test${index + 1}/update`
      await expect(page.locator(`#subscriptions [data-filter="${topic}/accepted"]`)).toHaveAttribute('data-count', '1')
      await expect(page.locator(`#log [data-topic="${topic}"][data-direction="sent"]`)).toContainText('accepted')
      const answer = page.locator(`#log [data-topic="${topic}/accepted"][data-direction="received"] .payload[data-kind="json"]`)
      expect(JSON.parse(await answer.innerText())).toMatchObject({ state: { reported: {} }, version: 1 })
    }
    await expect(run).toContainText('2 of 2 sent, 2 accepted')
    await expect(page.locator('[data-fact="worker"] dd')).toHaveText(worker ? 'a Worker' : 'the page’s thread')
    expect(page.workers()).toHaveLength(worker ? 1 : 0)
  })
}

const refused = [
  { what: 'a wrong secret', input: 'secret-access-key', value: 'wrong', code: 'handshake-failed', focus: 'secret-access-key', hint: /secret access key/ },
  { what: 'a wrong region', input: 'region', value: 'eu-west-9', code: 'handshake-failed', focus: 'secret-access-key', hint: /eu-west-9/ },
  { what: 'a malformed endpoint', input: 'endpoint', value: 'no endpoint at all', code: 'invalid-argument', focus: 'endpoint', hint: /amazonaws\.com/ },
  { what: 'ws: to a foreign host', input: 'endpoint', value: 'ws://example.com', code: 'invalid-argument', focus: 'endpoint', hint: /wss/ },
  { what: 'no secret', input: 'secret-access-key', value: '', code: 'invalid-argument', focus: 'secret-access-key', hint: /./ },
  { what: 'a keep alive out of range', input: 'keep-alive', value: '70000', code: 'invalid-argument', focus: 'keep-alive', hint: /./ },
]

test('a refused connection shows the error, its hint and its field', async ({ page, gateway, visit }) => {
  await visit(gateway)
  await page.locator('#advanced summary').click()
  for (const { what, input, value, code, focus, hint } of refused) {
    await test.step(what, async () => {
      const field = page.locator(`#${input}`)
      const right = await field.inputValue()
      await field.fill(value)
      await page.locator('#advanced').evaluate(details => { (details as HTMLDetailsElement).open = false })
      await page.locator('#connect').click()
      const error = page.locator('#error')
      await expect(error).toHaveAttribute('data-code', code, slow)
      await expect(error).toBeVisible()
      await expect(error).toContainText(hint)
      expect((await error.innerText()).length).toBeGreaterThan(code.length)
      await expect(page.locator(`#${focus}`)).toBeFocused()
      await expect(page.locator(`#${focus}`)).toHaveAttribute('aria-invalid', 'true')
      await expect(page.locator('#state')).toHaveAttribute('data-state', 'closed')
      await expect(page.locator('#state')).toHaveAttribute('data-failed', 'true')
      await page.locator('#advanced').evaluate(details => { (details as HTMLDetailsElement).open = true })
      await field.fill(right)
    })
  }
  await test.step('the preset says where to look when it cannot connect', async () => {
    const secret = page.locator('#secret-access-key')
    const right = await secret.inputValue()
    await secret.fill('wrong')
    await page.locator('#preset-run').click()
    await expect(page.locator('#delayed-progress')).toContainText('Connection', slow)
    await expect(page.locator('#error')).toHaveAttribute('data-code', 'handshake-failed')
    await expect(page.locator('#runs [data-run]')).toHaveCount(0)
    await expect(page.locator('#preset-run')).toHaveAttribute('aria-disabled', 'false')
    await secret.fill(right)
  })
  await connect(page)
  await expect(page.locator('#error')).toBeHidden()
  expect(await page.locator('[aria-invalid]').count()).toBe(0)
})

test('subscribes, publishes and shows the messages', async ({ page, gateway, visit, topic }) => {
  await visit(gateway)
  await connect(page)
  await subscribe(page, `${topic}/#, other/${topic}/+`, '1')
  const entry = (name: string, direction: string): ReturnType<Page['locator']> => page.locator(`#log [data-topic="${name}"][data-direction="${direction}"]`)

  await publish(page, `${topic}/json`, '{"big":12345678901234567890}', '1')
  await expect(entry(`${topic}/json`, 'received').locator('[data-kind="json"]')).toHaveText('{ "big": 12345678901234567890 }')
  await expect(entry(`${topic}/json`, 'sent')).toContainText('PUBACK 0x00 Success')
  await expect(page.locator('#publish-result')).toContainText('PUBACK 0x00')
  await publish(page, `other/${topic}/text`, '<b>text</b> é')
  await expect(entry(`other/${topic}/text`, 'received').locator('[data-kind="text"]')).toHaveText('<b>text</b> é')
  await publish(page, `${topic}/none`, '')
  await expect(entry(`${topic}/none`, 'received')).toContainText('empty payload')
  await expect(page.locator(`[data-filter="${topic}/#"]`)).toHaveAttribute('data-count', '2')
  await expect(page.locator('#log-count')).toHaveText('6')

  await test.step('filters, pauses and clears the log', async () => {
    await page.locator('#log-direction').selectOption('received')
    await expect(page.locator('#log > li')).toHaveCount(3)
    await page.locator('#log-filter').fill('BIG')
    await expect(page.locator('#log > li')).toHaveCount(1)
    await page.locator('#log-filter').fill('')
    await page.locator('#log-direction').selectOption('all')
    await page.locator(`[data-filter="other/${topic}/+"] .subscription-select`).click()
    await expect(page.locator('#log > li')).toHaveCount(2)
    await page.locator('#log-subscription').click()
    await expect(page.locator('#log > li')).toHaveCount(6)
    await page.locator('#log-pause').click()
    await publish(page, `${topic}/paused`, 'x')
    await expect(page.locator('#log-count')).toContainText('paused, 2 new')
    await expect(page.locator('#log > li')).toHaveCount(6)
    await page.locator('#log-pause').click()
    await expect(page.locator('#log > li')).toHaveCount(8)
    await page.locator('#log-clear').click()
    await expect(page.locator('#log > li')).toHaveCount(0)
    await expect(page.locator('#log-empty')).toBeVisible()
  })

  await test.step('names a filter, a topic and a delay that are wrong', async () => {
    await page.locator('#filter').fill('a/#/b')
    await page.locator('#subscribe').click()
    await expect(page.locator('#subscribe-error')).toHaveAttribute('data-code', 'invalid-argument')
    await expect(page.locator('#filter')).toBeFocused()
    await publish(page, 'a/+', 'x')
    await expect(page.locator('#publish-error')).toHaveAttribute('data-code', 'invalid-argument')
    await expect(page.locator('#publish-topic')).toBeFocused()
    await runSteps(page, [{ topic: `${topic}/a`, delay: 0, qos: '0' }, { topic: `${topic}/b`, delay: -1, qos: '0' }])
    await expect(page.locator('#delayed-error')).toHaveAttribute('data-field', 'steps[1].delay')
    await expect(page.locator('#step-rows tr').nth(1).locator('[data-column="delay"]')).toBeFocused()
    await expect(page.locator('#runs [data-run]')).toHaveCount(0)
  })

  await page.locator(`[data-filter="${topic}/#"]`).getByRole('button', { name: 'Unsubscribe' }).click()
  await expect(page.locator(`[data-filter="${topic}/#"]`)).toHaveCount(0)
  await publish(page, `${topic}/unheard`, 'x', '1')
  await expect(page.locator('#publish-result')).toContainText('PUBACK')
  await publish(page, `other/${topic}/heard`, 'x')
  await expect(entry(`other/${topic}/heard`, 'received')).toBeVisible()
  await expect(entry(`${topic}/unheard`, 'received')).toHaveCount(0)

  await page.locator('#disconnect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'closed')
  await expect(page.locator('#state')).not.toHaveAttribute('data-failed')
  await expect(page.locator(`[data-filter="other/${topic}/+"]`)).toHaveAttribute('data-state', 'ended')
  await expect(page.locator('#publish')).toBeDisabled()
})

test('cancels a step, then the rest of the run', async ({ page, gateway, visit, topic }) => {
  await visit(gateway, '?worker=false')
  await connect(page)
  await runSteps(page, [0, 600_000, 600_000].map((delay, index) => ({ topic: `${topic}/${index}`, delay, qos: '1' })))
  const step = (index: number): ReturnType<Page['locator']> => page.locator(`#runs [data-step="${index}"]`)
  await expect(step(0)).toHaveAttribute('data-state', 'acknowledged')
  await step(1).getByRole('button').click()
  await expect(step(1)).toHaveAttribute('data-state', 'cancelled')
  await expect(step(2)).toHaveAttribute('data-state', 'waiting')
  await expect(page.locator('#runs [data-run]')).toHaveAttribute('data-state', 'running')
  await page.getByRole('button', { name: 'Cancel run' }).click()
  await expect(step(2)).toHaveAttribute('data-state', 'cancelled')
  await expect(page.locator('#runs [data-run]')).toHaveAttribute('data-state', 'finished')
  await expect(page.locator('#runs [data-run]')).toContainText('1 of 3 sent')
})

test('comes back when the gateway does', async ({ page, ownGateway, program, visit, topic }) => {
  await visit(ownGateway)
  await connect(page)
  await subscribe(page, `${topic}/#`)
  await runSteps(page, [{ topic: `${topic}/late`, delay: 1000, qos: '1' }])
  await ownGateway.stop('SIGKILL')
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'reconnecting', slow)
  await expect(page.locator('#error')).toBeVisible()
  const again = await startGateway(program, { port: Number(new URL(ownGateway.origin).port) })
  try {
    await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
    await expect(page.locator('#error')).toBeHidden()
    await expect(page.locator('#runs [data-step="0"]')).toHaveAttribute('data-state', 'acknowledged', slow)
    await expect(page.locator(`[data-filter="${topic}/#"]`)).toHaveAttribute('data-state', 'granted')
  } finally {
    await page.locator('#disconnect').click()
    await again.stop()
  }
})

test('reports every step when the gateway is killed', async ({ page, ownGateway, visit, topic }) => {
  await visit(ownGateway)
  await page.locator('#advanced > summary').click()
  await page.locator('#reconnect').uncheck()
  await connect(page)
  await subscribe(page, `${topic}/#`)
  await runSteps(page, [0, 600_000, 601_000].map((delay, index) => ({ topic: `${topic}/${index}`, delay, qos: '1' })))
  await expect(page.locator('#runs [data-step="0"]')).toHaveAttribute('data-state', 'acknowledged')
  await ownGateway.stop('SIGKILL')

  await expect(page.locator('#state')).toHaveAttribute('data-failed', 'true', slow)
  await expect(page.locator('#runs [data-run]')).toHaveAttribute('data-state', 'finished')
  await expect(page.locator('#runs [data-step="0"]')).toHaveAttribute('data-state', 'acknowledged')
  for (const index of [1, 2]) {
    const step = page.locator(`#runs [data-step="${index}"]`)
    await expect(step).toHaveAttribute('data-state', 'failed')
    await expect(step.locator('.deviation')).toBeEmpty()
    await expect(step.locator('.error')).toContainText(/\w/)
  }
  await expect(page.locator('#runs [data-run]')).toContainText('1 of 3 sent')
  await expect(page.locator('#error')).toHaveAttribute('data-code', 'transport-closed')
  await expect(page.locator(`[data-filter="${topic}/#"]`)).toHaveAttribute('data-state', 'ended')
  await expect(page.locator('#connect')).toHaveAttribute('aria-disabled', 'false')
})

test('keeps secrets out of the page, its address, its storage and the console', async ({ page, gateway, visit, thing, said, secrets }) => {
  const { accessKeyId, secretAccessKey, sessionToken: token } = await issued(gateway)
  await visit(gateway)
  await page.locator('#access-key-id').fill(accessKeyId)
  await page.locator('#secret-access-key').fill(secretAccessKey)
  await page.locator('#session-token').fill(token)
  await page.locator('#thing-name').fill(thing)
  await page.locator('#preset-run').click()
  await expect(page.locator('#runs [data-step="0"]')).toHaveAttribute('data-state', 'accepted', slow)
  const traces = (): Promise<string> => page.evaluate(async () => JSON.stringify([
    location.href, document.title, document.documentElement.outerHTML, document.body.innerText, document.cookie, history.state,
    { ...localStorage }, { ...sessionStorage }, (await indexedDB.databases()).length, await caches.keys(),
    performance.getEntries().map(entry => entry.name),
  ]))
  const before = await traces()
  await page.locator('#disconnect').click()
  await page.locator('#region').evaluate(region => { (region as HTMLInputElement).closest('details')!.open = true })
  await page.locator('#region').fill('eu-west-9')
  await page.locator('#connect').click()
  await expect(page.locator('#error')).toHaveAttribute('data-code', 'handshake-failed', slow)
  const all = [before, await traces(), ...said].join('\n')
  for (const secret of [...secrets, secretAccessKey, token]) expect(all).not.toContain(secret)
  expect(page.url()).toBe(`${gateway.origin}/`)
  expect(JSON.parse(before).slice(6, 10)).toEqual([{}, {}, 0, []])
})

test('a whole visit by keyboard alone', async ({ page, gateway, visit, topic, thing }) => {
  await visit(gateway)
  const tabTo = async (id: string): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab')
      const at = await page.evaluate(() => {
        const active = document.activeElement as HTMLElement
        const { outlineStyle } = getComputedStyle(active)
        const { top, bottom } = active.getBoundingClientRect()
        // What the focus is on shows it, and lies in view.
        return { id: active.id, outlined: outlineStyle !== 'none', inView: bottom > 0 && top < innerHeight }
      })
      if (at.id === '') continue
      expect(at).toMatchObject({ outlined: true, inView: true })
      if (at.id === id) return
    }
    throw new Error(`Tab does not lead to #${id}`)
  }
  await tabTo('connect')
  await page.keyboard.press('Enter')
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  await expect(page.locator('#connect')).toBeFocused()
  await tabTo('filter')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type(`${topic}/#`)
  await page.keyboard.press('Enter')
  await expect(page.locator(`[data-filter="${topic}/#"]`)).toHaveAttribute('data-state', 'granted')
  await tabTo('publish-topic')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type(`${topic}/typed`)
  await tabTo('publish-payload')
  await page.keyboard.press('ControlOrMeta+Enter')
  await expect(page.locator(`#log [data-topic="${topic}/typed"][data-direction="received"]`)).toBeVisible()
  await tabTo('thing-name')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type(thing)
  await tabTo('preset-run')
  await page.keyboard.press('Space')
  await expect(page.locator('#runs [data-step="0"]')).toHaveAttribute('data-state', 'accepted')
  await expect(page.locator('#preset-run')).toBeFocused()
  await page.keyboard.down('Shift')
  await tabTo('disconnect')
  await page.keyboard.up('Shift')
  await page.keyboard.press('Enter')
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'closed')
  await expect(page.locator('#disconnect')).toBeFocused()
})

test('a narrow screen needs no sideways scrolling', async ({ page, gateway, visit, thing }) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await visit(gateway)
  const fits = async (): Promise<void> => {
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 740 })
      const outside = await page.evaluate(() => [...document.querySelectorAll('body *')].filter(each => {
        if (!each.checkVisibility() || each.closest('.visually-hidden, thead')) return false
        const { left, right } = each.getBoundingClientRect()
        return left < 0 || right > innerWidth + 0.5
      }).map(each => each.id || each.className || each.tagName))
      expect(outside, `at ${width}`).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
  }
  await fits()
  await page.setViewportSize({ width: 360, height: 740 })
  await page.locator('#secret-access-key').fill('wrong')
  await page.locator('#connect').click()
  await expect(page.locator('#error')).toHaveAttribute('data-code', 'handshake-failed', slow)
  await expect(page.locator('.error-message')).toBeInViewport({ ratio: 1 })
  await expect(page.locator('.error-hint')).toBeInViewport({ ratio: 1 })
  await fits()
  await page.locator('#secret-access-key').fill(gateway.options.credentials.secretAccessKey)
  await page.locator('#thing-name').fill(thing)
  await page.locator('#preset-run').click()
  await expect(page.locator('#runs [data-run]')).toHaveAttribute('data-state', 'finished', slow)
  await page.locator('#runs [data-run]').scrollIntoViewIfNeeded() // it draws nothing out of sight
  await expect(page.locator('#runs [data-step="1"]')).toHaveAttribute('data-state', 'accepted')
  await expect(page.locator('#log > li')).toHaveCount(4)
  await fits()
  await expect(page.locator('#runs [data-step="1"] .deviation')).toBeVisible()
})

test('talks to any MQTT 5 broker', async ({ page, gateway, mosquitto, visit, topic }) => {
  await visit(gateway)
  await page.locator('#server-url').check()
  await expect(page.locator('#endpoint')).toBeHidden()
  await page.locator('#url').fill('no url at all')
  await page.locator('#connect').click()
  await expect(page.locator('#error')).toHaveAttribute('data-field', 'url', slow)
  await expect(page.locator('#url')).toBeFocused()
  await page.locator('#url').fill(mosquitto)
  await connect(page)
  await expect(page.locator('[data-fact="maximum-qos"] dd')).toHaveText('2')
  await subscribe(page, `${topic}/#`, '2')
  await publish(page, `${topic}/twice`, 'exactly once', '2')
  await expect(page.locator('#publish-result')).toContainText('PUBCOMP 0x00')
  await expect(page.locator(`#log [data-topic="${topic}/twice"][data-direction="received"]`)).toContainText('QoS 2')
  await runSteps(page, [{ topic: `${topic}/later`, delay: 50, qos: '1' }, { topic: `${topic}/last`, delay: 100, qos: '2' }])
  await expect(page.locator('#runs [data-run]')).toHaveAttribute('data-state', 'finished')
  for (const index of [0, 1]) await expect(page.locator(`#runs [data-step="${index}"]`)).toHaveAttribute('data-state', 'acknowledged')
  await expect(page.locator(`#log [data-topic="${topic}/last"][data-direction="received"]`)).toContainText('step 1')
})
