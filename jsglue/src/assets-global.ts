/** Where the module's files are, for the classic script: beside it. build.mjs puts this in the place of assets.ts. */
const base = (typeof document !== 'undefined' && (document.currentScript as HTMLScriptElement | null)?.src) || undefined

declare const IOTWASM_PARTS: Record<'features' | 'page-host' | 'cognito-calls', string>

const at = (name: string): URL => new URL(name, base ?? document.baseURI)

export const wasmURL = (): URL => at('iotwasm.wasm')
export const startWorker = (): Worker => new Worker(at('worker.js'), { type: 'module' })
// By their whole addresses: relative ones are of no use in a script of another origin.
export const features = (): Promise<typeof import('iotwasm:features')> => import(at(IOTWASM_PARTS.features).href)
export const pageHost = (): Promise<typeof import('iotwasm:page-host')> => import(at(IOTWASM_PARTS['page-host']).href)
export const cognitoCalls = (): Promise<typeof import('iotwasm:cognito-calls')> => import(at(IOTWASM_PARTS['cognito-calls']).href)
