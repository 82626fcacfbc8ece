/** The one kind of error that pages see; types.ts documents it. */
import type { IotError as IotErrorType, IotErrorCode } from './types'

interface Details {
  retryable?: boolean
  field?: string | undefined
  hint?: string | undefined
  reasonCode?: number | undefined
  cause?: unknown
}

export class IotError extends Error implements IotErrorType {
  override readonly name = 'IotError' as const
  readonly code: IotErrorCode
  readonly retryable: boolean
  readonly field?: string
  readonly hint?: string
  readonly reasonCode?: number

  constructor(code: IotErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? false
    if (details.field) this.field = details.field
    if (details.hint) this.hint = details.hint
    if (details.reasonCode !== undefined) this.reasonCode = details.reasonCode
  }
}

export function isIotError(value: unknown): value is IotErrorType {
  return value instanceof Error && value.name === 'IotError' && 'code' in value
}

/** A wrong argument: `field` must …. */
export function invalid(field: string, must: string, hint?: string): IotError {
  return new IotError('invalid-argument', `${field} must ${must}`, { field, hint })
}

export function aborted(signal: AbortSignal): IotError {
  return new IotError('aborted', 'the call was aborted', { cause: signal.reason })
}

export function closed(): IotError {
  return new IotError('closed', 'the client is closed')
}

/** A page's callback, of which an exception is told and stops nothing else. */
export function guarded<A extends unknown[]>(callback: ((...args: A) => unknown) | undefined): (...args: A) => void {
  return (...args) => {
    try {
      callback?.(...args)
    } catch (e) {
      reportUncaught(e)
    }
  }
}

/** Tells what a page's handler threw as the browser tells uncaught errors. */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else setTimeout(() => { throw error })
}
