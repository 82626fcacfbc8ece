/** Errors as plain data, which can be posted from a Worker to the page. */
import type { IotErrorCode } from './types'

export interface Failure {
  code: IotErrorCode
  message: string
  hint: string
}

/** A Failure. What caused it goes along as text, unless it holds a query. */
export function failure(code: IotErrorCode, message: string, hint = '', cause?: unknown): Failure {
  const why = cause instanceof Error && !cause.message.includes('?') ? `: ${cause.message}` : ''
  return { code, message: message + why, hint }
}
