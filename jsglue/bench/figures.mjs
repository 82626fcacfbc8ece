// What each figure is called and counted in, in the order in which they are shown.
// More is better of what is counted by the second and of a share, less of all else.
// @ts-check

/**
 * @typedef {'/s' | 'ms' | 'µs' | 'MB' | 'KB' | '%' | '×' | 'frames'} Unit
 * @typedef {{ title: string, unit: Unit, aside?: string }} Figure
 * @typedef {Record<string, Record<string, number>>} Table by figure and lane
 * @typedef {Record<string, Record<string, string>>} Reasons why a cell is empty, by figure and lane
 */

/** @type {Record<string, Figure>} */
export const figures = {
  'qos0-publish': { title: 'Publish, QoS 0, 128 B', unit: '/s' },
  'qos0-publish-16B': { title: 'Publish, QoS 0, 16 B', unit: '/s' },
  'qos0-publish-4KB': { title: 'Publish, QoS 0, 4 KB', unit: '/s', aside: 'mqtt.js pauses there' },
  'qos0-publish-100KB': { title: 'Publish, QoS 0, 100 KB', unit: '/s', aside: 'mqtt.js pauses there' },
  'qos1-publish-1': { title: 'Publish, QoS 1, 1 in flight', unit: '/s' },
  'qos1-publish-10': { title: 'Publish, QoS 1, 10 in flight', unit: '/s' },
  'qos1-publish-100': { title: 'Publish, QoS 1, 100 in flight', unit: '/s' },
  'publish-and-receive': { title: 'Publish and receive, 128 B', unit: '/s' },
  'round-trip-p50': { title: 'Round trip, idle, p50', unit: 'ms' },
  'round-trip-p99': { title: 'Round trip, idle, p99', unit: 'ms' },
  'round-trip-loaded-p50': { title: 'Round trip under load, p50', unit: 'ms' },
  'round-trip-loaded-p99': { title: 'Round trip under load, p99', unit: 'ms' },
  'subscribe-1000': { title: 'Subscribe to 1,000 filters with a wildcard', unit: 'ms' },
  'receive-1-subscription': { title: 'Receive through one subscription', unit: '/s' },
  'receive-1000-subscriptions': { title: 'Receive through 1,000 subscriptions', unit: '/s' },
  'subscriptions-1000-to-1': { title: 'Receive: 1,000 subscriptions to one', unit: '×' },
  presign: { title: 'Sign URLs', unit: '/s' },
  'receive-1': { title: 'Receive, 128 B, 1 to a frame', unit: '/s' },
  'receive-20': { title: 'Receive, 128 B, 20 to a frame', unit: '/s' },
  'receive-1-16B': { title: 'Receive, 16 B', unit: '/s' },
  'receive-1-4KB': { title: 'Receive, 4 KB', unit: '/s' },
  'receive-1-100KB': { title: 'Receive, 100 KB', unit: '/s' },
  'flood-main-thread': { title: 'Full speed: main thread’s work', unit: 'ms' },
  'flood-blocked': { title: 'Full speed: long tasks', unit: 'ms' },
  'flood-longest-task': { title: 'Full speed: longest task', unit: 'ms' },
  'flood-missed-frames': { title: 'Full speed: missed frames', unit: 'frames' },
  'steady-blocked': { title: 'Steady: long tasks', unit: 'ms' },
  'steady-missed-frames': { title: 'Steady: missed frames', unit: 'frames' },
  'steady-main-thread': { title: 'Steady: main thread busy', unit: '%' },
  'cpu-publish-qos0': { title: 'A message published, QoS 0', unit: 'µs' },
  'cpu-publish-qos1': { title: 'A message published, QoS 1, 100 in flight', unit: 'µs' },
  'cpu-receive-1': { title: 'A message received, 1 to a frame', unit: 'µs' },
  'cpu-receive-20': { title: 'A message received, 20 to a frame', unit: 'µs' },
  'memory-connected': { title: 'Memory once connected', unit: 'MB' },
  'memory-after': { title: 'Memory after the messages', unit: 'MB' },
  'memory-peak': { title: 'Largest size of the page’s process', unit: 'MB' },
  'start-cold': { title: 'Navigation to CONNACK, nothing cached', unit: 'ms' },
  'start-warm': { title: 'Navigation to CONNACK, cached', unit: 'ms' },
  'start-4g-cold': { title: 'On a 4G line, nothing cached', unit: 'ms' },
  'start-4g-warm': { title: 'On a 4G line, cached', unit: 'ms' },
  'bytes-cold': { title: 'Bytes loaded, nothing cached', unit: 'KB' },
  'bytes-warm': { title: 'Bytes loaded, cached', unit: 'KB' },
}

const pauses = 'mqtt.js and aws-crt wait for a second whenever 512 KB are unsent: their floods of large messages are made of such seconds'
const oldPaho = 'paho speaks MQTT 3.1.1 only, and keeps what is unacknowledged in localStorage'

/**
 * What stands in one table.
 *
 * @type {Record<string, { title: string, text: string, remarks?: readonly string[] }>}
 */
export const tables = {
  gateway: {
    title: 'Against the local gateway', text: 'Every lane in one page of Chromium, round by round in turn; medians of the rounds. The load of a round trip is 1,000 messages a second that come back on the same connection.', remarks: [pauses, oldPaho],
  },
  mosquitto: {
    title: 'Against mosquitto', text: 'The same. Its one thread is what limits several of these figures, so no ratio is taken from them.', remarks: [pauses, oldPaho],
  },
  flood: {
    title: 'Receiving a flood', text: 'From a server that has its packets encoded beforehand, so that only the page works. A frame is a WebSocket message.',
  },
  'start-up': {
    title: 'From the navigation to the CONNACK',
    text: 'A page that does nothing but connect with a signed URL, its scripts minified and compressed with brotli -q 11, with nothing cached, and once more in a profile that has visited it. The 4G line has 9 Mbit/s and a round trip of 170 ms.',
    remarks: ['all but iotwasm sign with aws4fetch here; aws-crt signs for port 443 only'],
  },
  blocking: {
    title: 'The page’s own thread during a flood',
    text: '100,000 messages, 20 to a WebSocket message, at full speed; then a steady 2,000 a second for 2 seconds. Long tasks are those of more than 50 ms.',
  },
  cpu: {
    title: 'CPU time', text: 'Of all of the browser’s processes, one lane at a time in a browser of its own.',
  },
  memory: {
    title: 'Memory after a million messages',
    text: 'JavaScript objects in use after a garbage collection, and the program’s memory, in the page and its Worker. The page holds every lane’s code.',
  },
}

/** The lane that others are compared with. */
export const base = 'mqtt.js'

/** The lane that nothing can be faster than by much. */
export const limit = 'limit'

/** The lane that `ratios` tells of. */
export const subject = 'iotwasm Worker'

/** @param {string} figure */
export const moreIsBetter = figure => ['/s', '×'].includes(figures[figure].unit)

/**
 * How one lane's figure stands to another's; nothing where there is no telling.
 *
 * @param {Record<string, number>} byLane
 * @param {string} lane
 * @param {string} other
 */
export function ratio(byLane, lane, other) {
  const value = byLane[lane] / byLane[other]
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : undefined
}

/**
 * @param {string} figure
 * @param {number | undefined} value
 */
export function show(figure, value) {
  if (value === undefined) return ''
  const { unit } = figures[figure]
  if (unit === '/s') return `${Math.round(value)}/s`
  const text = value.toFixed(value >= 100 || unit === 'frames' ? 0 : value >= 10 ? 1 : 2)
  return unit === 'frames' ? text : unit === '%' ? `${text}%` : `${text} ${unit}`
}
