/** The errors that mqtt.js tells of a packet of the server; types.ts documents them. */
import type { ErrorWithReasonCode as ReasonType, ErrorWithSubackPacket as SubackType, ISubackPacket } from './types'

export class ErrorWithReasonCode extends Error implements ReasonType {
  static { this.prototype.name = 'ErrorWithReasonCode' }

  constructor(message: string, public code: number) { super(message) }
}

export class ErrorWithSubackPacket extends Error implements SubackType {
  static { this.prototype.name = 'ErrorWithSubackPacket' }

  constructor(message: string, public packet: ISubackPacket) { super(message) }
}
