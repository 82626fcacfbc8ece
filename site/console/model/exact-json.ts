/** JSON of a value whose integers may be bigints, indented. */
export function exactJson(value: unknown, indent = ''): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const inner = `${indent}  `
  const items = Array.isArray(value) ? value.map(each => exactJson(each, inner)) : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${exactJson(each, inner)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.map(each => inner + each).join(',\n')}\n${indent}${close}`
}
