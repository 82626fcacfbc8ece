/**
 * JSON as a tree, with its scalars as they are spelt. Only what is open is drawn, and
 * of long lists a part: a payload may hold tens of thousands of values.
 *
 * Hooks: `details[data-path]`, `.json-leaf[data-path]` with paths such as `state.list[0]`, `[data-action="more"]`.
 */
import { html, nothing, type TemplateResult } from 'lit'
import { t } from '../i18n'
import { itemPath, keyOf } from '../model/payload-diff'
import type { Node } from '../model/payload-format'
import { View } from './view'

type Branch = Extract<Node, { open: string }>

/** Items of a level that are drawn at once. */
const part = 200

export class JsonTree extends View {
  static override properties = { node: { attribute: false } }
  declare node: Node
  /** How many items are drawn of what is open. */
  #open = new Map<Branch, number>()
  #shut = new WeakSet<Branch>()
  #root: Node | undefined
  #short = true

  protected override watched() { return [] }

  protected override willUpdate(): void {
    super.willUpdate()
    if (this.#root === this.node) return
    this.#root = this.node
    this.#open = new Map()
    this.#short = 'scalar' in this.node || this.node.items.reduce((sum, { value }) => sum + ('scalar' in value ? 1 : value.items.length), 0) <= part
  }

  protected override render() { return this.#node('', '', this.node, 0) }

  #node(label: string, path: string, node: Node, depth: number): TemplateResult {
    const name = label ? html`<span class="json-key">${label}</span>: ` : nothing
    if ('scalar' in node) return html`<div class="json-leaf" data-path=${path}>${name}<span class="json-${node.scalar.startsWith('"') ? 'text' : 'scalar'}">${node.scalar}</span></div>`
    const { items, open, close } = node
    if (items.length === 0) return html`<div class="json-leaf" data-path=${path}>${name}${open}${close}</div>`
    const shown = this.#shown(node, depth)
    return html`<details data-path=${path} ?open=${shown > 0} @toggle=${(event: Event) => this.#toggled(event, node)}>
      <summary>${name}${open} <span class="muted">${items.length}</span> ${close}</summary>
      ${items.slice(0, shown).map(({ key, value }, at) => this.#node(open === '[' ? String(at) : keyOf(key), itemPath(node, path, key, at), value, depth + 1))}
      ${shown > 0 && shown < items.length ? html`<button type="button" class="small" data-action="more" @click=${() => this.#show(node, shown + part)}>${t('messages.more', { count: items.length - shown })}</button>` : nothing}
    </details>`
  }

  /** The first two levels are open unless they were shut, the second only where all of it is a few lines. */
  #shown(node: Branch, depth: number): number {
    const first = depth === 0 || (depth === 1 && this.#short)
    return this.#open.get(node) ?? (first && !this.#shut.has(node) ? part : 0)
  }

  /** The browser has opened or shut it. */
  #toggled(event: Event, node: Branch): void {
    const { open } = event.target as HTMLDetailsElement
    if (open) {
      this.#shut.delete(node)
      if (!this.#open.has(node)) this.#show(node, part)
    } else {
      this.#open.delete(node)
      this.#shut.add(node)
      this.requestUpdate()
    }
  }

  #show(node: Branch, items: number): void {
    this.#open.set(node, items)
    this.requestUpdate()
  }
}
customElements.define('json-tree', JsonTree)
