/** Has the browser keep the site, so that it opens without a network after the first visit. */
import { Observable } from './observable'

class Offline extends Observable {
  /** A newer version of the site is at hand: a reload shows it. */
  renewed = false

  /** Without one, as on a page of `http:` that is not this machine's, the console works all the same. */
  start(): void {
    const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined
    if (!workers) return
    const first = workers.controller === null
    workers.addEventListener('controllerchange', () => {
      this.renewed = !first
      this.changed()
    })
    workers.register('service-worker.js').catch(() => {})
  }
}

export const offline = new Offline()
