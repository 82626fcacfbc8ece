/** What few Workers need: a start by a blob for a script of another origin, and what to say of one that the browser refused. */
import { failure, type Failure } from './failure'

/** Makes a Worker whose own script, a blob of the page's origin, imports `url`. Its address is gone once the Worker has answered. */
export function startBlobWorker(url: string, start: (url: string) => Worker): Worker {
  const address = URL.createObjectURL(new Blob([`import ${JSON.stringify(url)}`], { type: 'text/javascript' }))
  const revoke = (): void => URL.revokeObjectURL(address)
  try {
    const worker = start(address)
    worker.addEventListener('message', revoke, { once: true })
    worker.addEventListener('error', revoke, { once: true })
    return worker
  } catch (e) {
    revoke()
    throw e
  }
}

/** Of a Worker that was to be made as `LoadOptions.worker` says. */
export function workerRefused(worker: true | 'blob'): Failure {
  return failure('load-failed', 'the Worker could not be started', worker === 'blob'
    ? "Does the page's Content-Security-Policy allow blob: and the origin of worker.js in worker-src? Is worker.js served with Access-Control-Allow-Origin? With Trusted Types, does trusted-types name iotwasm?"
    : "Is worker.js deployed beside the script, on the page's own origin, and allowed by worker-src of its Content-Security-Policy? With Trusted Types, does trusted-types name iotwasm? Else pass workerURL, worker: 'blob' where it is of another origin, or worker: false.")
}
