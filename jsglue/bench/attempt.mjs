// A lane that fails at something leaves its cell empty and the others alone.
// @ts-check

/**
 * @param {import('./figures.mjs').Reasons} reasons gets why, where it fails
 * @param {string} what
 * @param {string} lane
 * @param {() => Promise<void>} measure
 * @returns {Promise<boolean>} whether it did not
 */
export async function attempt(reasons, what, lane, measure) {
  try {
    await measure()
    return true
  } catch (e) {
    const { message } = /** @type {Error} */ (e)
    ;(reasons[what] ??= {})[lane] = `failed: ${message.split('\n')[0]}`
    process.stderr.write(`${lane}, ${what}: ${message}\n`)
    process.exitCode = 1
    return false
  }
}
