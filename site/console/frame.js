// @ts-check

// A hidden page gets no animation frames; the timer keeps it from standing still.
const HIDDEN_PAGE_MS = 250

/**
 * Wraps `work` so that any number of calls within one frame run it once.
 *
 * @param {() => void} work
 * @returns {() => void}
 */
export function oncePerFrame(work) {
  let frame = 0
  let timer = 0
  const run = () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    frame = timer = 0
    work()
  }
  return () => {
    if (timer) return
    frame = requestAnimationFrame(run)
    timer = window.setTimeout(run, HIDDEN_PAGE_MS)
  }
}

/**
 * Wraps `work` so that the first call runs it at once, and further calls within
 * the same frame once at its end.
 *
 * @param {() => void} work
 * @returns {() => void}
 */
export function atOnceThenPerFrame(work) {
  let resting = true
  let again = false
  const run = () => {
    resting = again = false
    rest()
    work()
  }
  const rest = oncePerFrame(() => {
    resting = true
    if (again) run()
  })
  return () => {
    if (resting) run()
    else again = true
  }
}
