/**
 * What every browser test starts from: a gateway of its worker's own, mosquitto,
 * and a page of the gateway's origin that has the package loaded.
 */
import { randomUUID } from 'node:crypto'
import { test as base, expect, type ConsoleMessage, type JSHandle, type Page } from '@playwright/test'
import type * as iotwasm from '../src/types'
import { startProxy, type Proxy } from './fault-proxy.mjs'
import { observe, type Observer } from './observer'
import { startScripted, type Plan, type Scripted } from './scripted-server.mjs'
import { buildGateway, startGateway, startMosquitto, type Gateway } from './servers.mjs'

declare global {
  interface Window {
    iotwasm: typeof iotwasm
    /** How a call ends: undefined where it succeeds, and what its IotError says where it fails. `hung` after 20 seconds. */
    failure: (call: () => unknown) => Promise<Failed | undefined>
    /** What `connected` opened. */
    clients: iotwasm.Client[]
  }
}

/** An IotError as plain data. */
export interface Failed {
  code: iotwasm.IotErrorCode | 'hung' | 'not an IotError'
  message: string
  field?: string
  hint?: string
  reasonCode?: number
  retryable: boolean
  cause?: string
  /** Every text that the error shows. */
  texts: string
}

/** Options of `connect` that can be handed to a page. */
export type PlainOptions = Pick<iotwasm.ConnectOptions, 'endpoint' | 'region' | 'url' | 'worker' | 'clientId' | 'reconnect' | 'limits' | 'queue' | 'keepAlive' | 'connectTimeout' | 'sessionExpiryInterval' | 'properties' | 'resubscribe' | 'topicAliases' | 'maxConnectionAge' | 'cleanStart' | 'username' | 'authorizer'> & { credentials?: iotwasm.Credentials }

interface WorkerFixtures {
  /** Path of the gateway's program. */
  program: string
  /** A gateway that every test of this worker shares; do not stop it. */
  gateway: Gateway
  /** URL of mosquitto's WebSocket listener. */
  mosquitto: string
  /** The page behind `shared`. */
  warmPage: Page
}

/** What `test.use` sets. */
interface Settings {
  /** Which server `options` is for. */
  server: 'gateway' | 'mosquitto'
  /** LoadOptions.worker in `options`. */
  worker: boolean
  /** Of `ownGateway`'s command line. */
  flags: string[]
}

interface Fixtures extends Settings {
  /** What to pass to `connect`. */
  options: PlainOptions
  /** Begins the topics of this test. */
  topic: string
  /** A gateway of this test's own, to be stopped or killed. */
  ownGateway: Gateway
  /** A blank page of the gateway's origin with `window.iotwasm`. Fails the test at an uncaught error. */
  blank: Page
  /**
   * Like `blank`, but one page for all tests of this worker: the module is loaded
   * already, which takes seconds otherwise. What `connected` opened is closed.
   */
  shared: Page
  /** Starts a server that follows these plans, until the end of the test. */
  scripted: (...plans: Plan[]) => Promise<Scripted>
  /** Starts a proxy before the server of this URL, until the end of the test. */
  proxied: (url: string) => Promise<{ url: string, proxy: Proxy }>
  /** Connects a second subscriber where these options lead, until the end of the test. */
  observe: (options: PlainOptions, ...filters: string[]) => Promise<Observer>
  /** Text that may appear on no console, in no error: the test fails if it does. */
  secrets: string[]
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  program: [async ({}, use) => {
    const { path, clean } = buildGateway()
    await use(path)
    clean()
  }, { scope: 'worker' }],
  gateway: [async ({ program }, use) => {
    const gateway = await startGateway(program)
    await use(gateway)
    await gateway.stop()
  }, { scope: 'worker' }],
  mosquitto: [async ({}, use) => {
    const { url, stop } = await startMosquitto()
    await use(url)
    await stop()
  }, { scope: 'worker' }],
  warmPage: [async ({ browser, gateway }, use) => {
    const page = await browser.newPage()
    await openBlank(page, gateway.origin)
    await use(page)
    await page.close()
  }, { scope: 'worker' }],
  server: ['gateway', { option: true }],
  worker: [true, { option: true }],
  options: async ({ server, worker, gateway, mosquitto }, use) => {
    await use(server === 'gateway' ? { ...gateway.options, worker } : { url: mosquitto, worker })
  },
  topic: async ({}, use) => { await use(`test/${randomUUID()}`) },
  flags: [[], { option: true }],
  ownGateway: async ({ program, flags }, use) => {
    const gateway = await startGateway(program, { args: flags })
    await use(gateway)
    await gateway.stop('SIGKILL')
  },
  scripted: async ({}, use) => {
    const started: Scripted[] = []
    await use(async (...plans) => {
      const server = await startScripted(...plans)
      started.push(server)
      return server
    })
    await Promise.all(started.map(s => s.stop()))
  },
  proxied: async ({}, use) => {
    const started: Proxy[] = []
    await use(async url => {
      const proxy = await startProxy(Number(new URL(url).port))
      started.push(proxy)
      return { url: proxy.through(url), proxy }
    })
    await Promise.all(started.map(p => p.stop()))
  },
  observe: async ({}, use) => {
    const started: Observer[] = []
    await use(async (options, ...filters) => {
      const observer = await observe(options, ...filters)
      started.push(observer)
      return observer
    })
    await Promise.all(started.map(o => o.stop()))
  },
  secrets: [async ({ gateway }, use) => { await use([gateway.options.credentials.secretAccessKey, 'X-Amz-Signature', 'X-Amz-Security-Token']) }, { box: true }],
  blank: async ({ page, gateway, secrets }, use) => {
    const check = watch(page, secrets)
    await openBlank(page, gateway.origin)
    await use(page)
    check()
  },
  shared: async ({ warmPage, secrets }, use) => {
    const check = watch(warmPage, secrets)
    await use(warmPage)
    await warmPage.evaluate(async () => { await Promise.all(window.clients.splice(0).map(c => c.close())) })
    check()
  },
})

/** Hears what a page says; the function it returns fails where that was an uncaught error or a secret. */
function watch(page: Page, secrets: string[]): () => void {
  const said: string[] = []
  const uncaught: Error[] = []
  const hear = (message: ConsoleMessage): void => {
    // Chromium's own line on a refused WebSocket, which no script can see or keep back, holds its URL.
    const ofBrowser = message.args().length === 0 && /^WebSocket connection to '/.test(message.text())
    if (!ofBrowser) said.push(message.text())
  }
  const catchError = (error: Error): void => { uncaught.push(error) }
  page.on('console', hear).on('pageerror', catchError)
  return () => {
    page.off('console', hear).off('pageerror', catchError)
    expect(uncaught).toEqual([])
    for (const secret of secrets) expect(said.join('\n')).not.toContain(secret)
  }
}

/**
 * Opens a page of an origin that has no policy and no script, and puts the
 * package on `window.iotwasm`. Not a response of the test's own making: Chromium
 * lets only what came from this machine connect to this machine.
 */
export async function openBlank(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/console/theme.css`)
  await page.evaluate(async () => {
    const path = '/pkg/index.js'
    window.iotwasm = await import(path) as typeof iotwasm
  })
  await page.evaluate(describeFailures)
}

/** Puts `window.failure` on a page. */
export function describeFailures(): void {
  window.clients = []
  window.failure = async call => {
    const hung = new Promise<unknown>((_, reject) => setTimeout(() => reject({ name: 'IotError', code: 'hung' }), 20_000))
    try {
      await Promise.race([(async () => call())(), hung])
      return undefined
    } catch (e) {
      const { name, code, message, field, hint, reasonCode, retryable, cause, stack } = e as iotwasm.IotError
      return {
        code: name === 'IotError' ? code : 'not an IotError', message, retryable,
        ...(field !== undefined && { field }), ...(hint !== undefined && { hint }),
        ...(reasonCode !== undefined && { reasonCode }), ...(cause !== undefined && { cause: String(cause) }),
        texts: [String(e), message, hint, stack, JSON.stringify(e), String(cause), (cause as Error | undefined)?.stack].join('\n'),
      }
    }
  }
}

/** Connects on a page of openBlank's. */
export function connected(page: Page, options: PlainOptions): Promise<JSHandle<iotwasm.Client>> {
  return page.evaluateHandle(async o => {
    const client = await window.iotwasm.connect(o)
    window.clients.push(client)
    return client
  }, options)
}

/** Temporary credentials of the gateway. */
export async function issued(gateway: Gateway): Promise<{ accessKeyId: string, secretAccessKey: string, sessionToken: string }> {
  return await (await fetch(`${gateway.origin}/credentials`)).json() as { accessKeyId: string, secretAccessKey: string, sessionToken: string }
}

export { expect, startGateway, type Gateway }
