/** `presign`: a signed URL without a connection. */
import { unlessAborted } from './abort'
import { presignOptions, writePresign } from './connect-options'
import { engineFor } from './engine'
import { Command } from './kinds'
import type { LoadOptions, PresignOptions } from './types'

/** See types.ts. */
export async function presign(options: PresignOptions & LoadOptions): Promise<string> {
  const o = presignOptions(options)
  return unlessAborted(signed(o), o.signal)
}

async function signed(o: ReturnType<typeof presignOptions>): Promise<string> {
  const engine = await engineFor(o)
  const op = engine.newId()
  return engine.call(Command.presign, op, w => writePresign(w, op, o, o.credentials), r => r.text())
}
