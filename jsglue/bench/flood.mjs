// A server that sends a page as many MQTT messages as it asks for, encoded
// beforehand, so that sending them takes little time from who receives them. It
// speaks just enough WebSocket (RFC 6455) and MQTT (5 and 3.1.1) for that.
// @ts-check
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

const topic = 'bench/flood'

/** Bytes that are handed to the socket at a time, about. */
const portion = 1 << 20

/** How often a flood of a rate sends what is due, in ms. */
const tick = 10

const version5 = 5

/** @returns {Promise<{ url: string, stop: () => void }>} */
export async function startFlood() {
  const server = createServer()
  /** @type {Set<import('node:stream').Duplex>} */
  const sockets = new Set()
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`)
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `ws://127.0.0.1:${port}/mqtt`,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** @param {import('node:stream').Duplex} socket */
function serve(socket) {
  /** @type {Buffer} */
  let frames = Buffer.alloc(0)
  /** @type {Buffer} */
  let packets = Buffer.alloc(0)
  let version = version5
  const closed = new Promise(resolve => { socket.on('close', resolve) })
  socket.on('data', chunk => {
    frames = Buffer.concat([frames, chunk])
    for (let frame; (frame = takeFrame(frames)); frames = frame.rest) {
      if (frame.opcode === 8) {
        socket.end(Buffer.from([0x88, 0]))
        return
      }
      packets = Buffer.concat([packets, frame.data])
    }
    for (let packet; (packet = takePacket(packets)); packets = packet.rest) {
      if (packet.type === 1) version = packet.body[6]
      answer(socket, closed, version, packet.type, packet.body)
    }
  })
}

/**
 * @param {import('node:stream').Duplex} socket
 * @param {Promise<unknown>} closed
 * @param {number} version of MQTT
 * @param {number} type
 * @param {Buffer} body
 */
function answer(socket, closed, version, type, body) {
  const properties = version === version5 ? [0] : []
  const packet = (/** @type {number} */ header, /** @type {number[]} */ ...rest) => socket.write(toFrame(Buffer.from([header, rest.length, ...rest])))
  switch (type) {
    case 1: return packet(0x20, 0, 0, ...properties) // CONNACK
    case 8: return packet(0x90, body[0], body[1], ...properties, 0) // SUBACK, one filter
    case 12: return packet(0xd0) // PINGRESP
    case 3: { // PUBLISH
      const [count, perFrame, size, rate] = body.subarray(2 + body.readUInt16BE(0) + properties.length).toString().split(' ').map(Number)
      void send(socket, closed, toFrame(Buffer.concat(Array(perFrame).fill(publish(size, properties)))), count / perFrame, rate / perFrame)
    }
  }
}

/**
 * @param {import('node:stream').Duplex} socket
 * @param {Promise<unknown>} closed
 * @param {Buffer} frame
 * @param {number} count of frames
 * @param {number} rate of frames a second, or 0 for as fast as the page takes them
 */
async function send(socket, closed, frame, count, rate) {
  const inPortion = Math.max(1, Math.floor(portion / frame.length))
  const whole = Buffer.concat(Array(Math.min(count, inPortion)).fill(frame))
  const start = performance.now()
  for (let sent = 0; sent < count && !socket.destroyed;) {
    const due = rate ? Math.min(count, Math.floor((performance.now() - start) / 1000 * rate)) : count
    const now = Math.min(inPortion, due - sent)
    sent += now
    if (now > 0 && !socket.write(whole.subarray(0, now * frame.length))) await Promise.race([new Promise(resolve => { socket.once('drain', resolve) }), closed])
    if (rate) await new Promise(resolve => { setTimeout(resolve, tick) })
  }
}

/**
 * @param {number} size of the payload
 * @param {readonly number[]} properties
 */
function publish(size, properties) {
  const name = Buffer.from(topic)
  const head = [0x30]
  let length = 2 + name.length + properties.length + size
  for (; length > 127; length >>= 7) head.push(length & 127 | 128)
  return Buffer.concat([Buffer.from([...head, length, 0, name.length]), name, Buffer.from(properties), Buffer.alloc(size)])
}

/** @param {Buffer} data */
function toFrame(data) {
  const { length } = data
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  header[0] = 0x82
  header[1] = Math.min(length, header.length === 4 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([header, data])
}

/**
 * Takes a client's frame, always masked, off the front of `bytes`.
 *
 * @param {Buffer} bytes
 */
function takeFrame(bytes) {
  if (bytes.length < 6) return undefined
  let length = bytes[1] & 0x7f, at = 2
  if (length === 126) {
    length = bytes.readUInt16BE(2)
    at = 4
  }
  if (bytes.length < at + 4 + length) return undefined
  const mask = bytes.subarray(at, at + 4)
  const data = Buffer.from(bytes.subarray(at + 4, at + 4 + length))
  for (let i = 0; i < length; i++) data[i] ^= mask[i & 3]
  return { opcode: bytes[0] & 0xf, data, rest: bytes.subarray(at + 4 + length) }
}

/** @param {Buffer} bytes */
function takePacket(bytes) {
  let length = 0
  for (let i = 1; i < bytes.length && i < 5; i++) {
    length |= (bytes[i] & 0x7f) << 7 * (i - 1)
    if (bytes[i] & 0x80) continue
    const end = i + 1 + length
    return bytes.length < end ? undefined : { type: bytes[0] >> 4, body: bytes.subarray(i + 1, end), rest: bytes.subarray(end) }
  }
  return undefined
}
