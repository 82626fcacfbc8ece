// A server that sends a page as many MQTT 5 messages as it asks for, encoded
// beforehand, so that sending them takes no time from who receives them. It
// speaks just enough WebSocket (RFC 6455) and MQTT for that.
// @ts-check
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

const topic = 'bench/flood'
const payloadSize = 128

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
  let frames = Buffer.alloc(0), packets = Buffer.alloc(0)
  socket.on('data', chunk => {
    frames = Buffer.concat([frames, chunk])
    for (let frame; (frame = takeFrame(frames)); frames = frame.rest) {
      if (frame.opcode === 8) {
        socket.end(Buffer.from([0x88, 0]))
        return
      }
      packets = Buffer.concat([packets, frame.data])
    }
    for (let packet; (packet = takePacket(packets)); packets = packet.rest) answer(socket, packet.type, packet.body)
  })
}

/**
 * @param {import('node:stream').Duplex} socket
 * @param {number} type
 * @param {Buffer} body
 */
function answer(socket, type, body) {
  switch (type) {
    case 1: return socket.write(toFrame(Buffer.from([0x20, 3, 0, 0, 0]))) // CONNACK
    case 8: return socket.write(toFrame(Buffer.from([0x90, 4, body[0], body[1], 0, 0]))) // SUBACK, one filter
    case 12: return socket.write(toFrame(Buffer.from([0xd0, 0]))) // PINGRESP
    case 3: { // PUBLISH: its payload is how many messages, and how many to a frame
      const [count, perFrame] = body.subarray(2 + body.readUInt16BE(0) + 1).toString().split(' ').map(Number)
      socket.write(flood(count, perFrame))
    }
  }
}

/** @type {Map<string, Buffer>} */
const floods = new Map()

/**
 * @param {number} count
 * @param {number} perFrame
 */
function flood(count, perFrame) {
  const key = `${count} ${perFrame}`
  let bytes = floods.get(key)
  if (!bytes) {
    const frame = toFrame(Buffer.concat(Array(perFrame).fill(publish())))
    bytes = Buffer.concat(Array(count / perFrame).fill(frame))
    floods.set(key, bytes)
  }
  return bytes
}

function publish() {
  const name = Buffer.from(topic)
  const length = 2 + name.length + 1 + payloadSize
  return Buffer.concat([Buffer.from([0x30, 0x80 | length & 0x7f, length >> 7, 0, name.length]), name, Buffer.alloc(1 + payloadSize)])
}

/** @param {Buffer} data */
function toFrame(data) {
  const header = data.length < 126 ? [0x82, data.length] : [0x82, 126, data.length >> 8, data.length & 0xff]
  return Buffer.concat([Buffer.from(header), data])
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
