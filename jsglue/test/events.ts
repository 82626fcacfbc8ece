/** What a client tells by its events, kept in order. */
import type { JSHandle } from '@playwright/test'
import type { Client, IotError } from '../src/types'
import { expect } from './fixtures'

export interface Seen {
  /** The event and what tells it apart: `state reconnecting`, `connect resumed`, `error handshake-failed`. */
  text: string
  hint?: string
  reasonCode?: number
  /** Of a `reconnect` event. */
  delay?: number
}

/** Keeps the events of a client from now on. */
export function record(client: JSHandle<Client>): Promise<JSHandle<Seen[]>> {
  return client.evaluateHandle(c => {
    const seen: Seen[] = []
    const note = (text: string, error?: IotError, delay?: number): void => {
      seen.push({
        text: error ? `${text} ${error.code}` : text, ...(delay !== undefined && { delay }),
        ...(error?.hint !== undefined && { hint: error.hint }), ...(error?.reasonCode !== undefined && { reasonCode: error.reasonCode }),
      })
    }
    c.on('state', (state, error) => note(`state ${state}`, error))
    c.on('connect', connack => note(connack.sessionPresent ? 'connect resumed' : 'connect'))
    c.on('offline', error => note('offline', error))
    c.on('reconnect', retry => note(`reconnect ${retry.attempt}`, retry.error, retry.delay))
    c.on('disconnect', packet => note(`disconnect 0x${packet.reasonCode.toString(16).toUpperCase()}`))
    c.on('close', error => note('close', error))
    c.on('error', error => note('error', error))
    return seen
  })
}

export const texts = (seen: JSHandle<Seen[]>): Promise<string[]> => seen.evaluate(s => s.map(e => e.text))

/** Waits for an event that was recorded. */
export async function until(seen: JSHandle<Seen[]>, text: string | RegExp, times = 1): Promise<void> {
  const matches = (t: string): boolean => typeof text === 'string' ? t === text : text.test(t)
  await expect.poll(async () => (await texts(seen)).filter(matches).length, { timeout: 30_000, message: `event ${text}` }).toBeGreaterThanOrEqual(times)
}
