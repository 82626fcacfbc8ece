/** Firefox by WebDriver BiDi. */
import { existsSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import { asExpression, within, type Engine } from './engine'

const executablePath = ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'].find(path => existsSync(path))

export async function startFirefox(): Promise<Engine> {
  if (!executablePath) throw new Error('there is no Firefox: .ci/install-browsers-and-broker engines installs it')
  const browser = await within(60_000, 'starting Firefox', puppeteer.launch({ browser: 'firefox', executablePath, headless: true }))
  const page = await browser.newPage()
  return {
    name: 'Firefox',
    open: async url => { await within(30_000, url, page.goto(url)) },
    run: (f, argument) => within(60_000, 'a call in Firefox', page.evaluate(asExpression(f, argument)) as ReturnType<Engine['run']>) as never,
    stop: async () => {
      await within(10_000, 'closing Firefox', browser.close()).catch(() => browser.process()?.kill('SIGKILL'))
    },
  }
}
