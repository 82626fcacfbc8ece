// A program for Node that publishes JSON of devices at a rate, with mqtt.js.
// @ts-check

/**
 * @param {{ endpoint: string, region: string, credentials: { accessKeyId: string, secretAccessKey: string }, topic: string, rate: number, seconds: number }} options
 * @returns {string} an ES module
 */
export const floodProgram = options => `
import mqtt from 'mqtt'
import { AwsClient } from 'aws4fetch'
const { endpoint, region, credentials, topic, rate, seconds } = ${JSON.stringify(options)}
const signer = new AwsClient({ ...credentials, region, service: 'iotdevicegateway' })
const { url } = await signer.sign(endpoint.replace(/^ws/, 'http') + '/mqtt', { method: 'GET', aws: { signQuery: true } })
const client = mqtt.connect(endpoint + '/mqtt', { protocolVersion: 5, transformWsUrl: () => url.replace(/^http/, 'ws') })
client.on('error', error => { console.error(String(error)); process.exit(1) })
client.on('connect', () => {
  const start = Date.now()
  let sent = 0
  setInterval(() => {
    const due = (Date.now() - start) / 1000 * rate
    for (; sent < due; sent++) client.publish(topic + '/device-' + sent % 40 + '/state', JSON.stringify({ n: sent, temperature: 20 + Math.sin(sent / 50), tags: ['a', 'b'], at: Date.now() }))
    if (Date.now() - start > (seconds + 5) * 1000) process.exit()
  }, 10)
})
`
