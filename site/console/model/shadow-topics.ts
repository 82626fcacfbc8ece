/** Topics of the Device Shadow service. */

const update = /^\$aws\/things\/[^/+#]+\/shadow(?:\/name\/([^/+#]+))?\/update$/

/** The name of the shadow that a message on `topic` updates; undefined where it is no shadow update. */
export function updatedShadow(topic: string): string | undefined {
  const match = update.exec(topic)
  return match ? match[1] ?? 'classic shadow' : undefined
}

/** Where the Device Shadow service answers an update. */
export const answerTopics = (topic: string): string[] => [`${topic}/accepted`, `${topic}/rejected`]
