// Connects as soon as the script runs, and tells when the CONNACK was there,
// counted from the navigation. The server is in the address's fragment.
// @ts-check

/** @param {(server: import('../lanes/index.js').Server) => Promise<unknown>} connect */
export function start(connect) {
  const connected = connect(JSON.parse(decodeURIComponent(location.hash.slice(1)))).then(() => performance.now())
  Object.assign(globalThis, { connected })
}
