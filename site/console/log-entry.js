// @ts-check
import { el, setText, topicText } from './dom.js'
import { formatPayload, formatSize } from './payload-format.js'
import { clockTime } from './time-format.js'

/** @typedef {import('./message-history.js').Entry} Entry */

/** What a payload shows before it is asked for in full. */
const SHOWN_BYTES = 16384
const SHOWN_LINES = 16
const SHOWN_CHARACTERS = 1200

/**
 * @param {Entry} entry
 * @param {number | undefined} tone colour of the subscription that it came by
 */
export function createLogEntry(entry, tone) {
  const { direction, time, topic, qos, retain, dup, payload } = entry
  const sent = direction === 'sent'
  const stamp = el('time', { datetime: new Date(time).toISOString() }, clockTime(time))
  const outcome = el('span', { class: 'outcome' })
  const element = el('li', { class: `entry ${direction}`, 'data-topic': topic, 'data-direction': direction, 'data-tone': tone },
    el('div', { class: 'entry-head' },
      el('span', { class: 'direction', 'aria-hidden': 'true' }, sent ? '↑' : '↓'),
      el('span', { class: 'visually-hidden' }, sent ? 'Sent' : 'Received'),
      stamp,
      el('span', { class: 'topic' }, ...topicText(topic)),
      el('span', { class: 'badge' }, `QoS ${qos}`),
      ...retain ? [el('span', { class: 'badge' }, 'retain')] : [],
      ...dup ? [el('span', { class: 'badge' }, 'dup')] : [],
      el('span', { class: 'muted' }, formatSize(payload.length)),
      outcome),
    createPayload(payload))

  return {
    element,
    /** @param {Entry} current */
    update(current) {
      setText(stamp, clockTime(current.time))
      setText(outcome, current.outcome ?? '')
      outcome.classList.toggle('failed', current.failed === true)
    },
  }
}

/** @param {Uint8Array} payload */
function createPayload(payload) {
  if (payload.length === 0) return el('p', { class: 'payload empty' }, 'empty payload')
  const whole = payload.length <= SHOWN_BYTES
  const { kind, text } = formatPayload(whole ? payload : wholeCharacters(payload.subarray(0, SHOWN_BYTES)))
  const start = text.split('\n', SHOWN_LINES).join('\n').slice(0, SHOWN_CHARACTERS)
  const block = el('pre', { class: 'payload', 'data-kind': kind }, start)
  if (whole && start.length === text.length) return block

  const more = el('button', { type: 'button', class: 'payload-more', onclick: () => {
    const full = formatPayload(payload)
    block.dataset.kind = full.kind
    block.textContent = full.text
    // The button goes; the focus stays with what it has opened.
    block.tabIndex = -1
    block.focus({ preventScroll: true })
    more.remove()
  } }, `Show all ${formatSize(payload.length)}`)
  return el('div', {}, block, more)
}

/** Leaves out a UTF-8 sequence that the cut has split. @param {Uint8Array} bytes */
function wholeCharacters(bytes) {
  for (let back = 1; back <= 3; back++) {
    const lead = bytes[bytes.length - back]
    if (lead < 0x80) break
    if (lead >= 0xc0) return bytes.subarray(0, bytes.length - back)
  }
  return bytes
}
