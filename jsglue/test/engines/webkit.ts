/** WebKit by W3C WebDriver: WebKitGTK's own browser on a virtual display, or Safari. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { freePort } from '../servers.mjs'
import { asExpression, within, type Engine } from './engine'

/** How the driver is started, if there is one. */
const driver = existsSync('/usr/bin/WebKitWebDriver') ? ['xvfb-run', '-a', '/usr/bin/WebKitWebDriver'] : process.platform === 'darwin' ? ['safaridriver'] : undefined

export async function startWebKit(): Promise<Engine> {
  if (!driver) throw new Error('there is no driver for WebKit: .ci/install-browsers-and-broker engines installs it')
  const port = await freePort(), [program, ...args] = driver
  // A group of its own, since xvfb-run leaves its children behind.
  const child = spawn(program!, [...args, program === 'safaridriver' ? '-p' : `--port=${port}`, ...program === 'safaridriver' ? [String(port)] : []], { detached: true, stdio: 'ignore' })
  const end = (): void => { try { process.kill(-child.pid!, 'SIGKILL') } catch { /* it has ended */ } }
  process.once('exit', end)

  const call = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...body && { body: JSON.stringify(body) }, signal: AbortSignal.timeout(70_000) })
    const { value } = await answer.json() as { value: T & { message?: string } }
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.message}`)
    return value
  }

  try {
    await within(30_000, 'starting the driver of WebKit', (async () => {
      for (;;) {
        if (await call('GET', '/status').then(() => true, () => false)) return
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    })())
    const { sessionId } = await within(60_000, 'starting WebKit', call<{ sessionId: string }>('POST', '/session', { capabilities: { alwaysMatch: {} } }))
    const session = `/session/${sessionId}`
    await call('POST', `${session}/timeouts`, { script: 60_000, pageLoad: 30_000 })
    return {
      name: 'WebKit',
      open: async url => { await call('POST', `${session}/url`, { url }) },
      run: async (f, argument) => {
        const script = `const done = arguments[arguments.length - 1]
          Promise.resolve().then(() => ${asExpression(f, argument)}).then(value => done({ value }), e => done({ error: String(e) + ' ' + (e.hint || '') }))`
        const { value, error } = await call<{ value: never, error?: string }>('POST', `${session}/execute/async`, { script, args: [] })
        if (error !== undefined) throw new Error(error)
        return value
      },
      stop: async () => {
        await within(10_000, 'closing WebKit', call('DELETE', session)).catch(() => undefined)
        end()
      },
    }
  } catch (e) {
    end()
    throw e
  }
}
