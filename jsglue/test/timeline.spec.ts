/** `<delayed-run>`: what it shows of a run, how it is used by keyboard and heard, and what it costs. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test as base, type Locator, type Page } from '@playwright/test'
import type { DelayedRun, DelayedState } from '../src/types'
import type { DelayedRunElement } from '../src/timeline/types'
import { defineFakeRun, type FakeRun, type StepChange } from './fake-run'

declare global {
  interface Window {
    run: FakeRun
    /** What the test's page has counted. */
    counted: number
  }
}

const origin = 'https://timeline.test'
const bundle = readFileSync(fileURLToPath(new URL('../dist/delayed-run.js', import.meta.url)), 'utf8')

/** A page under a strict policy, with one element that has no run yet. */
const test = base.extend<{ element: Locator }>({
  element: async ({ page }, use) => {
    const wrong: string[] = []
    page.on('pageerror', error => wrong.push(error.message))
    page.on('console', message => wrong.push(message.text()))
    await page.route(`${origin}/**`, route => {
      const js = new URL(route.request().url()).pathname === '/delayed-run.js'
      return js ? route.fulfill({ contentType: 'text/javascript', body: bundle }) : route.fulfill({
        contentType: 'text/html',
        headers: { 'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; require-trusted-types-for 'script'" },
        body: '<!doctype html><meta name="color-scheme" content="light dark"><delayed-run></delayed-run><script type="module" src="/delayed-run.js"></script>',
      })
    })
    await page.goto(origin)
    await page.evaluate(defineFakeRun)
    await use(page.locator('delayed-run'))
    expect(wrong).toEqual([])
  },
})

test.use({ viewport: { width: 1000, height: 700 } })

type RunOptions = Parameters<Window['fakeRun']>[1]

/** Shows a new run, with its times counted from its start to the millisecond. */
async function show(page: Page, count: number, options?: RunOptions): Promise<void> {
  await page.evaluate(([count, options]) => {
    window.run = window.fakeRun(count, options)
    const element = document.querySelector('delayed-run')!
    element.run = window.run
    element.origin = window.run.steps[0].plannedAt - (options?.start ?? options?.spacing ?? 1000)
  }, [count, options] as const)
}

/** Changes a step; times are ms from its planned time. */
async function change(page: Page, index: number, { sentAt, acknowledgedAt, ...rest }: StepChange): Promise<void> {
  await page.evaluate(([index, rest, sentAt, acknowledgedAt]) => {
    const { plannedAt } = window.run.steps.find(s => s.index === index)!
    window.run.change(index, {
      ...rest,
      ...(sentAt !== undefined && { sentAt: plannedAt + sentAt }),
      ...(acknowledgedAt !== undefined && { acknowledgedAt: plannedAt + acknowledgedAt }),
    })
  }, [index, rest, sentAt, acknowledgedAt] as const)
}

const finish = (page: Page): Promise<void> => page.evaluate(() => {
  window.run.state = 'finished'
  window.run.change(window.run.steps.at(-1)!.index, {})
})

const calls = (page: Page): Promise<readonly string[]> => page.evaluate(() => window.run.calls)
const row = (element: Locator, index: number): Locator => element.locator(`[data-step="${index}"]`)

/** Left end of a mark, in px. */
async function x(mark: Locator): Promise<number> {
  return Number(/translate\(([\d.-]+)/.exec(await mark.getAttribute('transform') ?? '')?.[1])
}

test('each state has a shape and a word of its own', async ({ page, element }) => {
  const states: DelayedState[] = ['waiting', 'due', 'sent', 'acknowledged', 'accepted', 'rejected', 'failed', 'skipped', 'cancelled']
  await page.evaluate(() => document.querySelector('delayed-run')!.style.setProperty('--delayed-run-max-height', '50rem'))
  await show(page, states.length)
  for (const [index, state] of states.entries()) {
    const sent = ['sent', 'acknowledged', 'accepted', 'rejected'].includes(state)
    await change(page, index, { state, ...sent && { sentAt: 2 }, ...(state === 'failed' || state === 'rejected') && { error: { message: `why it ${state}` } } })
  }
  const shapes = new Set<string | null>()
  for (const [index, state] of states.entries()) {
    const each = row(element, index)
    await expect(each).toHaveAttribute('data-state', state)
    await expect(each.locator('.state-name')).toHaveText(state)
    const shape = await each.locator('.state-name path').getAttribute('d')
    // What waits has its plan alone on the time line.
    expect(await each.locator('.mark').getAttribute('d')).toBe(state === 'waiting' ? null : shape)
    shapes.add(shape)
    await expect(element.locator('.legend li', { hasText: new RegExp(`^${state}$`) }).locator('path')).toHaveAttribute('d', shape!)
  }
  expect(shapes.size).toBe(states.length)
  await expect(row(element, 6).locator('.error')).toHaveText('why it failed')
  await expect(element.locator('.summary')).toHaveText('4 of 9 sent, 1 accepted, 1 rejected, 1 failed, 1 skipped, 1 cancelled')
})

test('a row says where its step is, to the eye and to the ear', async ({ page, element }) => {
  await show(page, 3, { spacing: 1000 })
  const second = row(element, 1)
  await expect(element.getByRole('row', { name: 'Step 2 of 3, shadow test2 update, waiting, planned at +2.000 s' })).toBeVisible()
  await change(page, 1, { state: 'acknowledged', attempts: 1, sentAt: 200, acknowledgedAt: 500 })
  await expect(element.getByRole('row', { name: 'Step 2 of 3, shadow test2 update, acknowledged, planned at +2.000 s, sent 200 ms late' })).toBeVisible()
  await expect(second.locator('.deviation')).toHaveText('+200 ms')
  await expect(second.locator('.topic')).toHaveAttribute('title', '$aws/things/lamp/shadow/name/test2/update')

  const planned = await x(second.locator('.planned')), actual = await x(second.locator('.mark'))
  const third = await x(row(element, 2).locator('.planned'))
  // Seconds are 1000 ms apart, 200 ms are a fifth of that.
  expect(actual - planned).toBeCloseTo((third - planned) / 5, 0)
  await expect(second.locator('.way').first()).toHaveAttribute('d', `M${planned} 0H${actual}`)
  expect(await second.locator('.answer').getAttribute('d')).toMatch(new RegExp(`^M${actual} 0H`))
  await expect(element.getByRole('grid')).toHaveAttribute('aria-rowcount', '4')
  await expect(second).toHaveAttribute('aria-rowindex', '3')
})

test('the present time moves while the run is under way, and then stops', async ({ page, element }) => {
  await show(page, 2, { spacing: 3000 })
  const now = element.locator('.now')
  const place = (): Promise<number> => now.evaluate(line => Number.parseFloat((line as HTMLElement).style.left))
  await expect(now).toBeVisible()
  const first = await place()
  await expect.poll(place).toBeGreaterThan(first + 5)
  for (const index of [0, 1]) await change(page, index, { state: 'sent', sentAt: 1 })
  await finish(page)
  await expect(now).toBeHidden()
  await expect(element.locator('.head')).toContainText('Finished')
  await expect(element.getByRole('button', { name: /Pause|Cancel/ })).toHaveCount(0)
  // Nothing is drawn any more.
  const frames = await page.evaluate(async () => {
    const request = window.requestAnimationFrame
    let frames = 0
    window.requestAnimationFrame = callback => { frames++; return request(callback) }
    await new Promise(resolve => setTimeout(resolve, 1500))
    window.requestAnimationFrame = request
    return frames
  })
  expect(frames).toBe(0)
})

test('the time axis goes on where a run takes longer than planned', async ({ page, element }) => {
  await show(page, 2, { spacing: 100 })
  await page.waitForTimeout(1500)
  const now = await element.locator('.now').evaluate(line => Number.parseFloat((line as HTMLElement).style.left))
  expect(now).toBeGreaterThan(await x(row(element, 1).locator('.planned')) + 50)
  await expect(element.locator('.now')).toBeVisible()
})

test('buttons cancel, pause and resume', async ({ page, element }) => {
  await show(page, 3)
  await element.getByRole('button', { name: 'Pause' }).click()
  await expect(element.locator('.head')).toContainText('Paused')
  await element.getByRole('button', { name: 'Resume' }).click()
  await expect(element.locator('.head')).toContainText('Running')
  await change(page, 0, { state: 'sent', sentAt: 1 })
  await expect(element.getByRole('button', { name: 'Cancel step 1' })).toHaveCount(0)
  await element.getByRole('button', { name: 'Cancel step 2' }).click()
  await element.getByRole('button', { name: 'Cancel run' }).click()
  expect(await calls(page)).toEqual(['pause', 'resume', 'cancel 1', 'cancel'])

  for (const button of await element.getByRole('button').all()) {
    const box = (await button.boundingBox())!
    expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(24)
  }
  await page.evaluate(() => document.querySelector('delayed-run')!.setAttribute('no-controls', ''))
  await expect(element.getByRole('button')).toHaveCount(0)
  await row(element, 2).focus()
  await page.keyboard.press('Delete')
  expect(await calls(page)).toHaveLength(4)
  await page.evaluate(() => document.querySelector('delayed-run')!.setAttribute('no-legend', ''))
  await expect(element.locator('.legend')).toBeHidden()
})

test('a state that the run took without the element shows too', async ({ page, element }) => {
  await show(page, 2, { spacing: 10_000 })
  await expect(element.locator('.head')).toContainText('Running')
  await page.evaluate(() => { window.run.state = 'paused' })
  await expect(element.getByRole('button', { name: 'Resume' })).toBeVisible()
  await page.evaluate(() => { window.run.state = 'standby' })
  await expect(element.locator('.head')).toContainText('Standby')
  await expect(element.getByRole('button', { name: /Pause|Resume/ })).toHaveCount(0)
})

test('a keyboard reaches every row', async ({ page, element }) => {
  await show(page, 500)
  await expect(row(element, 0)).toBeVisible()
  await page.evaluate(() => {
    document.addEventListener('step-select', event => { window.counted = event.detail.index })
  })
  const focused = (): Promise<number> => element.evaluate(host => Number(host.shadowRoot!.activeElement?.getAttribute('data-step') ?? -1))
  const press = async (key: string, index: number): Promise<void> => {
    await page.keyboard.press(key)
    expect(await focused()).toBe(index)
    await expect(row(element, index)).toBeInViewport({ ratio: 0.9 })
  }
  // The buttons of the run come before.
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await press('Tab', 0)
  await press('ArrowDown', 1)
  await press('ArrowUp', 0)
  await press('ArrowUp', 0)
  await press('End', 499)
  await press('ArrowUp', 498)
  await press('Home', 0)
  await page.keyboard.press('PageDown')
  expect(await focused()).toBeGreaterThan(3)
  await press('PageUp', 0)
  await press('ArrowDown', 1)
  await expect(element.locator('[role=row][tabindex="0"]')).toHaveCount(1)

  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => window.counted)).toBe(1)
  await expect(row(element, 1)).toHaveAttribute('aria-selected', 'true')
  await expect(element.locator('.details')).toContainText('$aws/things/lamp/shadow/name/test2/update')
  await page.keyboard.press('Escape')
  await expect(element.locator('.details')).toBeHidden()

  await page.keyboard.press('Delete')
  await press('ArrowDown', 2)
  // The row's own button follows it.
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(await calls(page)).toEqual(['cancel 1', 'cancel 2'])
  // The focus stays in the row when its button goes.
  await change(page, 2, { state: 'cancelled' })
  await expect.poll(focused).toBe(2)

  // A row that is scrolled away keeps the focus.
  await element.locator('.grid').evaluate(grid => { grid.scrollTop = 8000 })
  await expect(row(element, 200)).toBeVisible()
  expect(await focused()).toBe(2)
  await press('ArrowDown', 3)
})

test('a click shows all that is known of a step', async ({ page, element }) => {
  await show(page, 3)
  await change(page, 0, { state: 'failed', attempts: 2, sentAt: 12, interrupted: true, error: { message: 'No acknowledgement.', hint: 'Look at the policy.' } })
  await row(element, 0).click()
  for (const text of ['+1.012 s', '+12 ms', '2, link lost before the acknowledgement', 'No acknowledgement. Look at the policy.']) {
    await expect(element.locator('.details')).toContainText(text)
  }
  await change(page, 0, { attempts: 3 })
  await expect(element.locator('.details')).toContainText('3, link')
  await row(element, 0).click()
  await expect(element.locator('.details')).toBeHidden()
})

test('a live region speaks of the beginning, failures and the end, once a second at most', async ({ page, element }) => {
  const region = element.getByRole('status')
  const heard = await region.evaluateHandle(node => {
    const heard: { text: string, at: number }[] = []
    new MutationObserver(() => { if (node.textContent) heard.push({ text: node.textContent, at: performance.now() }) }).observe(node, { childList: true })
    return heard
  })
  await show(page, 4, { id: 7 })
  await expect(region).toHaveText('Run 7 running, 4 steps')
  await change(page, 0, { state: 'failed', error: { message: 'no link' } })
  await expect(region).toHaveText('Step 1 failed: no link')
  await change(page, 1, { state: 'rejected', error: { message: '409' } })
  await change(page, 2, { state: 'failed' })
  await change(page, 3, { state: 'sent', sentAt: 1 })
  await finish(page)
  await expect(region).toHaveText('2 steps failed. Step 2 rejected: 409. Run 7 finished: 1 of 4 sent, 1 rejected, 2 failed')
  const texts = await heard.jsonValue()
  expect(texts).toHaveLength(3)
  for (const [i, { at }] of texts.entries()) if (i) expect(at - texts[i - 1].at).toBeGreaterThan(950)
})

test('a run that is over shows how it ended, and is not announced', async ({ page, element }) => {
  await page.evaluate(() => {
    window.run = window.fakeRun(2, { start: -5000 })
    for (const { index, plannedAt } of window.run.steps) window.run.change(index, { state: 'acknowledged', sentAt: plannedAt + 1, acknowledgedAt: plannedAt + 30 })
    window.run.state = 'finished'
    document.querySelector('delayed-run')!.run = window.run
  })
  await expect(element.locator('.head')).toContainText('Finished')
  await expect(element.locator('.head')).toContainText('2 of 2 sent')
  await expect(row(element, 0)).toHaveAttribute('aria-label', /planned at 0 s/)
  await page.waitForTimeout(500)
  await expect(element.getByRole('status')).toBeEmpty()
})

test('ten thousand steps cost little', async ({ page, element }) => {
  await show(page, 10_000, { spacing: 10 })
  await expect(row(element, 0)).toBeVisible()
  await expect(element.getByRole('grid')).toHaveAttribute('aria-rowcount', '10001')
  const { handling, drawing } = await page.evaluate(async () => {
    const { steps } = window.run
    const begin = performance.now()
    // What the fake itself does in `change` grows with the number of steps.
    const changed = steps.map(s => ({ ...s, state: 'failed' as const, sentAt: s.plannedAt + 3, deviation: 3 }))
    Object.defineProperty(window.run, 'steps', { value: changed })
    const handled = performance.now()
    for (const step of changed) window.run.report(step)
    const handling = performance.now() - handled
    await new Promise(requestAnimationFrame)
    await new Promise(resolve => setTimeout(resolve))
    return { handling, drawing: performance.now() - begin - handling }
  })
  expect(handling).toBeLessThan(100)
  expect(drawing).toBeLessThan(500)
  await expect(element.locator('.summary')).toHaveText('10000 of 10000 sent, 10000 failed')
  await expect(element.getByRole('status')).toContainText('10000 steps failed')
  const nodes = (): Promise<number> => element.evaluate(host => host.shadowRoot!.querySelectorAll('*').length)
  for (const top of [0, 1000, 200_000, 1e6, 5]) {
    await element.locator('.grid').evaluate((grid, top) => { grid.scrollTop = top }, top)
    await page.waitForTimeout(100)
    expect(await nodes()).toBeLessThan(500)
    const rows = element.locator('.body > [role=row]')
    const order = await rows.evaluateAll(rows => rows.map(r => Number(r.getAttribute('aria-rowindex'))))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
  await element.locator('.grid').evaluate(grid => { grid.scrollTop = 1e6 })
  await expect(row(element, 9999)).toBeInViewport()
})

test('it follows a long run until someone scrolls away', async ({ page, element }) => {
  await show(page, 300, { spacing: 100 })
  const sendAll = (from: number, to: number): Promise<void> => page.evaluate(([from, to]) => {
    for (let i = from; i < to; i++) window.run.change(i, { state: 'sent', sentAt: Date.now() })
  }, [from, to] as const)
  await sendAll(0, 100)
  await expect(row(element, 100)).toBeInViewport()
  await element.locator('.grid').evaluate(grid => { grid.scrollTop = 0 })
  await expect(row(element, 0)).toBeInViewport()
  await sendAll(100, 200)
  await page.waitForTimeout(100)
  await expect(row(element, 0)).toBeInViewport()
})

test('repetitions append, and the oldest may go', async ({ page, element }) => {
  await show(page, 1, { topic: 'lamp/set', spacing: 100 })
  await page.evaluate(() => {
    for (let i = 0; i < 60; i++) {
      window.run.change(i, { state: 'sent', sentAt: Date.now() })
      window.run.change(i + 1, {})
    }
  })
  await expect(element.getByRole('grid')).toHaveAttribute('aria-rowcount', '62')
  await element.locator('.grid').evaluate(grid => { grid.scrollTop = 20 * 40 })
  await expect(row(element, 20)).toBeVisible()
  const top = (await row(element, 22).boundingBox())!.y
  await page.evaluate(() => {
    window.run.drop(10)
    window.run.change(61, {})
  })
  await expect(row(element, 22)).toHaveAttribute('aria-label', /^Step 23, lamp\/set/)
  // The reader's place holds.
  expect((await row(element, 22).boundingBox())!.y).toBeCloseTo(top, 0)
  await expect(row(element, 5)).toHaveCount(0)
})

test('another run, none, and moving leave nothing behind', async ({ page, element }) => {
  await show(page, 2)
  const first = await page.evaluateHandle(() => window.run)
  const listeners = (): Promise<number> => first.evaluate(run => run.listeners)
  expect(await listeners()).toBe(1)
  await page.evaluate(() => document.querySelector('delayed-run')!.remove())
  expect(await listeners()).toBe(0)
  await page.evaluate(run => {
    const element = document.createElement('delayed-run')
    element.run = run
    document.body.append(element)
    document.body.prepend(element)
  }, first)
  expect(await listeners()).toBe(1)
  await expect(row(element, 1)).toBeVisible()

  await show(page, 5, { id: 2 })
  expect(await listeners()).toBe(0)
  await expect(element.locator('.heading')).toHaveText('Run 2')
  await expect(element.locator('.body > [role=row]')).toHaveCount(5)
  await page.evaluate(() => { document.querySelector('delayed-run')!.run = undefined })
  await expect(element.locator('.frame')).toBeHidden()
  expect(await page.evaluate(() => window.run.listeners)).toBe(0)
})

test('what is not seen is not drawn', async ({ page, element }) => {
  await page.evaluate(() => { document.body.style.paddingTop = '3000px' })
  await show(page, 2, { spacing: 60_000 })
  await expect(row(element, 0)).toHaveAttribute('data-state', 'waiting')
  await change(page, 0, { state: 'sent', sentAt: 1 })
  await page.waitForTimeout(300)
  await expect(row(element, 0)).toHaveAttribute('data-state', 'waiting')
  await element.scrollIntoViewIfNeeded()
  await expect(row(element, 0)).toHaveAttribute('data-state', 'sent')
})

test('texts can be replaced, and times be counted from elsewhere', async ({ page, element }) => {
  await show(page, 1, { spacing: 2000 })
  await page.evaluate(() => {
    const element = document.querySelector('delayed-run')!
    element.labels = {
      pause: 'Anhalten', run: id => `Lauf ${id}`, stepNumber: index => `Schritt ${index + 1}`,
      stepState: { ...element.labels.stepState, waiting: 'wartet' },
    }
    element.origin = window.run.steps[0].plannedAt - 500
  })
  await expect(element.getByRole('button', { name: 'Anhalten' })).toBeVisible()
  await expect(element.locator('.heading')).toHaveText('Lauf 1')
  await expect(row(element, 0)).toHaveAttribute('aria-label', 'Schritt 1, shadow test1 update, wartet, planned at +0.500 s')
  await expect(element.locator('.legend')).toContainText('wartet')
})

test('a page may set the run before the element is defined', async ({ page, element }) => {
  await page.evaluate(async () => {
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const other = frame.contentDocument!
    const early = other.createElement('delayed-run') as DelayedRunElement
    other.body.append(early)
    early.run = window.fakeRun(3) as DelayedRun
    const script = other.createElement('script')
    script.type = 'module'
    const policy = (window as unknown as { trustedTypes: { createPolicy: (name: string, rules: object) => { createScriptURL: (url: string) => string } } })
      .trustedTypes.createPolicy('test', { createScriptURL: (url: string) => url })
    script.src = policy.createScriptURL('https://timeline.test/delayed-run.js')
    other.head.append(script)
  })
  await expect(page.frameLocator('iframe').locator('delayed-run .body > [role=row]')).toHaveCount(3)
  await expect(element.locator('.frame')).toBeHidden()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`text can be read in ${colorScheme} colours`, async ({ page, element }) => {
    await page.emulateMedia({ colorScheme })
    await show(page, 3)
    await change(page, 0, { state: 'failed', error: { message: 'no link' } })
    const ratios = await element.evaluate(host => {
      const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!
      const luminance = (colour: string): number => {
        context.fillStyle = colour
        context.fillRect(0, 0, 1, 1)
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const root = host.shadowRoot!
      const ground = luminance(getComputedStyle(root.querySelector('.frame')!).backgroundColor)
      return ['.heading', '.summary', '.topic', '.number', '.state-name', '.error', '.legend', '.header', 'button', '[data-step="0"] .state-name'].map(selector => {
        const text = luminance(getComputedStyle(root.querySelector(selector)!).color)
        return { selector, ratio: (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05) }
      })
    })
    for (const { selector, ratio } of ratios) expect(ratio, selector).toBeGreaterThan(4.5)
  })
}

test('it fits a telephone', async ({ page, element }) => {
  await page.setViewportSize({ width: 375, height: 667 })
  await show(page, 8)
  await expect(row(element, 0)).toBeVisible()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375)
  // The marks stand below the words, and both within the row.
  const line = (await row(element, 0).boundingBox())!, lane = (await row(element, 0).locator('.lane').boundingBox())!
  const topic = (await row(element, 0).locator('.topic').boundingBox())!
  expect(lane.y).toBeGreaterThanOrEqual(topic.y + topic.height - 6)
  expect(lane.y + lane.height).toBeLessThanOrEqual(line.y + line.height + 1)
  expect(lane.width).toBeGreaterThan(180)
})

test('with reduced motion the present time moves once a second', async ({ page, element }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await show(page, 2, { spacing: 2000 })
  await expect(element.locator('.now')).toBeVisible()
  const moves = await element.locator('.now').evaluate(async line => {
    let moves = 0
    new MutationObserver(() => { moves++ }).observe(line, { attributes: true })
    await new Promise(resolve => setTimeout(resolve, 2000))
    return moves
  })
  expect(moves).toBeGreaterThanOrEqual(1)
  expect(moves).toBeLessThanOrEqual(3)
})
