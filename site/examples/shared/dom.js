/** Few words for making elements. */

export const $ = id => document.getElementById(id)

/** An element with properties, `data` attributes and children; text is a child as it is. */
export function element(name, { data, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  Object.assign(made.dataset, data)
  made.append(...children)
  return made
}

/** 14:07, or 14:07:33. */
export const clock = (at, seconds = false) =>
  new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', ...seconds && { second: '2-digit' } })
