/** The gateway's own page shows what goes on in it. */
import { connected, expect, openBlank, test } from './fixtures'

for (const [colorScheme, width] of [['light', 1280], ['dark', 320]] as const) {
  test(`a client and its packets, ${colorScheme}, ${width} px wide`, async ({ browser, gateway, options, topic }) => {
    const blank = await browser.newPage()
    await openBlank(blank, gateway.origin)
    const client = await connected(blank, { ...options, clientId: topic.replace('/', '-') })
    await client.evaluate(async (c, topic) => {
      await c.subscribe(`${topic}/<b>x<`, () => {})
      await c.publish(topic, 'the payload', { qos: 1 })
    }, topic)

    const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })
    const said: string[] = []
    page.on('console', message => said.push(message.text()))
    page.on('pageerror', error => said.push(String(error)))
    await page.goto(`${gateway.origin}/_gateway/`)
    await expect(page.locator('#connections')).toContainText(topic.replace('/', '-'))
    await expect(page.locator('#subscriptions')).toContainText(`${topic}/<b>x<`) // as text
    await expect(page.locator('#packets tr', { hasText: 'PUBLISH' }).filter({ hasText: topic }).first()).toContainText('received')
    await expect(page.locator('body')).not.toContainText('the payload')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    expect(said).toEqual([])

    await page.getByRole('button', { name: 'Hold' }).click()
    await expect(page.getByRole('button', { name: 'Go on' })).toHaveAttribute('aria-pressed', 'true')
    await page.close()
    await client.evaluate(c => c.close())
    await blank.close()
  })
}
