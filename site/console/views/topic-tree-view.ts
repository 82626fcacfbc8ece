/**
 * The topics as a tree. Selecting a level shows the messages from there on.
 *
 * Hooks: `#topic-tree [role=treeitem][data-topic]`. Keys: arrows, Home, End, Enter.
 */
import { html, nothing, type TemplateResult } from 'lit'
import { t } from '../i18n'
import type { MessageFilter } from '../model/message-filter'
import type { TopicNode, TopicTree } from '../model/topic-tree'
import { View } from './view'

/** Levels below one that are drawn. */
const drawn = 200

export class TopicTreeView extends View {
  static override properties = { tree: { attribute: false }, filter: { attribute: false } }
  declare tree: TopicTree
  declare filter: MessageFilter
  readonly #open = new Set<string>()
  #current: string | undefined

  protected override watched() { return [this.tree, this.filter] }

  protected override render() {
    const { root, left } = this.tree
    return html`<section class="panel" aria-labelledby="topics-heading">
      <div class="panel-head"><h2 id="topics-heading">${t('messages.topics')}</h2>
        ${this.filter.wanted.below === undefined ? nothing : html`<button type="button" id="topics-all" @click=${() => this.#select(undefined)}>${t('messages.topics.all')}</button>`}</div>
      ${root.children.size === 0 ? html`<p class="empty">${t('messages.topics.empty')}</p>`
        : html`<ul id="topic-tree" class="tree" role="tree" aria-labelledby="topics-heading" @keydown=${this.#key}>${this.#level(root, 1)}</ul>`}
      ${left > 0 ? html`<p class="note">${t('messages.topics.left', { left })}</p>` : nothing}
    </section>`
  }

  #level(node: TopicNode, level: number): unknown {
    const children = this.tree.sorted(node)
    const first = children[0]?.topic
    return [children.slice(0, drawn).map(child => this.#item(child, level, this.#current === undefined && level === 1 && child.topic === first)),
      children.length > drawn ? html`<li role="none" class="note">${t('messages.topics.more', { count: children.length - drawn })}</li>` : nothing]
  }

  #item(node: TopicNode, level: number, entry: boolean): TemplateResult {
    const { name, topic, count, last, children } = node
    const open = this.#open.has(topic), selected = this.filter.wanted.below === topic
    return html`<li role="treeitem" data-topic=${topic} aria-level=${level} aria-expanded=${children.size > 0 ? String(open) : nothing} aria-selected=${selected}
      tabindex=${entry || this.#current === topic ? 0 : -1} @focus=${() => { this.#current = topic }} @click=${(event: Event) => this.#click(event, topic)}>
      <span class="tree-row"><span class="twist" aria-hidden="true">${children.size > 0 ? open ? '▾' : '▸' : ''}</span>
        <span class="tree-name">${name || t('messages.topics.blank')}</span> <span class="count">${count}</span> <span class="tree-value muted">${last?.text}</span></span>
      ${open && children.size > 0 ? html`<ul role="group">${this.#level(node, level + 1)}</ul>` : nothing}
    </li>`
  }

  /** A click on the mark opens and closes, elsewhere it selects. */
  #click(event: Event, topic: string): void {
    event.stopPropagation()
    if ((event.target as HTMLElement).closest('.twist')) this.#toggle(topic)
    else {
      this.#open.add(topic)
      this.#select(this.filter.wanted.below === topic ? undefined : topic)
    }
  }

  #key(event: KeyboardEvent): void {
    const items = [...this.querySelectorAll<HTMLElement>('[role="treeitem"]')]
    const item = (event.target as HTMLElement).closest<HTMLElement>('[role="treeitem"]'), at = item ? items.indexOf(item) : -1
    if (!item || at < 0) return
    const topic = item.dataset['topic']!, expanded = item.getAttribute('aria-expanded')
    const to: Record<string, HTMLElement | undefined | null> = {
      ArrowDown: items[at + 1], ArrowUp: items[at - 1], Home: items[0], End: items.at(-1),
      ArrowRight: expanded === 'true' ? items[at + 1] : undefined, ArrowLeft: expanded === 'true' ? undefined : item.parentElement?.closest<HTMLElement>('[role="treeitem"]'),
    }
    if (event.key === 'Enter' || event.key === ' ') this.#select(this.filter.wanted.below === topic ? undefined : topic)
    else if ((event.key === 'ArrowRight' && expanded === 'false') || (event.key === 'ArrowLeft' && expanded === 'true')) this.#toggle(topic)
    else if (to[event.key]) to[event.key]!.focus()
    else return
    event.preventDefault()
  }

  #toggle(topic: string): void {
    if (!this.#open.delete(topic)) this.#open.add(topic)
    this.requestUpdate()
  }

  #select(topic: string | undefined): void { this.filter.set({ below: topic }) }
}
customElements.define('topic-tree-view', TopicTreeView)
