// A TCP proxy that breaks links for real, between a page and its server.
// @ts-check
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * @typedef {object} Proxy
 * @property {number} port
 * @property {(url: string) => string} through the same URL, by way of the proxy
 * @property {() => number} connections that were made so far
 * @property {() => number} open connections now
 * @property {() => void} freeze drops all that comes over the present connections, which stay open
 * @property {() => void} cut resets the present connections
 * @property {() => Promise<void>} refuse has the machine refuse new connections
 * @property {() => Promise<void>} accept takes them again
 * @property {() => Promise<void>} stop
 */

/**
 * @param {number} target port on this machine
 * @returns {Promise<Proxy>}
 */
export async function startProxy(target) {
  let connections = 0
  /** @type {Set<{ frozen: boolean, sockets: import('node:net').Socket[] }>} */
  const links = new Set()
  const server = createServer(near => {
    connections++
    const far = connect(target, '127.0.0.1')
    const link = { frozen: false, sockets: [near, far] }
    links.add(link)
    for (const [from, to] of [[near, far], [far, near]]) {
      from?.setNoDelay()
      from?.on('data', data => { if (!link.frozen) to?.write(data) })
      from?.on('error', () => undefined)
      from?.on('close', () => {
        if (link.frozen) return // nobody hears of it
        links.delete(link)
        to?.destroy()
      })
    }
  })
  const listen = async (port = 0) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  }
  const cut = () => {
    for (const link of links) for (const s of link.sockets) s.resetAndDestroy()
    links.clear()
  }
  const port = await listen()
  return {
    port,
    through: url => url.replace(/:\d+/, `:${port}`),
    connections: () => connections,
    open: () => links.size,
    freeze: () => { for (const link of links) link.frozen = true },
    cut,
    refuse: async () => { server.close() },
    accept: async () => { await listen(port) },
    stop: async () => {
      cut()
      if (server.listening) await new Promise(resolve => server.close(resolve))
    },
  }
}
