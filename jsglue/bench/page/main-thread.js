// What a page's user would feel: tasks of more than 50 ms, in which the page
// answers nothing, and frames that were not painted.
// @ts-check

/** What a frame takes where 60 are shown in a second, in ms. */
const frame = 1000 / 60

/**
 * @typedef {object} Felt
 * @property {number} ms that were watched
 * @property {number} blocked ms in long tasks
 * @property {number} longest of them, in ms
 * @property {number} missed frames
 */

/** Starts watching; what it returns stops it. */
export function watchMainThread() {
  /** @type {PerformanceEntry[]} */
  const tasks = []
  const observer = new PerformanceObserver(list => tasks.push(...list.getEntries()))
  observer.observe({ type: 'longtask' })
  const start = performance.now()
  let last = start, missed = 0
  const painted = (/** @type {number} */ now) => {
    missed += Math.max(0, Math.round((now - last) / frame) - 1)
    last = Math.max(last, now)
    request = requestAnimationFrame(painted)
  }
  let request = requestAnimationFrame(painted)
  /** @returns {Promise<Felt>} */
  return async () => {
    const ms = performance.now() - start
    await new Promise(resolve => setTimeout(resolve, 100)) // the last task is told of after it
    cancelAnimationFrame(request)
    tasks.push(...observer.takeRecords())
    observer.disconnect()
    return {
      ms,
      blocked: tasks.reduce((sum, task) => sum + task.duration, 0),
      longest: Math.max(0, ...tasks.map(task => task.duration)),
      missed,
    }
  }
}
