/** What the tests of the console start from: the built site, served by the gateway, at a first visit. */
import { randomUUID } from 'node:crypto'
import type { Page } from '@playwright/test'
import { expect, test as base, type Gateway } from './fixtures'

// Loading the module takes its time on a busy machine.
export const slow = { timeout: 30_000 }

interface Fixtures {
  /** Opens the console, and fails the test at an uncaught error, or where the page's policy kept something back. */
  visit: (gateway: Gateway, fragment?: string) => Promise<void>
  /** A thing of this test's own. */
  thing: string
}

export const test = base.extend<Fixtures>({
  thing: async ({}, use) => { await use(`thing-${randomUUID()}`) },
  visit: async ({ page, secrets }, use) => {
    const uncaught: string[] = [], said: string[] = []
    page.on('pageerror', error => uncaught.push(String(error)))
    page.on('console', message => {
      said.push(message.text())
      if (/Content Security Policy/.test(message.text())) uncaught.push(message.text())
    })
    await use(async (gateway, fragment = '') => {
      await page.goto(`${gateway.origin}/${fragment}`)
      await expect(page.locator('html[data-ready]')).toBeAttached()
    })
    expect(uncaught).toEqual([])
    // Chromium's own line on a refused WebSocket holds its URL.
    const ours = said.filter(text => !/^WebSocket connection to '/.test(text)).join('\n')
    for (const secret of secrets) expect(ours).not.toContain(secret)
  },
})

/** Connects to the local gateway, as the console offers it. */
export async function connect(page: Page): Promise<void> {
  await page.locator('#connect-gateway').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
}

/** Goes to a view of the connection. */
export async function show(page: Page, view: string): Promise<void> {
  await page.locator(`.tabs [data-view="${view}"]`).click()
  await expect(page.locator(`.tabs [data-view="${view}"]`)).toHaveAttribute('aria-current', 'page')
}

export { expect, type Gateway }
