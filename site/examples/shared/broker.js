/** Where an example connects: to the gateway that serves it, which wants each URL signed, or to the broker that the page is told. */
import { sign } from './sign.js'

const { searchParams } = new URL(location.href)

/** Begins every topic, so that several can use one broker side by side: `?space=`. */
export const space = searchParams.get('space')?.replace(/[^\w-]/g, '') || 'iotwasm-demo'

/** Undefined where the page has to ask for a URL. */
export async function findBroker() {
  const named = searchParams.get('broker')
  if (named) return plain(named)
  const gateway = await fetch('../../gateway.json').then(answer => answer.ok ? answer.json() : undefined).catch(() => undefined)
  return gateway && signed(gateway)
}

/** A broker that wants nothing signed. */
export const plain = url => ({ url, transformWsUrl: given => given, renew: async () => {} })

/**
 * mqtt.js asks for the URL of each attempt with transformWsUrl and does not wait, so
 * that the next one is signed when a connection ends: `client.on('close', renew)`.
 */
async function signed({ endpoint, region }) {
  const url = `${endpoint}/mqtt`
  let next, credentials
  const renew = async () => {
    credentials = await fetch('../../credentials').then(answer => answer.json()).catch(() => credentials)
    if (credentials) next = await sign(url, region, credentials)
  }
  await renew()
  return { url, transformWsUrl: () => next, renew }
}
