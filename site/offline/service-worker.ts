/**
 * Keeps the site at hand without a network: what build.mjs lists is fetched once
 * for each version and answered from the cache after that. Anything else, such as
 * the local gateway's answers, passes by it.
 */
/// <reference lib="webworker" />
const scope = globalThis as unknown as ServiceWorkerGlobalScope

/** Files of the site, relative to it. */
declare const SITE_FILES: readonly string[]
/** Changes whenever one of them does. */
declare const SITE_VERSION: string

const prefix = `iotwasm-site ${scope.registration.scope} `
const name = prefix + SITE_VERSION

scope.addEventListener('install', event => event.waitUntil((async () => {
  const cache = await caches.open(name)
  await cache.addAll(SITE_FILES.map(file => new Request(new URL(file, scope.registration.scope), { cache: 'no-cache' })))
  await scope.skipWaiting()
})()))

scope.addEventListener('activate', event => event.waitUntil((async () => {
  // Several copies of the site may stand on one origin: only what is this one's goes.
  for (const each of await caches.keys()) if (each.startsWith(prefix) && each !== name) await caches.delete(each)
  await scope.clients.claim()
})()))

scope.addEventListener('fetch', event => {
  const { request } = event
  if (request.method !== 'GET' || !request.url.startsWith(scope.registration.scope)) return
  const file = new URL(request.url).pathname.slice(new URL(scope.registration.scope).pathname.length)
  const known = SITE_FILES.includes(file) ? file : SITE_FILES.includes(`${file}index.html`) && (file === '' || file.endsWith('/')) ? `${file}index.html` : undefined
  if (known === undefined) return
  event.respondWith((async () => {
    const cache = await caches.open(name)
    return await cache.match(new URL(known, scope.registration.scope)) ?? fetch(request)
  })())
})

export {}
