/** Where a Go program runs: a dedicated Worker, or the page's own thread, see page-host.ts. */
import type { ProgramOptions } from './program'
import type { FromWorker, ToWorker } from './worker'

export interface Host {
  /** Hands a batch over; its buffer is gone then. */
  post(batch: Uint8Array<ArrayBuffer>): void
  /** Ends the program, if it has not ended by itself. */
  terminate(): void
}

export interface HostEvents {
  batch(batch: Uint8Array<ArrayBuffer>): void
  exited(): void
}

/** Starts a program in a Worker. Rejects with a Failure, with `refused` where the browser refuses the Worker. */
export function startWorkerHost(worker: Worker, options: ProgramOptions, events: HostEvents): Promise<Host> {
  return new Promise((resolve, reject) => {
    const send = (message: ToWorker, transfer: Transferable[] = []): void => worker.postMessage(message, transfer)
    let ready = false
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data instanceof Uint8Array) events.batch(data)
      else if ('ready' in data) {
        ready = true
        resolve({ post: batch => send(batch, [batch.buffer]), terminate: () => worker.terminate() })
      } else if ('failed' in data) {
        worker.terminate()
        reject(data.failed)
      } else {
        worker.terminate()
        events.exited()
      }
    }
    worker.onerror = e => {
      e.preventDefault()
      worker.terminate()
      if (ready) events.exited()
      else reject(refused) // the file is missing or blocked
    }
    send(options)
  })
}

/** The browser did not let the Worker be. */
export const refused = {}
