/** The default store of packets, in memory, and how any store is read. */
import { EventEmitter } from './emitter'
import type { DoneCallback, IStore, IStoreOptions, IStoreStream, Packet, StoreCallback } from './types'

interface StreamEvents {
  readable: () => void
  end: () => void
  close: () => void
  error: (error: Error) => void
}

/** As much of a Readable as reading packets takes. */
class PacketStream extends EventEmitter<StreamEvents> implements IStoreStream {
  private _ended = false

  constructor(private _packets: Packet[]) { super() }

  override on<E extends keyof StreamEvents>(event: E, handler: StreamEvents[E]): this {
    if (event === 'readable') queueMicrotask(() => { this.emit('readable') })
    return super.on(event, handler)
  }

  override once<E extends keyof StreamEvents>(event: E, handler: StreamEvents[E]): this {
    if (event === 'readable') queueMicrotask(() => { this.emit('readable') })
    return super.once(event, handler)
  }

  read(): Packet | null {
    const packet = this._packets.shift()
    if (!packet) this._end('end')
    return packet ?? null
  }

  destroy(error?: Error): this {
    this._packets = []
    this._end('close', error)
    return this
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Packet, void> {
    for (let packet; (packet = this.read());) yield packet
  }

  private _end(event: 'end' | 'close', error?: Error): void {
    if (this._ended) return
    this._ended = true
    queueMicrotask(() => {
      if (error) this.emit('error', error)
      if (event === 'end') this.emit('end')
      this.emit('close')
    })
  }
}

export class Store implements IStore {
  private _packets = new Map<number | undefined, Packet>()
  private _clean: boolean

  constructor(options?: IStoreOptions) { this._clean = options?.clean ?? true }

  put(packet: Packet, cb?: DoneCallback): this {
    this._packets.set(packet.messageId, packet)
    cb?.()
    return this
  }

  /** What is there now, in the order that it was first put. */
  createStream(): PacketStream { return new PacketStream([...this._packets.values()]) }

  del(packet: Pick<Packet, 'messageId'>, cb?: StoreCallback): this {
    const found = this._packets.get(packet.messageId)
    this._packets.delete(packet.messageId)
    return this._tell(found, cb)
  }

  get(packet: Pick<Packet, 'messageId'>, cb?: StoreCallback): this { return this._tell(this._packets.get(packet.messageId), cb) }

  close(cb?: DoneCallback): void {
    if (this._clean) this._packets.clear()
    cb?.()
  }

  private _tell(found: Packet | undefined, cb?: StoreCallback): this {
    if (found) cb?.(null, found)
    else cb?.(new Error('missing packet'))
    return this
  }
}

/** All packets of a store: of ours, or of the page's, which may give a Readable of Node. */
export function readAll(store: IStore): Promise<Packet[]> {
  return new Promise((resolve, reject) => {
    const packets: Packet[] = [], stream = store.createStream()
    const done = (): void => { resolve(packets) }
    stream.on('error', reject)
    stream.on('end', done)
    stream.on('close', done)
    stream.on('readable', () => {
      for (let packet; (packet = stream.read());) packets.push(packet as Packet)
    })
  })
}
