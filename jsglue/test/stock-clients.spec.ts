/** Stock clients of Node work with the gateway as with AWS: mqtt.js that signs through aws4fetch, and the client of AWS's own SDKs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auth, iot, mqtt5 } from 'aws-crt'
import { AwsV4Signer } from 'aws4fetch'
import mqtt, { type MqttClient } from 'mqtt'
import { expect, startGateway, test as base, type Gateway } from './fixtures'

type Scheme = 'ws' | 'wss'

interface Served {
  gateway: Gateway
  /** PEM file of the authority to trust; only with TLS. */
  authority?: string
}

const test = base.extend<{}, { served: Record<Scheme, Served> }>({
  served: [async ({ program, gateway }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'iotwasm-tls-'))
    const secure = await startGateway(program, { args: ['-tls-dir', folder] })
    await use({ ws: { gateway }, wss: { gateway: secure, authority: join(folder, 'authority.pem') } })
    await secure.stop()
    rmSync(folder, { recursive: true, force: true })
  }, { scope: 'worker' }],
})

async function signed({ options }: Gateway): Promise<string> {
  const { url } = await new AwsV4Signer({
    ...options.credentials, url: `${options.endpoint}/mqtt`, service: 'iotdevicegateway', region: options.region, signQuery: true,
  }).sign()
  return url.href
}

/** Connects mqtt.js; every reconnect signs anew. */
async function connectMqttJS({ gateway, authority }: Served, options: mqtt.IClientOptions): Promise<MqttClient> {
  let url = await signed(gateway)
  const client = mqtt.connect(url, {
    reconnectPeriod: 0, connectTimeout: 10_000, transformWsUrl: () => url,
    ...authority && { ca: readFileSync(authority) },
    ...options,
  })
  client.on('close', () => void signed(gateway).then(next => { url = next }))
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  return client
}

async function nextMessage(client: MqttClient): Promise<[topic: string, payload: string]> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no message')), 15_000)
    client.once('message', (topic, payload) => {
      clearTimeout(late)
      resolve([topic, payload.toString()])
    })
  })
}

for (const scheme of ['ws', 'wss'] as const) {
  for (const protocolVersion of [5, 4] as const) {
    test(`mqtt.js over ${scheme} with protocolVersion ${protocolVersion}`, async ({ served, topic }) => {
      const watcher = await connectMqttJS(served[scheme], { protocolVersion })
      const granted = await watcher.subscribeAsync(`${topic}/#`, { qos: 1 })
      expect(granted).toMatchObject([{ topic: `${topic}/#`, qos: 1 }])

      const client = await connectMqttJS(served[scheme], {
        protocolVersion, clientId: topic.replaceAll('/', '-'), clean: true, reconnectPeriod: 200,
        will: { topic: `${topic}/gone`, payload: Buffer.from('the will'), qos: 1, retain: false },
      })
      for (const qos of [0, 1] as const) {
        const message = nextMessage(watcher)
        await client.publishAsync(`${topic}/data`, `at QoS ${qos}`, { qos })
        expect(await message).toEqual([`${topic}/data`, `at QoS ${qos}`])
      }

      const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow/update`
      await client.subscribeAsync(`${shadow}/accepted`, { qos: 1 })
      const accepted = nextMessage(client)
      await client.publishAsync(shadow, '{"state":{"reported":{"on":true}}}', { qos: 1 })
      const [from, text] = await accepted
      expect([from, (JSON.parse(text) as { version: number }).version]).toEqual([`${shadow}/accepted`, 1])

      const will = nextMessage(watcher)
      const back = new Promise<void>(resolve => client.once('connect', () => resolve()))
      client.stream.destroy()
      expect(await will).toEqual([`${topic}/gone`, 'the will'])
      await back
      await Promise.all([client.endAsync(), watcher.endAsync()])
    })
  }

  test(`AWS's own client over ${scheme}`, async ({ served, topic }) => {
    const client = new mqtt5.Mqtt5Client(configuration(served[scheme], topic.replaceAll('/', '-'), scheme))
    try {
      const connected = event(client, 'connectionSuccess')
      client.start()
      const { connack, settings } = await connected
      expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: false, maximumQos: 1, receiveMaximum: 100 })
      expect(settings).toMatchObject({ serverKeepAlive: 60, topicAliasMaximumToServer: 8 })

      const shadow = `$aws/things/${topic.replaceAll('/', '-')}/shadow/name/crt/update`
      const { reasonCodes } = await client.subscribe({
        subscriptions: [{ topicFilter: `${topic}/#`, qos: 1 }, { topicFilter: `${shadow}/accepted`, qos: 1 }],
      })
      expect(reasonCodes).toEqual([1, 1])

      for (const qos of [0, 1] as const) {
        const received = event(client, 'messageReceived')
        const puback = await client.publish({ topicName: `${topic}/data`, qos, payload: `at QoS ${qos}`, userProperties: [{ name: 'n', value: 'v' }] })
        expect(puback?.reasonCode).toBe(qos ? 0 : undefined)
        const { message } = await received
        expect(message).toMatchObject({ topicName: `${topic}/data`, qos, userProperties: [{ name: 'n', value: 'v' }] })
        expect(textOf(message.payload)).toBe(`at QoS ${qos}`)
      }

      const accepted = event(client, 'messageReceived')
      await client.publish({ topicName: shadow, qos: 1, payload: '{"state":{"reported":{"on":true}}}' })
      const { message } = await accepted
      expect(message.topicName).toBe(`${shadow}/accepted`)
      expect(JSON.parse(textOf(message.payload))).toMatchObject({ state: { reported: { on: true } }, version: 1 })

      const stopped = event(client, 'stopped')
      client.stop({ reasonCode: 0 })
      await stopped
    } finally {
      client.close()
    }
  })
}

test("AWS's own client with the wrong secret is refused", async ({ served }) => {
  const { gateway } = served.ws
  const wrong = { ...gateway, options: { ...gateway.options, credentials: { ...gateway.options.credentials, secretAccessKey: 'wrong' } } }
  const client = new mqtt5.Mqtt5Client(configuration({ gateway: wrong }, 'refused', 'ws'))
  try {
    const failed = event(client, 'connectionFailure')
    client.start()
    const { error, connack } = await failed
    expect(connack).toBeUndefined()
    expect(String(error)).toContain('UPGRADE_FAILURE')
    const stopped = event(client, 'stopped')
    client.stop()
    await stopped
  } finally {
    client.close()
  }
})

/** What the SDK's builder for SigV4 makes of static credentials; without TLS where there is none. */
function configuration({ gateway, authority }: Served, clientId: string, scheme: Scheme): mqtt5.Mqtt5ClientConfig {
  const { credentials, endpoint, region } = gateway.options
  const { hostname, port } = new URL(endpoint)
  const builder = iot.AwsIotMqtt5ClientConfigBuilder.newWebsocketMqttBuilderWithSigv4Auth(hostname, {
    region, credentialsProvider: auth.AwsCredentialsProvider.newStatic(credentials.accessKeyId, credentials.secretAccessKey),
  })
    .withPort(Number(port))
    .withConnectProperties({ clientId, keepAliveIntervalSeconds: 60 })
  if (authority) builder.withCertificateAuthorityFromPath(undefined, authority)
  const built = builder.build()
  if (scheme === 'ws') delete built.tlsCtx
  return built
}

interface Events {
  connectionSuccess: mqtt5.ConnectionSuccessEvent
  connectionFailure: mqtt5.ConnectionFailureEvent
  messageReceived: mqtt5.MessageReceivedEvent
  stopped: mqtt5.StoppedEvent
}

/** The next event of a kind, within 15 seconds. */
async function event<K extends keyof Events>(client: mqtt5.Mqtt5Client, kind: K): Promise<Events[K]> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${kind}`)), 15_000)
    client.once(kind, (value: Events[K]) => {
      clearTimeout(late)
      resolve(value)
    })
  })
}

function textOf(payload: mqtt5.Payload | undefined): string {
  return Buffer.from(payload as ArrayBuffer).toString()
}
