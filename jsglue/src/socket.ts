/**
 * The sockets of the Go program. coder/websocket constructs `GoSocket` with a key
 * instead of a URL, so that no error of it can hold a signed URL.
 *
 * A `GoSocket` is the part of the browser's WebSocket that coder/websocket uses,
 * with these differences: frames that arrive in one turn come as one message; a
 * close code that scripts may not send becomes 1000; `close` does not wait for
 * the peer; `error` is never told, `close` always is.
 */

import { newSocket } from './page-sockets'

type Listener = (event: { data?: ArrayBuffer | string, code?: number, reason?: string, wasClean?: boolean }) => void
type ListenerType = 'open' | 'close' | 'error' | 'message'

interface Entry { url: string, socket?: GoSocket, code: number, reason: string }

/** What the Go program calls, by key. */
export class Sockets {
  readonly #entries = new Map<number, Entry>()

  /** Keeps the URL of the socket that is opened under `key` next. */
  prepare(key: number, url: string): void {
    this.#entries.set(key, { url, code: 1006, reason: '' })
  }

  /** Gives up a socket that has not opened yet. */
  discard(key: number): void {
    const entry = this.#entries.get(key)
    if (entry?.socket) entry.socket.close(1000)
    else this.#entries.delete(key)
  }

  /** How a socket that had opened was closed. Asked once. */
  closed(key: number): { code: number, reason: string } {
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    return { code: entry?.code ?? 1006, reason: entry?.reason ?? '' }
  }

  /** Closes every socket: the program has ended. */
  end(): void {
    for (const { socket } of this.#entries.values()) socket?.close(1000)
    this.#entries.clear()
  }

  /** The WebSocket class for the scope of the Go program. */
  readonly WebSocket = ((sockets: Sockets) => class extends GoSocket {
    constructor(key: string, protocols: string[]) {
      const entry = sockets.#entries.get(Number(key))
      if (!entry) throw new Error('the socket was given up')
      super(entry.url, protocols, (opened, code, reason) => {
        entry.code = code
        entry.reason = reason
        if (!opened) sockets.#entries.delete(Number(key))
      })
      entry.socket = this
      entry.url = ''
    }
  })(this)
}

/** Frames further apart than this are not of one burst, in ms. */
const idle = 1

class GoSocket {
  binaryType = 'arraybuffer'
  readonly #native: WebSocket | undefined
  readonly #listeners: Record<ListenerType, Set<Listener>> = { open: new Set(), close: new Set(), error: new Set(), message: new Set() }
  readonly #onClose: (opened: boolean, code: number, reason: string) => void
  #frames: ArrayBuffer[] = []
  #flushedAt = 0
  #opened = false
  #over = false

  constructor(url: string, protocols: string[], onClose: (opened: boolean, code: number, reason: string) => void) {
    this.#onClose = onClose
    let native: WebSocket
    try {
      native = newSocket(url, protocols)
    } catch {
      // Its message holds the URL.
      queueMicrotask(() => this.#end(1006, ''))
      return
    }
    this.#native = native
    native.binaryType = 'arraybuffer'
    native.onopen = () => {
      this.#opened = true
      this.#tell('open', {})
    }
    native.onmessage = e => this.#receive(e.data as ArrayBuffer | string)
    native.onclose = e => {
      this.#flush()
      this.#end(e.code, e.reason)
    }
    // Chromium tells of one that connect-src forbids by this alone.
    native.onerror = () => setTimeout(() => this.#end(1006, ''), 100)
  }

  get protocol(): string { return this.#native?.protocol ?? '' }

  addEventListener(type: ListenerType, listener: Listener): void { this.#listeners[type].add(listener) }
  removeEventListener(type: ListenerType, listener: Listener): void { this.#listeners[type].delete(listener) }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.#native?.readyState === WebSocket.OPEN) this.#native.send(data)
  }

  close(code: number): void {
    const native = this.#native
    if (native) {
      native.onopen = native.onmessage = native.onclose = native.onerror = null
      native.close(code === 1000 || (code >= 3000 && code <= 4999) ? code : 1000)
    }
    queueMicrotask(() => this.#end(1000, ''))
  }

  #receive(data: ArrayBuffer | string): void {
    if (typeof data === 'string') {
      this.#flush()
      this.#tell('message', { data })
      return
    }
    if (data.byteLength === 0) return
    if (this.#frames.push(data) > 1) return
    // A frame that comes alone goes on at once, one of many waits for the others.
    if (performance.now() - this.#flushedAt > idle) this.#flush()
    else afterThisTurn(() => this.#flush())
  }

  /** Hands over the frames of this turn as one message: MQTT does not mind [MQTT-6.0.0-3]. */
  #flush(): void {
    const frames = this.#frames
    if (frames.length === 0 || this.#over) return
    this.#frames = []
    this.#flushedAt = performance.now()
    if (frames.length === 1) {
      this.#tell('message', { data: frames[0]! })
      return
    }
    let size = 0
    for (const f of frames) size += f.byteLength
    const all = new Uint8Array(size)
    let at = 0
    for (const f of frames) {
      all.set(new Uint8Array(f), at)
      at += f.byteLength
    }
    this.#tell('message', { data: all.buffer })
  }

  #end(code: number, reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#frames = []
    this.#onClose(this.#opened, code, reason)
    this.#tell('close', { code, reason, wasClean: true })
  }

  #tell(type: ListenerType, event: Parameters<Listener>[0]): void {
    for (const listener of [...this.#listeners[type]]) listener(event)
  }
}

/** Runs f once the tasks that are already queued, such as further frames, have run. */
const afterThisTurn = (() => {
  let channel: MessageChannel | undefined
  let waiting: (() => void)[] = []
  return (f: () => void): void => {
    if (!channel) {
      channel = new MessageChannel()
      channel.port1.onmessage = () => {
        const now = waiting
        waiting = []
        for (const each of now) each()
      }
    }
    waiting.push(f)
    if (waiting.length === 1) channel.port2.postMessage(0)
  }
})()
