/** What was heard and sent, by topic level: how many messages, and the last one. */
import type { Entry, MessageHistory } from './message-history'
import { Observable } from './observable'

export interface TopicNode {
  /** The level's own name; empty levels are empty. */
  readonly name: string
  /** The whole topic up to here. */
  readonly topic: string
  /** Messages of this topic and below. */
  count: number
  /** Of this very topic. */
  last: Entry | undefined
  readonly children: Map<string, TopicNode>
}

/** Levels that the tree has room for; what comes after that is not shown. */
const most = 5000

const node = (name: string, topic: string): TopicNode => ({ name, topic, count: 0, last: undefined, children: new Map() })

export class TopicTree extends Observable {
  root = node('', '')
  /** Levels that did not fit. */
  left = 0
  #size = 0

  constructor(history: MessageHistory) {
    super()
    history.onAppend(entry => this.#add(entry))
    history.onClear(() => {
      this.root = node('', '')
      this.#size = this.left = 0
      this.changed()
    })
  }

  #add(entry: Entry): void {
    let at = this.root
    at.count++
    for (const name of entry.topic.split('/')) {
      let child = at.children.get(name)
      if (!child) {
        if (this.#size >= most) {
          this.left++
          return
        }
        this.#size++
        at.children.set(name, child = node(name, at === this.root ? name : `${at.topic}/${name}`))
      }
      child.count++
      at = child
    }
    at.last = entry
    this.changed()
  }
}
