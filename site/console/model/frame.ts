/** Work that is done once per frame, however often it is asked for. */

// A hidden page gets no animation frames; the timer keeps it from standing still.
const hiddenPageMs = 250

/** Wraps `work` so that any number of calls within one frame run it once. */
export function oncePerFrame(work: () => void): () => void {
  let frame = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const run = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    timer = undefined
    work()
  }
  return () => {
    if (timer !== undefined) return
    frame = requestAnimationFrame(run)
    timer = setTimeout(run, hiddenPageMs)
  }
}

/** Wraps `work` so that the first call runs it at once, and further calls within the same frame once at its end. */
export function atOnceThenPerFrame(work: () => void): () => void {
  let resting = true
  let again = false
  const run = (): void => {
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
