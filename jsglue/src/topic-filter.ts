/** Topic filters, by the rules of MQTT 5, section 4.7. */

/**
 * What the wildcards of `filter` stand for in `topic`: `+` one level each, `#` all
 * the rest; undefined where it does not match.
 */
export function matchFilter(filter: string, topic: string): string[] | undefined {
  const levels = withoutShare(filter).split('/'), names = topic.split('/')
  if (topic.startsWith('$') && /^[+#]/.test(levels[0]!)) return undefined // [MQTT-4.7.2-1]
  const wildcards: string[] = []
  for (const [i, level] of levels.entries()) {
    if (level === '#') return [...wildcards, names.slice(i).join('/')]
    const name = names[i]
    if (name === undefined || (level !== '+' && level !== name)) return undefined
    if (level === '+') wildcards.push(name)
  }
  if (names.length > levels.length) return undefined
  return wildcards
}

/** The filter of a shared subscription, `$share/name/filter`; any other as it is. */
export function withoutShare(filter: string): string {
  return filter.startsWith('$share/') ? filter.slice(filter.indexOf('/', 7) + 1) : filter
}
