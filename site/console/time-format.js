// @ts-check

/**
 * Local time of day with milliseconds.
 *
 * @param {number} time ms since the epoch
 */
export function clockTime(time) {
  const date = new Date(time)
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
