/**
 * Sockets that the page makes itself, for a program on the page's own thread: what
 * is given here for a URL makes the next socket to it.
 */
type MakeSocket = (url: string, protocols: string[]) => WebSocket

/** By the client that dials: an attempt may be given up before its socket is made, so the next replaces it. */
const waiting = new Map<object, { url: string, make: MakeSocket }>()

/** `make` makes the socket of the next dial of `client`, which is to `url`. */
export function makeNextSocket(client: object, url: string, make: MakeSocket): void {
  waiting.delete(client)
  waiting.set(client, { url, make })
}

/** The client dials no more. */
export function forgetNextSocket(client: object): void { waiting.delete(client) }

export function newSocket(url: string, protocols: string[]): WebSocket {
  for (const [client, next] of waiting) {
    if (next.url !== url) continue
    waiting.delete(client)
    return next.make(url, protocols)
  }
  return new WebSocket(url, protocols)
}
