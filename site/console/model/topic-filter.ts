/** Whether a topic filter matches a topic name, MQTT 5 section 4.7. */
export function matches(filter: string, topic: string): boolean {
  const want = filter.startsWith('$share/') ? filter.split('/').slice(2) : filter.split('/')
  const have = topic.split('/')
  // A leading wildcard leaves out topics of the server's own.
  if (topic.startsWith('$') && (want[0] === '#' || want[0] === '+')) return false
  for (let i = 0; i < want.length; i++) {
    if (want[i] === '#') return true
    if (i >= have.length) return false
    if (want[i] !== '+' && want[i] !== have[i]) return false
  }
  return want.length === have.length
}
