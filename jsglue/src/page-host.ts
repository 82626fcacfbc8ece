/** A Go program on the page's own thread: for `worker: false`, and where the browser refuses the Worker. */
import type { Host, HostEvents } from './host'
import { startProgram, type ProgramOptions } from './program'

export { forgetNextSocket, makeNextSocket } from './page-sockets'

/** Starts a program on this thread; `unasked` where it is for want of a Worker, of which the page is warned. */
export async function startPageHost(options: ProgramOptions, events: HostEvents, unasked: boolean): Promise<Host> {
  if (unasked) console.warn('iotwasm: no Worker could be started, so the module runs on the page\'s thread. See LoadOptions.worker.')
  let ended = false
  const program = await startProgram(options,
    // Not now: the program is on the stack, and what the page's handlers throw must not go through it.
    batch => queueMicrotask(() => { if (!ended) events.batch(batch) }),
    () => queueMicrotask(() => { if (!ended) events.exited() }))
  return {
    post: batch => program.receive(batch),
    terminate: () => { ended = true },
  }
}
