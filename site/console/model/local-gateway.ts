/** The local gateway, where one serves this page. */
import { newProfile, type Profile, type Secrets } from './profile'

export interface LocalGateway {
  profile: Profile
  secrets: Secrets
}

/** Undefined where there is none, which is no error. */
export async function findGateway(): Promise<LocalGateway | undefined> {
  try {
    const answer = await fetch('gateway.json', { cache: 'no-store' })
    if (!answer.ok) return undefined
    const { endpoint, region, accessKeyId, secretAccessKey } = await answer.json() as Record<string, string>
    if (!endpoint || !accessKeyId || !secretAccessKey) return undefined
    return { profile: newProfile({ id: 'local-gateway', name: 'Local gateway', authentication: 'gateway', endpoint, region: region ?? '' }), secrets: { accessKeyId, secretAccessKey } }
  } catch {
    return undefined
  }
}
