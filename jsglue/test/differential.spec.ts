/**
 * The face for mqtt.js against mqtt.js itself: the same page code runs with both, in
 * Chromium, against the same servers, and what a page sees has to be the same, but for
 * what differential/deliberate.ts lists. `DIFF=name` runs the scenarios whose names match,
 * and prints what they recorded; `DIFF_FACE=mqttjs` puts mqtt.js on both sides, which
 * shows whether scenarios are stable; `DIFF_TIMES=1` says how long each of them took.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from '@playwright/test'
import { build } from 'esbuild'
import { compare } from './differential/compare'
import { deliberate, type Side } from './differential/deliberate'
import type { Transcript } from './differential/recorder'
import type { Ran } from './differential/page'
import { themes } from './differential/scenarios'
import { controlToken, Sessions } from './differential/servers'
import type { Scenario, ServerKind } from './differential/types'
import { expect, startGateway, test as base, type Gateway } from './fixtures'
import { startMosquitto } from './servers.mjs'

const only = process.env['DIFF']
const stock = fileURLToPath(new URL('../node_modules/mqtt/dist/mqtt.min.js', import.meta.url))
const atOnce = 8

interface Stage {
  sessions: Sessions
  pages: Record<Side, Page>
  /** Errors that nobody caught, on the page of the face. */
  uncaught: string[]
}

const test = base.extend<{}, { folder: string, stage: Stage }>({
  folder: [async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'iotwasm-differential-'))
    await use(folder)
    rmSync(folder, { recursive: true, force: true })
  }, { scope: 'worker' }],
  stage: [async ({ browser, program, folder }, use) => {
    const policy = join(folder, 'policy.json')
    writeFileSync(policy, JSON.stringify(policyDocument))
    const args = ['-control-token', controlToken, '-policy', policy]
    const [gateway, aws, mosquitto] = await Promise.all([
      startGateway(program, { args: [...args, '-profile', 'generic'] }), startGateway(program, { args }), startMosquitto(mosquittoSettings(folder)),
    ])
    const sessions = new Sessions({ gateway, aws, mosquitto: mosquitto.url })
    const uncaught: string[] = []
    const bundle = await build({ entryPoints: [fileURLToPath(new URL('differential/page.ts', import.meta.url))], bundle: true, format: 'iife', target: 'es2022', write: false })
    const open = (side: Side) => openPage(browser, gateway, side, bundle.outputFiles[0].text, sessions)
    const pages = { mqttjs: await open('mqttjs'), ours: await open('ours') }
    pages.ours.on('pageerror', e => uncaught.push(e.stack ?? String(e)))
    await use({ sessions, pages, uncaught })
    await Promise.all([pages.mqttjs.close(), pages.ours.close()])
    await Promise.all([gateway.stop('SIGKILL'), aws.stop('SIGKILL'), mosquitto.stop()])
  }, { scope: 'worker', timeout: 90_000 }],
})

/** Everything is allowed but what has these words in its name. */
const policyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    { Effect: 'Deny', Action: 'iot:Connect', Resource: 'arn:aws:iot:us-east-1:123456789012:client/*refused*' },
    { Effect: 'Deny', Action: ['iot:Publish', 'iot:Receive'], Resource: 'arn:aws:iot:us-east-1:123456789012:topic/*denied*' },
    { Effect: 'Deny', Action: 'iot:Subscribe', Resource: 'arn:aws:iot:us-east-1:123456789012:topicfilter/*denied*' },
  ],
}

/** The same for mosquitto, which has a user besides. */
function mosquittoSettings(folder: string): string {
  chmodSync(folder, 0o755) // mosquitto is another user when root starts it
  const [passwords, acl] = [join(folder, 'passwords'), join(folder, 'acl')]
  const path = [process.env['PATH'], '/usr/sbin', '/opt/homebrew/bin', '/usr/local/bin'].join(':')
  execFileSync('mosquitto_passwd', ['-c', '-b', passwords, 'somebody', 'secret'], { env: { ...process.env, PATH: path } })
  writeFileSync(acl, ['topic readwrite #', 'topic deny d/+/denied/#', 'user somebody', 'topic readwrite #', ''].join('\n'))
  return [`password_file ${passwords}`, `acl_file ${acl}`, ''].join('\n')
}

async function openPage(browser: Browser, gateway: Gateway, side: Side, bundle: string, sessions: Sessions): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`${gateway.origin}/console/theme.css`)
  await page.exposeFunction('askServer', (key: string, method: string, args: unknown[]) => sessions.ask(key, method, args))
  await page.addScriptTag(side === 'mqttjs' || process.env['DIFF_FACE'] === 'mqttjs' ? { path: stock } : { url: '/pkg/mqtt.global.js' })
  await page.addScriptTag({ content: bundle })
  // What is compared is not how long the module takes to load.
  const warm: Scenario = { name: 'warm', on: ['gateway'], run: () => undefined }
  const session = await sessions.open(warm, 'gateway')
  await page.evaluate(async url => {
    const client = window.mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 })
    await new Promise<void>(resolve => {
      client.on('connect', () => resolve())
      setTimeout(resolve, 30_000)
    })
    client.end(true)
  }, session.url)
  await sessions.close(session.key)
  return page
}

/** Runs scenarios on one side. */
async function runAll({ sessions, pages }: Stage, side: Side, theme: string, scenarios: readonly Scenario[], on: ServerKind): Promise<Record<string, Ran>> {
  const opened = await Promise.all(scenarios.map(s => sessions.open(s, on)))
  try {
    if (theme === 'handshake') await pages[side].evaluate(url => window.ease(url, 20), sessions.servers.mosquitto)
    return await pages[side].evaluate(([sessions, atOnce]) => window.differential(sessions, atOnce), [opened, atOnce] as const)
  } finally {
    await Promise.all(opened.map(s => sessions.close(s.key)))
  }
}

for (const theme of themes) {
  for (const on of ['gateway', 'mosquitto', 'scripted', 'aws'] as const) {
    const scenarios = theme.scenarios.filter(s => s.on.includes(on) && (!only || new RegExp(only).test(s.name)))
    if (scenarios.length === 0) continue
    test(`${theme.name} on ${on}`, async ({ stage }) => {
      const [theirs, ours] = await Promise.all([
        runAll(stage, 'mqttjs', theme.name, scenarios, on), runAll(stage, 'ours', theme.name, scenarios, on),
      ])
      const report = scenarios.flatMap(({ name }) => {
        const [their, our] = [theirs[name].transcript, ours[name].transcript]
        const parted = compare(name, on, their, our)
        if (only) console.log(`${name} on ${on}`, { mqttjs: their, ours: our })
        if (process.env['DIFF_TIMES']) console.log(`${theirs[name].ms} ms with mqtt.js, ${ours[name].ms} ms with ours: ${name} on ${on}`)
        return parted.length > 0 ? [`${theme.name} / ${name} on ${on}`, ...parted] : []
      })
      // mqtt.js has each of them to its end: where it gives up, the scenario itself is wrong.
      const wrong = scenarios.map(s => [s.name, theirs[s.name].transcript['gave up']] as const)
        .flatMap(([name, why]) => why ? [`${name} on ${on}: mqtt.js gave up: ${why}`] : [])
      expect([...wrong, ...report, ...stage.uncaught.splice(0)].join('\n')).toBe('')
    })
  }
}

test('names of scenarios are unique', () => {
  const names = themes.flatMap(t => t.scenarios.map(s => s.name))
  expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([])
})

test('a changed transcript is reported', () => {
  const transcript: Transcript = { events: ['connect {}', 'message "t"', 'close'], callbacks: ['publish null'] }
  expect(compare('x', 'gateway', transcript, structuredClone(transcript), [])).toEqual([])
  expect(compare('x', 'gateway', transcript, { ...transcript, events: ['message "t"', 'connect {}', 'close'] }, [])).toEqual([
    '  events:', '    - connect {}', '      message "t"', '    + connect {}', '      close',
  ])
  expect(compare('x', 'gateway', transcript, { events: transcript.events }, [])).toEqual(['  callbacks:', '    - publish null'])
  expect(compare('x', 'gateway', transcript, { ...transcript, notes: ['more'] }, [])).toEqual(['  notes:', '    + more'])
  const later = { id: 'later', reason: 'comes later', applies: /^x$/, rewrite: ({ callbacks, ...rest }: Transcript): Transcript => rest }
  expect(compare('x', 'gateway', transcript, { events: transcript.events }, [later])).toEqual([])
  expect(compare('y', 'gateway', transcript, { events: transcript.events }, [later])).not.toEqual([])
  expect(compare('x', 'gateway', transcript, { events: ['close'] }, [later])).not.toEqual([])
})

test('each deliberate difference shows somewhere, and stands in the docs', () => {
  const docs = readFileSync(new URL('../../site/docs/mqttjs/index.html', import.meta.url), 'utf8')
  const names = themes.flatMap(theme => theme.scenarios).map(scenario => scenario.name)
  for (const { id, applies } of deliberate) {
    expect(docs, id).toContain(`<tr id="difference-${id}">`)
    expect(names.some(name => applies.test(name)), id).toBe(true)
  }
})
