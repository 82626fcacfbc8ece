/** A stock client, mqtt.js signing through aws4fetch, is served by the gateway as AWS serves it. */
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { expect, openBlank, test } from './fixtures'
import { signed } from './observer'

interface StockClient {
  on(event: 'connect' | 'message' | 'error', handler: (...args: never[]) => void): void
  subscribeAsync(topics: string[], options: { qos: 1 }): Promise<{ qos: number }[]>
  publishAsync(topic: string, payload: string, options: { qos: 1 }): Promise<unknown>
  endAsync(): Promise<void>
}

for (const protocolVersion of [5, 4]) {
  test(`the shadow scenario with protocolVersion ${protocolVersion}`, async ({ page, gateway, topic }) => {
    await openBlank(page, gateway.origin)
    const source = readFileSync(new URL('../node_modules/mqtt/dist/mqtt.esm.js', import.meta.url), 'utf8')
    const accepted = await page.evaluate(async ({ source, endpoint, url, thing, protocolVersion }) => {
      const file = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
      const { default: mqtt } = await import(file) as { default: { connect(url: string, options: object): StockClient } }
      const client = mqtt.connect(`${endpoint}/mqtt`, { protocolVersion, clean: true, reconnectPeriod: 0, transformWsUrl: () => url })
      await new Promise<void>((resolve, reject) => {
        client.on('connect', () => resolve())
        client.on('error', reject)
      })
      const update = (shadow: string): string => `$aws/things/${thing}/shadow/name/${shadow}/update`
      const accepted: [string, number][] = []
      const both = new Promise<void>(resolve => {
        client.on('message', (topic: string, payload: Uint8Array) => {
          accepted.push([topic, (JSON.parse(new TextDecoder().decode(payload)) as { version: number }).version])
          if (accepted.length === 2) resolve()
        })
      })
      await client.subscribeAsync([`${update('test1')}/accepted`, `${update('test2')}/accepted`], { qos: 1 })
      for (const [i, shadow] of ['test1', 'test2'].entries()) {
        setTimeout(() => void client.publishAsync(update(shadow), '{"state":{"reported":{}}}', { qos: 1 }), (i + 1) * 300)
      }
      await both
      await client.endAsync()
      return accepted
    }, { source, endpoint: gateway.options.endpoint, url: await signed(gateway.options), thing: topic.replaceAll('/', '-'), protocolVersion })
    const update = (shadow: string): string => `$aws/things/${topic.replaceAll('/', '-')}/shadow/name/${shadow}/update/accepted`
    expect(accepted).toEqual([[update('test1'), 1], [update('test2'), 1]])
  })
}

/** Asks for the upgrade without a browser, which would hide the answer. */
async function upgrade(url: string): Promise<{ status: number, headers: IncomingMessage['headers'], body: string }> {
  const asked = request(url.replace(/^ws/, 'http'), {
    headers: {
      'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'mqtt',
    },
  })
  return new Promise((resolve, reject) => {
    asked.on('error', reject)
    asked.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' })
    })
    asked.on('response', response => {
      let body = ''
      response.on('data', chunk => { body += chunk })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asked.end()
  })
}

test('a tampered signature gets 403 in the form of AWS', async ({ gateway }) => {
  const url = await signed(gateway.options)
  const good = await upgrade(url)
  expect(good).toMatchObject({ status: 101, headers: { 'sec-websocket-protocol': 'mqtt' } })
  const flipped = url.replace(/(X-Amz-Signature=)(.)/, (_, name: string, digit: string) => name + (digit === '0' ? '1' : '0'))
  for (const tampered of [flipped, url.replace('us-east-1', 'us-west-2'), url.replace(/&X-Amz-Signature=.*/, '')]) {
    const refused = await upgrade(tampered)
    expect(refused.status).toBe(403)
    expect(refused.headers).toMatchObject({ 'content-type': 'application/json', 'x-amzn-errortype': 'ForbiddenException:' })
    expect(refused.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/)
    expect(JSON.parse(refused.body)).toEqual({ message: 'Forbidden', traceId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  }
})
