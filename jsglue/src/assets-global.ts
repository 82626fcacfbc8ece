/** Where the module's files are, for the classic script: beside it. build.mjs puts this in the place of assets.ts. */
const base = typeof document === 'undefined' ? undefined : (document.currentScript as HTMLScriptElement | null)?.src

export const wasmURL = (): URL => new URL('iotwasm.wasm', base ?? document.baseURI)
export const startWorker = (): Worker => new Worker(new URL('worker.js', base ?? document.baseURI), { type: 'module' })
