/** Which view is shown: the fragment of the address, so that Back works and a reload stays. It never holds more than a view's name. */
import { Observable } from '../model/observable'

export const views = ['connection', 'messages', 'publish', 'delayed', 'shadows', 'charts', 'trace'] as const
export type ViewName = typeof views[number]

class Route extends Observable {
  constructor() {
    super()
    addEventListener('hashchange', () => this.changed())
  }

  get view(): ViewName {
    const name = location.hash.slice(1)
    return views.find(each => each === name) ?? 'connection'
  }

  set view(view: ViewName) { location.hash = view }
}

export const route = new Route()
