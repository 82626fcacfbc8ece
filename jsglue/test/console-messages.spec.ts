/** The console's messages: subscriptions, the list, the topic tree, and what is shown of one message. */
import type { Page } from '@playwright/test'
import mqtt, { type MqttClient } from 'mqtt'
import { connect, expect, show, slow, test as base } from './console-page'
import type { Gateway } from './fixtures'
import { signed } from './observer'

/** Connects another client, until the end of the test. */
const test = base.extend<{ another: (gateway: Gateway) => Promise<MqttClient> }>({
  another: async ({}, use) => {
    const clients: MqttClient[] = []
    await use(async ({ options }) => {
      const url = await signed(options)
      const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, transformWsUrl: () => url })
      clients.push(client)
      return client
    })
    for (const client of clients) client.end(true)
  },
})

test.use({ viewport: { width: 1280, height: 900 } })

const subscription = (page: Page, filter: string) => page.locator(`#subscriptions [data-filter="${filter}"]`)
const rows = (page: Page) => page.locator('#log [role="option"]')
const row = (page: Page, topic: string) => page.locator(`#log [data-topic="${topic}"]`)

async function subscribe(page: Page, ...filters: string[]): Promise<void> {
  await page.locator('#filter').fill(filters.join('\n'))
  await page.locator('#subscribe').click()
  for (const filter of filters) await expect(subscription(page, filter)).toHaveAttribute('data-state', 'granted', slow)
}

test('several subscriptions are made, named, warned of, ended and renewed', async ({ page, gateway, visit, topic, another }) => {
  await visit(gateway, '#messages')
  await connect(page)
  await show(page, 'messages')
  await expect(page.locator('#subscribe-form')).toBeVisible()
  await page.locator('#filter').fill(`${topic}/a b, ${topic}/fine`)
  await expect(page.locator('#filter-warning')).toContainText(`"${topic}/a b"`)
  await expect(page.locator('#filter-warning')).not.toContainText('fine')
  await page.locator('#filter-qos').selectOption('2')
  await page.locator('#filter').fill(`${topic}/one/#\n ${topic}/two/+ \n`)
  await expect(page.locator('#filter-warning')).toBeHidden()
  await page.locator('#filter').press('Enter')
  // AWS IoT grants no QoS 2.
  await expect(subscription(page, `${topic}/one/#`)).toContainText('QoS 1 (asked 2)')
  await expect(subscription(page, `${topic}/two/+`)).toHaveAttribute('data-granted-qos', '1')

  const publisher = await another(gateway)
  await publisher.publishAsync(`${topic}/one/x`, '1')
  await publisher.publishAsync(`${topic}/two/x`, '2')
  await expect(subscription(page, `${topic}/two/+`)).toHaveAttribute('data-count', '1')
  await subscription(page, `${topic}/two/+`).locator('[data-action="alias"]').click()
  await subscription(page, `${topic}/two/+`).getByRole('textbox').fill('the second')
  await subscription(page, `${topic}/two/+`).getByRole('combobox').selectOption('5')
  await expect(row(page, `${topic}/two/x`)).toHaveAttribute('data-tone', '5')
  await subscription(page, `${topic}/two/+`).locator('[data-action="select"]').click()
  await expect(subscription(page, `${topic}/two/+`).locator('[data-action="select"]')).toContainText('the second')
  await expect(row(page, `${topic}/one/x`)).toHaveCount(0)
  await expect(row(page, `${topic}/two/x`)).toBeVisible()
  await page.locator('#log-subscription').click()
  await expect(row(page, `${topic}/one/x`)).toBeVisible()

  await show(page, 'connection')
  await page.locator('#disconnect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'closed')
  await show(page, 'messages')
  for (const filter of [`${topic}/one/#`, `${topic}/two/+`]) await expect(subscription(page, filter)).toHaveAttribute('data-state', 'ended')
  await expect(row(page, `${topic}/one/x`)).toBeVisible()
  await show(page, 'connection')
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  await show(page, 'messages')
  await page.locator('#again-all').click()
  for (const filter of [`${topic}/one/#`, `${topic}/two/+`]) await expect(subscription(page, filter)).toHaveAttribute('data-state', 'granted')
  await publisher.publishAsync(`${topic}/one/x`, 'again')
  await expect(subscription(page, `${topic}/one/#`)).toHaveAttribute('data-count', '2')
  await subscription(page, `${topic}/two/+`).locator('[data-action="end"]').click()
  await expect(subscription(page, `${topic}/two/+`)).toHaveCount(0)
})

test('a message is shown with its payload in each form, what changed, and all its properties', async ({ page, context, gateway, visit, topic, another }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await visit(gateway)
  await connect(page)
  await show(page, 'messages')
  await subscribe(page, `${topic}/#`)
  const publisher = await another(gateway)
  await publisher.publishAsync(`${topic}/json`, '{"big":12345678901234567890,"float":127.0,"on":true}')
  await publisher.publishAsync(`${topic}/json`, '{"big":12345678901234567891,"float":127.0,"new":{"a":[]}}', {
    qos: 1, properties: { contentType: 'application/json', responseTopic: `${topic}/reply`, correlationData: Buffer.from([1, 255]), messageExpiryInterval: 60, userProperties: { unit: ['C', 'F'] } },
  })
  await publisher.publishAsync(`${topic}/bytes`, Buffer.from([0, 1, 254, 255]))
  await publisher.publishAsync(`${topic}/korean`, `a${'한'.repeat(400)}`)
  await publisher.publishAsync(`${topic}/mixed`, 'שלום <b>🙂</b>')
  await expect(rows(page)).toHaveCount(5)
  await expect(row(page, `${topic}/korean`)).toContainText('a한한한')
  await expect(row(page, `${topic}/bytes`)).toContainText('4 B')
  await expect(row(page, `${topic}/mixed`)).toContainText('שלום <b>🙂</b>')

  const payload = page.locator('payload-view .payload'), form = (name: string) => page.locator(`payload-view [data-form="${name}"]`)
  await row(page, `${topic}/json`).last().click()
  await expect(payload).toHaveAttribute('data-kind', 'json')
  await expect(page.locator('json-tree [data-path="big"]')).toContainText('12345678901234567891')
  await expect(page.locator('json-tree [data-path="float"]')).toContainText('127.0')
  await page.locator('json-tree details[data-path="new"] > summary').click()
  await expect(page.locator('json-tree [data-path="new.a"]')).toHaveCount(0)
  await form('diff').click()
  for (const [kind, text] of [['changed', 'big'], ['added', 'new.a'], ['removed', 'on']] as const) await expect(page.locator(`.diff [data-change="${kind}"]`)).toContainText(text)
  await form('base64').click()
  await expect(payload).toContainText('eyJiaWciO')
  const facts = { contentType: 'application/json', responseTopic: `${topic}/reply`, messageExpiryInterval: /\d+/, correlationData: '01ff', 'user-unit': 'C, F', qos: '0' }
  for (const [name, value] of Object.entries(facts)) await expect(page.locator(`#details [data-fact="${name}"] dd`)).toHaveText(value)
  await page.locator('#copy-payload').click()
  await expect(page.locator('#details [role="status"]')).toHaveText('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('"float":127.0')
  await context.clearPermissions()
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError')) })
  await page.locator('#copy-topic').click()
  await expect(page.locator('#details [role="status"]')).toContainText('did not let')

  await row(page, `${topic}/bytes`).click()
  await expect(form('json')).toBeDisabled()
  await expect(form('text')).toBeDisabled()
  await form('hex').click()
  await expect(payload).toContainText('00 01 fe ff')
  await page.locator('#details-delete').click()
  await expect(row(page, `${topic}/bytes`)).toHaveCount(0)
  await row(page, `${topic}/json`).last().click()
  await page.locator('#publish-again').click()
  await expect(page.locator('#publish-topic')).toHaveValue(`${topic}/json`)
  await expect(page.locator('#publish-payload')).toHaveValue(/12345678901234567891.*127\.0/s)
})

test('a payload of 128 KB is shown in parts', async ({ page, gateway, visit, topic, another }) => {
  await visit(gateway)
  await connect(page)
  await show(page, 'messages')
  await subscribe(page, `${topic}/#`)
  const publisher = await another(gateway)
  await publisher.publishAsync(`${topic}/list`, JSON.stringify(Array.from({ length: 20_000 }, (_, at) => at)))
  await publisher.publishAsync(`${topic}/deep`, '['.repeat(60_000) + ']'.repeat(60_000))
  await row(page, `${topic}/list`).click()
  await expect(page.locator('json-tree .json-leaf')).toHaveCount(200)
  await page.locator('json-tree [data-action="more"]').click()
  await expect(page.locator('json-tree .json-leaf')).toHaveCount(400)
  await expect(page.locator('json-tree [data-path="[399]"]')).toContainText('399')
  await row(page, `${topic}/deep`).click()
  await expect(page.locator('payload-view .payload')).toHaveAttribute('data-kind', 'text')
})

test.describe('of thousands of messages', () => {
  test.use({ flags: ['-profile', 'generic'] })

  test('the list draws what is seen, follows the newest until it is scrolled up, and tells what it dropped', async ({ page, ownGateway, visit, topic, another }) => {
    await visit(ownGateway)
    await connect(page)
    await show(page, 'messages')
    await subscribe(page, `${topic}/#`)
    const publisher = await another(ownGateway)
    const send = async (from: number, to: number): Promise<void> => { for (let at = from; at < to; at++) await publisher.publishAsync(`${topic}/${at % 20}`, String(at)) }
    await send(0, 3000)
    await expect(page.locator('#log-count')).toContainText('3000', slow)
    await expect(rows(page).last()).toContainText('2999')
    expect(await rows(page).count()).toBeLessThan(60)

    const log = page.locator('#log')
    await log.evaluate(each => { each.scrollTop = 48 * 2500 })
    await expect(rows(page).filter({ hasText: '2500' })).toHaveCount(1)
    const place = (): Promise<number> => rows(page).filter({ hasText: '2505' }).evaluate(each => Math.round(each.getBoundingClientRect().top - each.closest('#log')!.getBoundingClientRect().top))
    const before = await place()
    await send(3000, 3100)
    await expect(page.locator('#log-count')).toContainText('3100', slow)
    expect(await place()).toBe(before)
    // The history forgets what lies above; the row stays where it is read.
    await page.locator('#log-limit').selectOption('1000')
    await expect(page.locator('#log-count')).toContainText('2100 dropped')
    await expect(rows(page).first()).toHaveAttribute('aria-setsize', '1000')
    expect(await place()).toBe(before)
    await log.press('End')
    await expect(rows(page).last()).toContainText('3099')
    await send(3100, 3200)
    await expect(rows(page).last()).toContainText('3199', slow)
  })
})

test('an empty list says what to do next', async ({ page, gateway, visit }) => {
  await visit(gateway)
  await connect(page)
  await show(page, 'messages')
  await page.getByRole('button', { name: 'Subscribe to a topic filter' }).click()
  await expect(page.locator('#filter')).toBeFocused()
  await page.getByRole('button', { name: /two named shadows/ }).click()
  await expect(page.locator('delayed-view')).toBeVisible()
})

test.describe('on a narrow screen', () => {
  test.use({ viewport: { width: 375, height: 740 } })

  test('what is selected is in sight, and the subscriptions can be put away', async ({ page, gateway, visit, topic, another }) => {
    await visit(gateway)
    await connect(page)
    await show(page, 'messages')
    await subscribe(page, `${topic}/#`)
    const publisher = await another(gateway)
    for (let at = 0; at < 20; at++) await publisher.publishAsync(`${topic}/${at}`, '{"a":1}')
    await expect(page.locator('#log-count')).toContainText('20')
    await page.locator('#side-toggle').click()
    await expect(page.locator('#side-toggle')).toHaveAttribute('aria-expanded', 'false')
    await expect(page.locator('#subscribe-form')).toBeHidden()
    for (const name of ['19', '17']) {
      await row(page, `${topic}/${name}`).click()
      await expect(page.locator('#details-heading')).toHaveText(`${topic}/${name}`)
      // Nothing lies over it: the page's bar stays at the top.
      await expect.poll(() => page.locator('#details-heading').evaluate(heading => {
        const { left, top, width, height } = heading.getBoundingClientRect()
        return heading.contains(document.elementFromPoint(left + width / 2, top + height / 2))
      })).toBe(true)
    }
    await page.locator('#details-close').click()
    await expect(page.locator('#log')).toBeFocused()
    const beyond = (views: Element[]): number => views.flatMap(view => [...view.querySelectorAll('*')]).filter(each => each.getBoundingClientRect().right > innerWidth).length
    expect(await page.locator('messages-view').evaluateAll(beyond)).toBe(0)
  })
})
