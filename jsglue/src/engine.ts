/**
 * The page's side of one Go program: numbers the operations, collects records
 * into one batch per turn, and hands what comes back to whom it is for. When the
 * program crashes, everything that waits for it is rejected, and the next caller
 * gets a new program.
 */
import * as assets from './assets'
import { baseURL } from './base-url'
import { IotError, reportUncaught } from './errors'
import type { Failure } from './failure'
import { refused, startWorkerHost, type Host, type HostEvents } from './host'
import { Command, Event } from './kinds'
import * as parts from './parts'
import type { ProgramOptions } from './program'
import { startWorker } from './start-worker'
import type { LoadOptions } from './types'
import { version } from './version'
import { Reader, Writer, type WireError } from './wire'

/** A client or a run that records are for. */
export interface Receiver {
  /** Reads the body of a record for it, whole. */
  receive(kind: number, r: Reader): void
  /** The program crashed. */
  crashed(error: IotError): void
}

interface Pending {
  resolve(r: Reader): void
  reject(error: IotError): void
}

const engines = new Map<string, Promise<Engine>>()

/** The engine for these options, started if there is none. Rejects where there is no browser. */
export function engineFor(options: LoadOptions): Promise<Engine> {
  if (typeof location === 'undefined') {
    return Promise.reject(new IotError('unsupported-environment', 'there is no browser here', { hint: 'Call it in a page or a Worker, not while a server renders: in an effect or onMount.' }))
  }
  const key = JSON.stringify([options.worker ?? 'auto', String(options.wasmURL ?? ''), String(options.workerURL ?? ''), options.integrity ?? ''])
  let engine = engines.get(key)
  if (!engine) {
    engine = Engine.start(options, () => engines.delete(key))
    engines.set(key, engine)
    engine.catch(() => engines.delete(key)) // let the caller try again
  }
  return engine
}

export class Engine {
  readonly clients = new Map<number, Receiver>()
  readonly runs = new Map<number, Receiver>()
  readonly #pending = new Map<number, Pending>()
  #writer = new Writer()
  #host: Host | undefined
  #lastId = 0
  #flushing = false
  #crash: IotError | undefined
  readonly #forget: () => void
  #hello: ((version: string) => void) | undefined

  private constructor(forget: () => void) { this.#forget = forget }

  static async start(options: LoadOptions, forget: () => void): Promise<Engine> {
    const engine = new Engine(forget)
    const greeted = new Promise<string>(resolve => { engine.#hello = resolve })
    const events: HostEvents = { batch: batch => engine.#receive(batch), exited: () => engine.#exited() }
    try {
      engine.#host = await startHost(options, events)
    } catch (e) {
      const f = e as Failure
      throw new IotError(f.code ?? 'load-failed', f.message, { hint: f.hint, retryable: true })
    }
    const theirs = await greeted
    if (theirs !== version) {
      engine.#host.terminate()
      throw new IotError('version-mismatch', `the script is version ${version}, the wasm file ${theirs}`, {
        hint: 'Deploy both from one package, and let no cache keep an old iotwasm.wasm.',
      })
    }
    return engine
  }

  /** A new number for a client, a run, a subscription or an operation. */
  newId(): number { return ++this.#lastId }

  /** Sends a record that has no answer. */
  send(kind: number, body: (w: Writer) => void): void {
    if (this.#crash) return
    this.#writer.record(kind, body)
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      if (!this.#crash) this.#host!.post(this.#writer.take())
    })
  }

  /** Sends a record that is answered. `read` takes the answer from its body. */
  call<T>(kind: number, op: number, body: (w: Writer) => void, read: (r: Reader) => T): Promise<T> {
    if (this.#crash) return Promise.reject(this.#crash)
    return new Promise((resolve, reject) => {
      const answered = (r: Reader): void => {
        try {
          resolve(read(r))
        } catch (e) {
          reject(e as IotError) // an answer that is a refusal
        }
      }
      this.#pending.set(op, { resolve: answered, reject })
      try {
        this.send(kind, body)
      } catch (e) {
        this.#pending.delete(op)
        reject(e as IotError)
      }
    })
  }

  /** Rejects an operation here, and tells the program to give it up. */
  abandon(client: number, op: number, error: IotError): void {
    const pending = this.#pending.get(op)
    if (!pending) return
    this.#pending.delete(op)
    this.send(Command.abort, w => w.u32(client).u32(op))
    pending.reject(error)
  }

  #receive(batch: Uint8Array): void {
    const r = new Reader(batch)
    while (r.more) {
      const kind = r.kind()
      switch (kind) {
        case Event.published:
        case Event.presigned:
        case Event.subscribed:
        case Event.done:
        case Event.statsAnswer:
          this.#settle(r, r.u32())
          break
        case Event.failed: {
          const op = r.u32(), error = toIotError(r.error())
          this.#take(op)?.reject(error)
          break
        }
        case Event.hello: this.#hello?.(r.text()); break
        case Event.step:
        case Event.shift:
        case Event.repeat:
          this.#pass(this.runs, kind, r)
          break
        default: this.#pass(this.clients, kind, r)
      }
      r.endRecord()
    }
  }

  #take(op: number): Pending | undefined {
    const pending = this.#pending.get(op)
    this.#pending.delete(op)
    return pending
  }

  #settle(r: Reader, op: number): void {
    this.#take(op)?.resolve(r)
  }

  #pass(to: Map<number, Receiver>, kind: number, r: Reader): void {
    try {
      to.get(r.u32())?.receive(kind, r)
    } catch (e) {
      reportUncaught(e)
    }
  }

  #exited(): void {
    if (this.#crash) return
    this.#crash = new IotError('runtime-crashed', 'the module crashed', { retryable: true, hint: 'Connect again: a new module is started. Please report what led here.' })
    this.#forget()
    this.#host?.terminate()
    this.#hello?.(version)
    for (const pending of [...this.#pending.values()]) pending.reject(this.#crash)
    this.#pending.clear()
    for (const receiver of [...this.runs.values(), ...this.clients.values()]) receiver.crashed(this.#crash)
    this.clients.clear()
    this.runs.clear()
  }
}

async function startHost(options: LoadOptions, events: HostEvents): Promise<Host> {
  const program: ProgramOptions = {
    wasmURL: absolute(options.wasmURL ?? assets.wasmURL()),
    wasmModule: options.wasmModule,
    integrity: options.integrity,
  }
  const startPageHost = async (unasked: boolean): Promise<Host> => (await parts.pageHost()).startPageHost(program, events, unasked)
  const { worker } = options
  if (worker === false) return startPageHost(false)
  try {
    return await startWorkerHost(await workerOf(options), program, events)
  } catch (e) {
    if (e !== refused) throw e
    if (worker) throw (await parts.features()).workerRefused(worker)
    return startPageHost(true)
  }
}

async function workerOf({ worker, workerURL }: LoadOptions): Promise<Worker> {
  const blob = worker === 'blob' && (await parts.features()).startBlobWorker
  const url = absolute(workerURL ?? assets.workerURL())
  try {
    return blob ? blob(url, startWorker) : startWorker(url)
  } catch {
    throw refused
  }
}

const absolute = (url: string | URL): string => new URL(url, baseURL()).href

export function toIotError(e: WireError): IotError {
  return new IotError(e.code, e.message, e)
}
