// @ts-check

const UPDATE = /^\$aws\/things\/[^/+#]+\/shadow(?:\/name\/([^/+#]+))?\/update$/

/**
 * The name of the shadow that a message on `topic` updates; undefined where it
 * is no shadow update.
 *
 * @param {string} topic
 */
export function updatedShadow(topic) {
  const match = UPDATE.exec(topic)
  return match ? match[1] ?? 'classic shadow' : undefined
}

/** Where the Device Shadow service answers an update. @param {string} topic */
export function answerTopics(topic) {
  return [`${topic}/accepted`, `${topic}/rejected`]
}

/**
 * The two named shadows of the preset.
 *
 * @param {string} thing
 */
export function twoNamedShadows(thing) {
  return ['test1', 'test2'].map((shadow, index) => ({
    topic: `$aws/things/${thing}/shadow/name/${shadow}/update`,
    payload: '{"state":{"reported":{}}}',
    delay: 1000 * (index + 1),
    qos: /** @type {const} */ (1),
  }))
}
