/**
 * One Go program: fetches and starts the wasm file in whatever thread this runs.
 * Used by worker.ts and, without a Worker, by host.ts.
 */
import { defineGo } from 'iotwasm:wasm_exec'
import { failure, type Failure } from './failure'
import { Sockets } from './socket'

export interface ProgramOptions {
  wasmURL: string
  wasmModule?: WebAssembly.Module | undefined
  integrity?: string | undefined
}

export interface Program {
  /** Hands a batch of records in. */
  receive(batch: Uint8Array): void
}

/**
 * Starts a program. `emit` gets its batches, each a copy; `exited` is called once
 * if it ends, which it only does by crashing. Rejects with a `Failure`.
 */
export async function startProgram(options: ProgramOptions, emit: (batch: Uint8Array<ArrayBuffer>) => void, exited: () => void): Promise<Program> {
  const scope = Object.create(null) as Record<string, unknown>
  for (const name of ['Object', 'Array', 'Uint8Array', 'Date', 'Error', 'Promise', 'crypto', 'performance', 'TextEncoder', 'TextDecoder', 'console'] as const) {
    scope[name] = globalThis[name]
  }
  const sockets = new Sockets()
  scope['WebSocket'] = sockets.WebSocket
  const Go = defineGo(scope)
  const go = new Go()
  const source = await instantiate(options, go.importObject)
  const memory = source.exports['mem'] as WebAssembly.Memory
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    for (const timer of go._scheduledTimeouts.values()) clearTimeout(timer)
    go._scheduledTimeouts.clear()
    sockets.end()
    exited()
  }
  // Its sockets outlive it for a moment, and a trap may come from any of its events.
  const resume = go._resume.bind(go)
  go._resume = () => {
    if (over) return
    try {
      resume()
    } catch {
      end()
    }
  }
  const receive = await new Promise<(batch: Uint8Array, length: number) => void>((ready, reject) => {
    scope['iotwasmHost'] = {
      sockets,
      ready,
      emit: (address: number, length: number) => emit(new Uint8Array(memory.buffer, address, length).slice()),
    }
    go.exit = () => end()
    go.run(source).then(() => end(), () => end()).finally(() => reject(failure('load-failed', 'the module ended while starting')))
  })
  return {
    receive(batch) {
      if (over) return
      try {
        receive(batch, batch.length)
      } catch {
        // A trap: the program is not to be used again.
        end()
      }
    },
  }
}

async function instantiate(options: ProgramOptions, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  try {
    if (options.wasmModule) return await WebAssembly.instantiate(options.wasmModule, imports)
    return await fetchAndInstantiate(options, imports)
  } catch (e) {
    if ((e as Partial<Failure>).code) throw e
    throw failure('load-failed', 'the wasm file could not be compiled',
      "Check that it is the file of this version, and that the page's Content-Security-Policy has 'wasm-unsafe-eval' in script-src.", e)
  }
}

async function fetchAndInstantiate({ wasmURL, integrity }: ProgramOptions, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  let response: Response
  try {
    response = await fetch(wasmURL, { credentials: 'same-origin', ...(integrity ? { integrity } : {}) })
  } catch (e) {
    throw failure('load-failed', 'the wasm file could not be fetched',
      integrity ? 'Check wasmURL, the network, and that the file has the integrity given.' : 'Check wasmURL and the network.', e)
  }
  if (!response.ok) {
    throw failure('load-failed', `the wasm file could not be fetched: HTTP status ${response.status}`, 'Is iotwasm.wasm deployed beside the script? Else pass wasmURL.')
  }
  if (/^application\/wasm($|;)/i.test(response.headers.get('Content-Type') ?? '')) {
    return (await WebAssembly.instantiateStreaming(response, imports)).instance
  }
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (!(bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d)) {
    const html = /^\s*</.test(new TextDecoder().decode(bytes.subarray(0, 64)))
    throw failure('load-failed', html ? 'got HTML instead of the wasm file' : 'what was fetched is not a wasm file',
      'Is iotwasm.wasm deployed beside the script, and not answered by a fallback page? Else pass wasmURL.')
  }
  return (await WebAssembly.instantiate(bytes, imports)).instance
}
