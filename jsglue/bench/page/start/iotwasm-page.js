// The same without a Worker.
// @ts-check
import { start } from './ready.js'

start(server => /** @type {any} */ (globalThis).iotwasm.connect({ ...server, worker: false }))
