/**
 * Where the module's files are, for the ES module build. The literals are what
 * bundlers look for; build.mjs puts the names of the parts, which have hashes.
 */
export const wasmURL = (): URL => new URL('./iotwasm.wasm', import.meta.url)
export const workerURL = (): URL => new URL('./worker.js', import.meta.url)
export const features = () => import('iotwasm:features')
export const pageHost = () => import('iotwasm:page-host')
export const cognitoCalls = () => import('iotwasm:cognito-calls')
