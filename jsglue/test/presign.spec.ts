/** presign() in the browser against aws4fetch in Node, on generated inputs. */
import { AwsV4Signer } from 'aws4fetch'
import { expect, test } from './fixtures'

const names = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-SignedHeaders', 'X-Amz-Expires', 'X-Amz-Security-Token', 'X-Amz-Signature']

/** mulberry32: the same inputs in every run. */
function generator(seed: number): (below: number) => number {
  return below => {
    seed = seed + 0x6d2b79f5 | 0
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) % below
  }
}

interface Input {
  endpoint: string
  region?: string
  credentials: { accessKeyId: string, secretAccessKey: string, sessionToken?: string }
  time: number
  expires?: number
}

const regions = ['us-east-1', 'eu-west-1', 'ap-northeast-1', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-4']

function inputs(count: number): Input[] {
  const random = generator(20240607)
  const pick = <T>(values: readonly T[] | string): T => values[random(values.length)] as T
  const text = (alphabet: string, length: number): string => Array.from({ length }, () => pick<string>(alphabet)).join('')
  const letters = 'abcdefghijklmnopqrstuvwxyz', upper = letters.toUpperCase(), digits = '0123456789'
  const base64 = letters + upper + digits + '+/='
  const printable = base64 + '!"#$%&\'()*,-.:;<>?@[\\]^_`{|}~'
  return Array.from({ length: count }, (_, i) => {
    const region = pick<string>(regions)
    const host = pick<() => string>([
      () => `${text(letters + digits, 14)}-ats.iot.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
      () => `${text(letters, 1 + random(20))}.${text(letters, 5)}.example`,
      () => `127.0.0.1`, () => 'localhost', () => `${text(upper, 6)}.Example`,
    ])()
    const port = pick<string>(['', '', ':443', ':8443', `:${1 + random(65535)}`])
    const scheme = pick<string>(['', 'wss://', /^(127|local)/.test(host) ? 'ws://' : 'wss://'])
    return {
      endpoint: scheme + host + port + (scheme ? pick<string>(['', '/', '/mqtt']) : ''),
      ...(!host.includes('amazonaws') || random(2) ? { region } : {}),
      credentials: {
        accessKeyId: `AKIA${text(upper + digits, 16)}`,
        secretAccessKey: text(random(2) ? base64 : printable, 40),
        ...(random(2) ? { sessionToken: text(random(2) ? base64 : printable, 1 + random(900)) } : {}),
      },
      time: Date.UTC(2001 + random(90), random(12), 1 + random(28), random(24), random(60), random(60), random(1000)),
      ...(i % 3 === 0 ? { expires: 1 + random(604800) } : {}),
    }
  })
}

test('300 generated inputs give the URLs that aws4fetch gives', async ({ shared }) => {
  const all = inputs(300)
  const urls = await shared.evaluate(all => Promise.all(all.map(({ time, ...o }) => window.iotwasm.presign({ ...o, date: new Date(time) }))), all)
  for (const [i, input] of all.entries()) {
    const ours = new URL(urls[i])
    const plain = new URL(`${/:\/\//.test(input.endpoint) ? '' : 'wss://'}${input.endpoint}`)
    // aws4fetch, too, appends the token unsigned for this service; it adds X-Amz-Expires only for S3.
    const theirs = (await new AwsV4Signer({
      ...input.credentials, url: `${plain.protocol}//${plain.host}/mqtt${input.expires ? `?X-Amz-Expires=${input.expires}` : ''}`,
      service: 'iotdevicegateway', region: input.region ?? regions.find(r => input.endpoint.includes(r))!, signQuery: true,
      datetime: new Date(input.time).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    }).sign()).url
    const of = (url: URL) => [url.protocol, url.host, url.pathname, ...names.map(n => url.searchParams.getAll(n))]
    expect(of(ours), JSON.stringify(input)).toEqual(of(theirs))
    const order = [...ours.searchParams.keys()]
    expect(new Set(order)).toEqual(new Set(theirs.searchParams.keys()))
    expect(order.includes('X-Amz-Expires')).toBe(input.expires !== undefined)
    expect(order.slice(order.indexOf('X-Amz-Signature') + 1)).toEqual(input.credentials.sessionToken ? ['X-Amz-Security-Token'] : [])
  }
})

test('the page and the Worker sign alike, and the date defaults to now', async ({ shared, gateway }) => {
  const { endpoint, region, credentials } = gateway.options
  const [page, worker, now] = await shared.evaluate(async o => Promise.all([
    window.iotwasm.presign({ ...o, date: new Date(1e12), worker: false }), window.iotwasm.presign({ ...o, date: new Date(1e12), worker: true }), window.iotwasm.presign(o),
  ]), { endpoint, region, credentials })
  expect(page).toBe(worker)
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(new URL(now).searchParams.get('X-Amz-Date')!)!.map(Number)
  expect(Math.abs(Date.UTC(y, m - 1, d, h, min, s) - Date.now())).toBeLessThan(30_000)
})

test('a presigned URL opens a connection, once dialled as url', async ({ shared, gateway }) => {
  const state = await shared.evaluate(async o => {
    const client = await window.iotwasm.connect({ url: () => window.iotwasm.presign(o) })
    const { state } = client
    await client.close()
    return state
  }, gateway.options)
  expect(state).toBe('connected')
})
