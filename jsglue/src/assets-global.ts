/** Where the module's files are, for the classic script: beside it. build.mjs puts this in the place of assets.ts. */
import { baseURL } from './base-url'

// A script that a Worker imports is nowhere named but in a stack.
const base = (globalThis.document?.currentScript as HTMLScriptElement | null)?.src || /\w+:\/\/.+?(?=:\d+:\d)/.exec(Error().stack!)?.[0]

declare const IOTWASM_PARTS: Record<'features' | 'page-host' | 'cognito-calls', string>

const at = (name: string): URL => new URL(name, base ?? baseURL())

export const wasmURL = (): URL => at('iotwasm.wasm')
export const workerURL = (): URL => at('worker.js')
// By their whole addresses: relative ones are of no use in a script of another origin.
export const features = (): Promise<typeof import('iotwasm:features')> => import(at(IOTWASM_PARTS.features).href)
export const pageHost = (): Promise<typeof import('iotwasm:page-host')> => import(at(IOTWASM_PARTS['page-host']).href)
export const cognitoCalls = (): Promise<typeof import('iotwasm:cognito-calls')> => import(at(IOTWASM_PARTS['cognito-calls']).href)
