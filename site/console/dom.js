// @ts-check

/** @typedef {Record<string, string | number | boolean | EventListener | undefined>} Attributes */

/**
 * Makes an element. `onclick` and the like add listeners; `undefined` and
 * `false` leave an attribute out, `true` sets it empty.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') node.addEventListener(name.slice(2), value)
    else node.setAttribute(name, value === true ? '' : String(value))
  }
  node.append(...children)
  return node
}

/**
 * The element of this id, which the page must have.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const node = document.getElementById(id)
  if (!(node instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`)
  return node
}

/** @param {string} id */
export const input = (id) => byId(id, HTMLInputElement)

/** @param {string} id */
export const button = (id) => byId(id, HTMLButtonElement)

/**
 * A topic name or filter as text that may break after each level.
 *
 * @param {string} topic
 * @returns {(Node | string)[]}
 */
export function topicText(topic) {
  return topic.split(/(?<=\/)/).flatMap((level) => [level, el('wbr')])
}

/**
 * Sets text only where it differs, so that live regions do not speak twice.
 *
 * @param {HTMLElement} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * Says that a button does nothing now. Unlike `disabled` it leaves the focus
 * where it is; the action behind the button must refuse by itself.
 *
 * @param {HTMLButtonElement} target
 * @param {boolean} unavailable
 */
export function setUnavailable(target, unavailable) {
  target.setAttribute('aria-disabled', String(unavailable))
}

/**
 * Sets a data attribute, or removes it where the value is undefined.
 *
 * @param {HTMLElement} node
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 */
export function setData(node, name, value) {
  if (value === undefined) delete node.dataset[name]
  else if (node.dataset[name] !== String(value)) node.dataset[name] = String(value)
}
