/** The console's connections: what is kept of a profile, several at once, and each way to authenticate. */
import { writeFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { connect, expect, show, slow, test } from './console-page'

const profiles = (page: Page): Promise<Record<string, unknown>[]> => page.evaluate(() => JSON.parse(localStorage.getItem('iotwasm-console-profiles') ?? '[]') as Record<string, unknown>[])

/** Begins a profile by the welcome, and waits until it is kept. */
async function add(page: Page, way: 'aws' | 'broker', name: string): Promise<void> {
  await page.locator(`#add-${way}`).click()
  await page.locator('#name').fill(name)
  await page.locator('#name').blur()
  await expect.poll(async () => (await profiles(page)).at(-1)?.['name']).toBe(name)
}

async function paste(page: Page, text: string): Promise<void> {
  await page.locator('#access-key-id').focus()
  await page.evaluate(pasted => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text', pasted)
    document.activeElement!.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, text)
}

test('a number that is none is refused by its field, and costs no profile', async ({ page, gateway, mosquitto, visit }) => {
  await visit(gateway)
  await add(page, 'broker', 'first')
  await page.locator('#endpoint').fill(mosquitto)
  await page.locator('#session-settings summary').click()
  await page.locator('#keep-alive').press('Control+a')
  await page.keyboard.type('e')
  await page.locator('#connect').click()
  await expect(page.locator('#error')).toHaveAttribute('data-field', 'keepAlive', slow)
  await expect(page.locator('#keep-alive')).toBeFocused()
  await page.locator('#profile-new').click()
  await add(page, 'broker', 'second')
  expect((await profiles(page)).map(({ name }) => name)).toEqual(['first', 'second'])
  await page.reload()
  await expect(page.locator('#connections [data-profile]')).toHaveText([/first/, /second/])
})

test('an address is kept without its password and its query, and dialled with them', async ({ page, gateway, mosquitto, visit }) => {
  await visit(gateway)
  await add(page, 'broker', 'signed')
  await page.locator('#endpoint').fill(`${mosquitto}?token=kept-from-storage`)
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  await page.locator('#connections [data-action="show"]').first().click()
  await expect(page.locator('#endpoint')).toHaveValue(`${mosquitto}?token=kept-from-storage`)
  expect((await profiles(page))[0]!['endpoint']).toBe(mosquitto)
  await page.locator('#disconnect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'closed')
  await page.locator('#endpoint').fill('wss://someone:kept-from-storage@broker.example.com/mqtt')
  await page.locator('#endpoint').blur()
  await expect.poll(async () => (await profiles(page))[0]!['endpoint']).toBe('wss://broker.example.com/mqtt')
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href)).not.toContain('kept-from-storage')
})

test('two tabs keep each other’s profiles', async ({ page, context, gateway, visit }) => {
  await visit(gateway)
  await add(page, 'broker', 'of the first tab')
  const other = await context.newPage()
  await other.goto(`${gateway.origin}/`)
  await expect(other.locator('#connections [data-profile]')).toHaveText([/of the first tab/])
  await add(other, 'aws', 'of the second tab')
  await expect(page.locator('#connections [data-profile]')).toHaveCount(2)
  await page.locator('#name').fill('renamed')
  await page.locator('#name').blur()
  await expect(other.locator('#connections [data-profile]').first()).toContainText('renamed')
  expect((await profiles(page)).map(({ name }) => name)).toEqual(['renamed', 'of the second tab'])
})

test('a connection that is not shown counts its messages, and the title tells the state of the one that is', async ({ page, gateway, mosquitto, visit, topic }) => {
  await visit(gateway)
  await expect(page).toHaveTitle('iotwasm console')
  await connect(page)
  await expect(page).toHaveTitle(/^Connected: Local gateway/)
  await show(page, 'messages')
  await page.locator('#filter').fill(`${topic}/#`)
  await page.locator('#filter').press('Enter')
  await expect(page.locator(`#subscriptions [data-filter="${topic}/#"]`)).toHaveAttribute('data-state', 'granted')
  await page.locator('#profile-new').click()
  await expect(page).toHaveTitle('iotwasm console')
  await add(page, 'broker', 'other')
  await page.locator('#endpoint').fill(mosquitto)
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  await expect(page).toHaveTitle(/^Connected: other/)
  const behind = page.locator('#connections [data-profile="local-gateway"]')
  await expect(behind.locator('[data-unread]')).toHaveCount(0)
  await page.evaluate(async ([options, name]) => {
    const path = new URL('pkg/index.js', location.href).href
    const { connect: open } = await import(path) as typeof import('../src/types')
    const client = await open({ ...options, worker: true })
    for (let n = 1; n <= 3; n++) await client.publish(`${name}/${n}`, String(n), { qos: 1 })
    await client.close()
  }, [gateway.options, topic] as const)
  await expect(behind.locator('[data-unread]')).toHaveAttribute('data-unread', '3', slow)
  await behind.locator('[data-action="show"]').press('Enter')
  await expect(behind.locator('[data-unread]')).toHaveCount(0)
  await expect(page).toHaveTitle(/^Connected: Local gateway/)
  await behind.locator('[data-action="toggle"]').click()
  await expect(page).toHaveTitle(/^Closed: Local gateway/)
})

test('credentials as the access portal gives them to PowerShell connect', async ({ page, gateway, visit }) => {
  await visit(gateway)
  await add(page, 'aws', 'pasted')
  await page.locator('#endpoint').fill(gateway.options.endpoint)
  await page.locator('#region').fill(gateway.options.region)
  const { accessKeyId, secretAccessKey } = gateway.options.credentials
  await paste(page, `$Env:AWS_ACCESS_KEY_ID="${accessKeyId}"\r\n$Env:AWS_SECRET_ACCESS_KEY="${secretAccessKey}"`)
  await page.locator('#connect').click()
  await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
  expect(JSON.stringify(await profiles(page))).not.toContain(accessKeyId)
})

test.describe('custom authorizer', () => {
  const policyDocuments = [{ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] }]
  const rules = { authorizers: [{ name: 'pages', signingDisabled: true, tokenKeyName: 'token', tokens: ['let-me-in'], principalId: 'page', policyDocuments }] }
  test.use({
    flags: async ({}, use, info) => {
      const file = info.outputPath('authorizers.json')
      writeFileSync(file, JSON.stringify(rules))
      await use(['-authorizers', file])
    },
  })

  test('a token is refused or taken, and never kept', async ({ page, ownGateway, visit }) => {
    await visit(ownGateway)
    await add(page, 'aws', 'by token')
    await page.locator('#authentication').selectOption('authorizer')
    for (const [id, value] of [['endpoint', ownGateway.options.endpoint], ['authorizer-name', 'pages'], ['token-key-name', 'token'], ['token', 'let-nobody-in']] as const) await page.locator(`#${id}`).fill(value)
    await page.locator('#connect').click()
    await expect(page.locator('#error')).toHaveAttribute('data-code', 'handshake-failed', slow)
    await expect(page.locator('#error .error-hint')).not.toBeEmpty()
    await page.locator('#token').fill('let-me-in')
    await page.locator('#connect').click()
    await expect(page.locator('#state')).toHaveAttribute('data-state', 'connected', slow)
    await expect(page.locator('#error')).toBeHidden()
    const stored = JSON.stringify(await profiles(page))
    expect(stored).toContain('pages')
    expect(stored).not.toContain('let-me-in')
    await page.reload()
    await page.locator('#connections [data-action="show"]').click()
    await expect(page.locator('#authorizer-name')).toHaveValue('pages')
    await expect(page.locator('#token')).toHaveValue('')
  })
})
