/** The console's frame. */
import { connect, expect, show, test } from './console-page'

test('connects to the local gateway with one click, and shows each view', async ({ page, gateway, visit }) => {
  await visit(gateway)
  await connect(page)
  for (const view of ['connection', 'messages', 'publish', 'delayed', 'shadows', 'charts', 'trace']) {
    await show(page, view)
    await expect(page.locator(`${view}-view`)).toBeVisible()
  }
})

test('speaks Korean, and keeps language and colours', async ({ page, gateway, visit }) => {
  await visit(gateway)
  await page.locator('#language').selectOption('ko')
  await page.locator('#theme').selectOption('dark')
  for (let visits = 0; visits < 2; visits++) {
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko')
    await expect(page.locator('h1')).toContainText('콘솔')
    await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark')
    await page.reload()
  }
})
