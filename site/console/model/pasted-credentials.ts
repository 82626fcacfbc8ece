/** Credentials as they are copied: lines of a shell or of ~/.aws/credentials, or the JSON of the AWS CLI. */
import type { Secrets } from './profile'

const names: Record<string, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'> = {
  accesskeyid: 'accessKeyId', awsaccesskeyid: 'accessKeyId', secretaccesskey: 'secretAccessKey', awssecretaccesskey: 'secretAccessKey', secretkey: 'secretAccessKey',
  sessiontoken: 'sessionToken', awssessiontoken: 'sessionToken',
}

/** Undefined where the text is not such a block: a single value, for one. */
export function pastedCredentials(text: string): Pick<Secrets, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'> | undefined {
  const found: Record<string, string> = {}
  for (const [, name, value] of text.matchAll(/["']?([A-Za-z_]+)["']?\s*[=:]\s*["']?([A-Za-z0-9+/=_-]+)["']?/g)) {
    const known = names[name!.replaceAll('_', '').toLowerCase()]
    if (known) found[known] = value!
  }
  return found['accessKeyId'] && found['secretAccessKey'] ? found : undefined
}
