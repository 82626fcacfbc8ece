// The limit: a bare WebSocket that sends packets encoded beforehand, those of one
// turn together, and only scans what it receives. It checks nothing, keeps
// nothing, and would recover from nothing: no client can be faster by much.
// @ts-check
import { Routes } from './routes.js'
import { urlOf } from './sign.js'

/** @type {import('./index.js').Lane} */
export const limit = {
  async open(server) {
    const raw = await connectRaw(server)
    return {
      publish: (topic, payload, qos, done) => raw.publish(topic, payload, qos, done),
      subscribe: (filter, received) => raw.subscribe(filter, received),
      close: async () => raw.socket.close(),
    }
  },
  cannot: { presign: 'signs nothing' },
}

/** @param {import('./index.js').Server} server */
export async function connectRaw(server) {
  const socket = new WebSocket(await urlOf(server), 'mqtt')
  socket.binaryType = 'arraybuffer'
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('no WebSocket'))
  })
  const raw = new Raw(socket)
  await raw.connect()
  return raw
}

const utf8 = new TextEncoder(), text = new TextDecoder()

/** Types of packets. */
const connack = 2, publish = 3, puback = 4, suback = 9

class Raw {
  socket
  #routes = new Routes()
  /** What is told of the answer to a packet, by its identifier. @type {((() => void) | undefined)[]} */
  #waiting = []
  #lastId = 0
  /** Of a packet that ends in a later message. */
  #rest = new Uint8Array(0)
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #turn = []
  /** Encoded packets, by topic and payload; those of QoS 1 get their identifier in place. @type {Map<string, Map<string, Uint8Array<ArrayBuffer>>>[]} */
  #encoded = [new Map(), new Map()]

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket
    socket.onmessage = ({ data }) => this.#read(new Uint8Array(data))
  }

  /** @returns {Promise<void>} */
  connect() {
    const connected = this.#answer(0)
    this.#send(packet(0x10, string('MQTT'), [5, 2, 0, 0, 0], string(crypto.randomUUID())))
    return connected
  }

  /**
   * @param {string} topic
   * @param {string} payload
   * @param {0 | 1} qos
   * @param {() => void} [done]
   */
  publish(topic, payload, qos, done) {
    const byTopic = this.#encoded[qos]
    let byPayload = byTopic.get(topic)
    if (!byPayload) byTopic.set(topic, byPayload = new Map())
    let bytes = byPayload.get(payload)
    if (!bytes) {
      bytes = packet(0x30 | qos << 1, string(topic), qos ? [0, 0, 0] : [0], utf8.encode(payload))
      byPayload.set(payload, bytes)
    }
    if (qos) {
      const id = this.#nextId()
      this.#waiting[id] = done
      bytes = bytes.slice()
      const at = bytes.length - payload.length - 3 // the works' payloads are ASCII
      bytes[at] = id >> 8
      bytes[at + 1] = id
    }
    this.#send(bytes)
    if (!qos) done?.()
  }

  /**
   * @param {string} filter
   * @param {(payload: Uint8Array) => void} received
   */
  subscribe(filter, received) {
    this.#routes.add(filter, received)
    const id = this.#nextId()
    this.#send(packet(0x82, [id >> 8, id & 0xff, 0], string(filter), [0]))
    return this.#answer(id)
  }

  #nextId() {
    this.#lastId = this.#lastId % 0xffff + 1
    return this.#lastId
  }

  /**
   * @param {number} id
   * @returns {Promise<void>}
   */
  #answer(id) {
    return new Promise(resolve => { this.#waiting[id] = resolve })
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #send(bytes) {
    if (this.#turn.push(bytes) > 1) return
    queueMicrotask(() => {
      const packets = this.#turn
      this.#turn = []
      this.socket.send(packets.length === 1 ? packets[0] : joined(packets))
    })
  }

  /** @param {Uint8Array<ArrayBuffer>} message */
  #read(message) {
    const bytes = this.#rest.length > 0 ? joined([this.#rest, message]) : message
    let at = 0
    while (at + 1 < bytes.length) {
      let length = 0, body = at + 1, shift = 0, more = true
      for (; more && body < bytes.length; shift += 7) {
        more = bytes[body] > 127
        length |= (bytes[body++] & 127) << shift
      }
      if (more || body + length > bytes.length) break
      this.#take(bytes, bytes[at], body, body + length)
      at = body + length
    }
    this.#rest = bytes.subarray(at)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} header
   * @param {number} body
   * @param {number} end
   */
  #take(bytes, header, body, end) {
    switch (header >> 4) {
      case publish: {
        const topicEnd = body + 2 + (bytes[body] << 8 | bytes[body + 1])
        // Servers send what is of QoS 0 without properties of more than 127 bytes.
        this.#routes.deliver(text.decode(bytes.subarray(body + 2, topicEnd)), bytes.subarray(topicEnd + 1 + bytes[topicEnd], end))
        return
      }
      case connack: return this.#answered(0)
      case puback:
      case suback: return this.#answered(bytes[body] << 8 | bytes[body + 1])
    }
  }

  /** @param {number} id */
  #answered(id) {
    const done = this.#waiting[id]
    this.#waiting[id] = undefined
    done?.()
  }
}

/**
 * @param {number} header
 * @param {...ArrayLike<number>} parts
 */
function packet(header, ...parts) {
  let length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [header]
  do {
    head.push(length % 128 | (length > 127 ? 128 : 0))
    length = length >> 7
  } while (length > 0)
  return joined([head, ...parts])
}

/** @param {string} value */
function string(value) {
  const bytes = utf8.encode(value)
  return joined([[bytes.length >> 8, bytes.length & 0xff], bytes])
}

/** @param {readonly ArrayLike<number>[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
