/** The package's entry. What it exports is what types.ts declares. */
import { unlessAborted } from './abort'
import { connect, loaded } from './client'
import { cognitoIdentity } from './cognito'
import { onlyLoadOptions } from './connect-options'
import { IotError, isIotError } from './errors'
import { presign } from './presign'
import type * as types from './types'
import { version } from './version'

async function load(options?: types.LoadOptions): Promise<void> {
  const checked = onlyLoadOptions(options)
  await unlessAborted(loaded(checked), checked.signal)
}

// Holds the exports to the declarations that are published.
const face = { connect, load, presign, cognitoIdentity, isIotError, version } satisfies Omit<typeof types, 'IotError'>
void face

export { connect, load, presign, cognitoIdentity, IotError, isIotError, version }
export type * from './types'
