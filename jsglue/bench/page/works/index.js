// What is measured: each work runs for a fraction of a second on an open
// connection and returns its figures by name. A throughput is in messages per
// second, a time in ms.
// @ts-check
import { presign } from './presign.js'
import { publishAndReceive, qos0, qos1 } from './publish.js'
import { receive } from './receive.js'
import { roundTrip, roundTripLoaded } from './round-trip.js'
import { subscriptions } from './subscriptions.js'

/**
 * @typedef {object} Context what a work is given
 * @property {import('../lanes/index.js').Connection} connection
 * @property {import('../lanes/index.js').Lane} lane
 * @property {import('../lanes/index.js').Server} server
 * @property {number} scale of times and counts: 1, or less for a quick run
 *
 * @typedef {(context: Context) => Promise<Record<string, number>>} Work
 */

/** Works for a server that routes messages. @type {Record<string, Work>} */
export const brokerWorks = {
  'qos0-publish': qos0('qos0-publish', 128, 5000),
  'qos0-publish-16B': qos0('qos0-publish-16B', 16, 5000),
  'qos0-publish-4KB': qos0('qos0-publish-4KB', 4096, 244),
  'qos0-publish-100KB': qos0('qos0-publish-100KB', 102_400, 18),
  'qos1-publish-1': qos1('qos1-publish-1', 1),
  'qos1-publish-10': qos1('qos1-publish-10', 10),
  'qos1-publish-100': qos1('qos1-publish-100', 100),
  'publish-and-receive': publishAndReceive,
  'round-trip': roundTrip,
  'round-trip-loaded': roundTripLoaded,
  'subscriptions-1000': subscriptions,
}

/** Works that only a server which wants signatures can be asked for. @type {Record<string, Work>} */
export const signedWorks = { presign }

/** Works for the flood server. @type {Record<string, Work>} */
export const floodWorks = {
  'receive-1': receive('receive-1', 1, 10_000),
  'receive-20': receive('receive-20', 20, 20_000),
  'receive-1-16B': receive('receive-1-16B', 1, 10_000, 16),
  'receive-1-4KB': receive('receive-1-4KB', 1, 4000, 4096),
  'receive-1-100KB': receive('receive-1-100KB', 1, 200, 102_400),
}
