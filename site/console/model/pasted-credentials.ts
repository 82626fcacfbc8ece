/** Credentials as they are copied: lines of a shell or of ~/.aws/credentials, or the JSON of the AWS CLI. */
import type { Secrets } from './profile'

export type Keys = Pick<Secrets, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

const names: Record<string, keyof Keys> = {
  accesskeyid: 'accessKeyId', awsaccesskeyid: 'accessKeyId', secretaccesskey: 'secretAccessKey', awssecretaccesskey: 'secretAccessKey', secretkey: 'secretAccessKey',
  sessiontoken: 'sessionToken', awssessiontoken: 'sessionToken',
}

/** What follows the colon of PowerShell's `$Env:AWS_ACCESS_KEY_ID="…"` is a name and no value. */
const assignment = /["']?\b([A-Za-z_]+)["']?\s*(?:=|:(?!AWS_))\s*["']?([A-Za-z0-9+/=_-]+)["']?/gi

/** Undefined where the text is not such a block: a single value, for one. */
export function pastedCredentials(text: string): Keys | undefined {
  for (const section of text.split(/^\s*\[[^\]\n]*\]\s*$/m)) { // profiles of a file: keys of one go with no other's token
    const found: Keys = {}
    for (const [, name, value] of section.matchAll(assignment)) {
      const known = names[name!.replaceAll('_', '').toLowerCase()]
      if (known) found[known] = value!
    }
    if (found.accessKeyId && found.secretAccessKey) return found
  }
  return undefined
}
