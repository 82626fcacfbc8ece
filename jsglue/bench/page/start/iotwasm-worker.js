// A page that needs nothing but iotwasm, which iotwasm.global.js has put there.
// @ts-check
import { start } from './ready.js'

start(server => /** @type {any} */ (globalThis).iotwasm.connect({ ...server, worker: true }))
