/**
 * What happens to the page that a client must know of: it is shown again, the
 * device is online again, it is put into the back/forward cache and taken out.
 */
import { Wake } from './kinds'

/** Calls back until the function that it returns is called. Does nothing where there is no page. */
export function watchPage(tell: (reason: Wake) => void): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined
  const visible = (): void => { if (document.visibilityState === 'visible') tell(Wake.probe) }
  const online = (): void => tell(Wake.probe)
  // An open WebSocket keeps a page out of the back/forward cache.
  const hide = (e: PageTransitionEvent): void => { if (e.persisted) tell(Wake.suspend) }
  const show = (e: PageTransitionEvent): void => { if (e.persisted) tell(Wake.resume) }
  document.addEventListener('visibilitychange', visible)
  document.addEventListener('resume', online)
  window.addEventListener('online', online)
  window.addEventListener('pagehide', hide)
  window.addEventListener('pageshow', show)
  return () => {
    document.removeEventListener('visibilitychange', visible)
    document.removeEventListener('resume', online)
    window.removeEventListener('online', online)
    window.removeEventListener('pagehide', hide)
    window.removeEventListener('pageshow', show)
  }
}
