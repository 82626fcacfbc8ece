/**
 * Sockets that the page makes itself, for a program on the page's own thread: what
 * is given here for a URL makes the next socket to it.
 */
type MakeSocket = (url: string, protocols: string[]) => WebSocket

const waiting = new Map<string, MakeSocket[]>()

/** `make` makes the socket of the next dial to `url`. */
export function makeNextSocket(url: string, make: MakeSocket): void {
  waiting.set(url, [...waiting.get(url) ?? [], make])
}

export function newSocket(url: string, protocols: string[]): WebSocket {
  const [make, ...others] = waiting.get(url) ?? []
  if (others.length > 0) waiting.set(url, others)
  else waiting.delete(url)
  return make ? make(url, protocols) : new WebSocket(url, protocols)
}
