// Starts the real servers that the browser tests and the benchmark talk to: the
// local gateway and mosquitto, each on free loopback ports, and finds Chromium.
// @ts-check
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** @typedef {{ accessKeyId: string, secretAccessKey: string }} Keys */

/**
 * @typedef {object} Gateway
 * @property {string} origin of the site: `http://127.0.0.1:12345`
 * @property {{ endpoint: string, region: string, credentials: Keys }} options what `connect` takes; the endpoint is `ws://127.0.0.1:12345`
 * @property {number} pid
 * @property {() => string} log what it logged so far
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop ends it and waits for its end
 */

/**
 * Builds the gateway once, into a folder that the caller removes with `clean`.
 *
 * @returns {{ path: string, clean: () => void }}
 */
export function buildGateway() {
  const folder = mkdtempSync(join(tmpdir(), 'iotwasm-gateway-'))
  const path = join(folder, 'gateway')
  execFileSync('go', ['build', '-o', path, './site/gateway'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  return { path, clean: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The site as it is deployed. */
const site = ['-site', 'site/dist', '-pkg', 'site/dist/pkg']

/** Tests ask the shadow service for more than AWS lets one thing have; those of its limits set them again. */
const noShadowLimits = ['-shadow-rate', '0', '-shadow-account-rate', '0', '-shadow-in-flight', '0']

/**
 * @param {string} path of the gateway's program
 * @param {{ port?: number, args?: string[] }} [options]
 * @returns {Promise<Gateway>}
 */
export async function startGateway(path, { port = 0, args = [] } = {}) {
  const child = spawn(path, ['-addr', `127.0.0.1:${port}`, ...site, ...noShadowLimits, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', chunk => { log += chunk })
  /** @type {Record<string, string>} */
  const facts = {}
  const lines = createInterface({ input: child.stdout })
  await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the gateway did not start: ${log}`)))
    lines.on('line', line => {
      const [, name, value] = /^(\S+(?: key)?)\s+(.*)$/.exec(line) ?? []
      if (name && value) facts[name] = value
      if (name === 'secret key') resolve(undefined)
    })
  })
  return {
    origin: /** @type {string} */ (facts['console']).replace(/\/$/, ''),
    options: {
      endpoint: /** @type {string} */ (facts['endpoint']),
      region: /** @type {string} */ (facts['region']),
      credentials: { accessKeyId: /** @type {string} */ (facts['access key']), secretAccessKey: /** @type {string} */ (facts['secret key']) },
    },
    pid: /** @type {number} */ (child.pid),
    log: () => log,
    stop: signal => stop(child, signal),
  }
}

/**
 * Starts mosquitto with a WebSocket listener.
 *
 * @param {string} [settings] further lines of its configuration
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startMosquitto(settings = '') {
  const folder = mkdtempSync(join(tmpdir(), 'iotwasm-mosquitto-'))
  const [plain, websocket] = [await freePort(), await freePort()]
  const config = join(folder, 'mosquitto.conf')
  // Debian's 2.0 does not start with a WebSocket listener alone.
  writeFileSync(config, `allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
listener ${plain} 127.0.0.1
listener ${websocket} 127.0.0.1
protocol websockets
socket_domain ipv4
${settings}`)
  const path = [process.env.PATH, '/usr/sbin', '/opt/homebrew/sbin', '/usr/local/sbin'].join(':')
  const child = spawn('mosquitto', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: path } })
  let log = ''
  child.stderr.on('data', chunk => { log += chunk })
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`mosquitto did not start: ${log}`)))
    child.stderr.on('data', () => { if (/mosquitto version .* running/.test(log)) resolve(undefined) })
  })
  return {
    url: `ws://127.0.0.1:${websocket}/mqtt`,
    stop: async () => {
      await stop(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  child.kill('SIGCONT')
  await ended
}

/** @returns {Promise<number>} */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** How Playwright and Puppeteer start the machine's own Chromium. */
export const chromium = {
  executablePath: [
    process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ].find(path => path && existsSync(path)) ?? 'chromium',
  args: [
    ...process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
}
