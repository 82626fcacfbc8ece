/**
 * Where the module's files are, for the ES module build. The two literals are
 * what Vite and webpack look for.
 */
export const wasmURL = (): URL => new URL('./iotwasm.wasm', import.meta.url)
export const startWorker = (): Worker => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
