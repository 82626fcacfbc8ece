/** What was heard and sent, by topic level: how many messages, and the last one. */
import type { Entry, MessageHistory } from './message-history'
import { Observable } from './observable'
import { previewText } from './payload-format'

export interface TopicNode {
  /** The level's own name; empty levels are empty. */
  readonly name: string
  /** The whole topic up to here. */
  readonly topic: string
  /** Messages of this topic and below. */
  count: number
  /** Of this very topic: how its last payload begins. The payload itself is the history's to drop. */
  last: { readonly text: string | undefined } | undefined
  readonly children: Map<string, TopicNode>
}

/** Levels that the tree has room for; what comes after that is not shown. */
const most = 5000

/** Bytes of the last payload. */
const previewed = 80

// device-2 before device-10.
const { compare } = new Intl.Collator(undefined, { numeric: true })

const node = (name: string, topic: string): TopicNode => ({ name, topic, count: 0, last: undefined, children: new Map() })

export class TopicTree extends Observable {
  root = node('', '')
  /** Messages whose topics did not fit. */
  left = 0
  #size = 0
  /** In order; until another child comes. */
  readonly #sorted = new WeakMap<TopicNode, TopicNode[]>()

  constructor(history: MessageHistory) {
    super()
    history.onAppend(entry => this.#add(entry))
    history.onClear(() => {
      this.root = node('', '')
      this.#size = this.left = 0
      this.changed()
    })
  }

  /** The levels below a node, in order. */
  sorted(node: TopicNode): readonly TopicNode[] {
    let sorted = this.#sorted.get(node)
    if (!sorted || sorted.length !== node.children.size) this.#sorted.set(node, sorted = [...node.children.values()].sort((a, b) => compare(a.name, b.name)))
    return sorted
  }

  #add(entry: Entry): void {
    this.#count(entry)
    this.changed()
  }

  #count(entry: Entry): void {
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
    at.last = { text: previewText(entry.payload, previewed) }
  }
}
