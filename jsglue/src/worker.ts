/** The dedicated Worker: one Go program, batches in and out by message. */
import type { Failure } from './failure'
import { startProgram, type Program, type ProgramOptions } from './program'

/** From the page: first `ProgramOptions`, then batches. */
export type ToWorker = ProgramOptions | Uint8Array<ArrayBuffer>
/** To the page: batches, and how the program ended or why it did not start. */
export type FromWorker = Uint8Array<ArrayBuffer> | { ready: true } | { failed: Failure } | { exited: true }

const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}

let program: Program | undefined
scope.onmessage = ({ data }) => {
  if (data instanceof Uint8Array) {
    program?.receive(data)
    return
  }
  startProgram(data, batch => scope.postMessage(batch, [batch.buffer]), () => scope.postMessage({ exited: true })).then(
    p => {
      program = p
      scope.postMessage({ ready: true })
    },
    (e: Failure) => scope.postMessage({ failed: e }),
  )
}
