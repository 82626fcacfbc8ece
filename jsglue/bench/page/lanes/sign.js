// Signs with aws4fetch for the clients that cannot.
// @ts-check
import { AwsV4Signer } from 'aws4fetch'

/**
 * @param {import('./index.js').Signed} server
 * @returns {Promise<string>}
 */
export async function sign({ endpoint, region, credentials }) {
  const signer = new AwsV4Signer({ ...credentials, url: `${endpoint}/mqtt`, service: 'iotdevicegateway', region, signQuery: true })
  return (await signer.sign()).url.href
}

/** @param {import('./index.js').Server} server */
export const urlOf = async server => 'url' in server ? server.url : sign(server)
