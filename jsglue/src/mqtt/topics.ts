/** The checks of topic filters that mqtt.js offers to pages. They look at the wildcards only. */

export function validateTopic(topic: string): boolean {
  return topic.split('/').every((level, i, levels) => level === '+' || (level === '#' ? i === levels.length - 1 : !/[+#]/.test(level)))
}

/** The first that is not valid, or null. */
export function validateTopics(topics: readonly string[]): string | null {
  return topics.length ? topics.find(topic => !validateTopic(topic)) ?? null : 'empty_topic_list'
}
