/** Topics of the Device Shadow service. */
import type { PlannedStep } from './delayed-runs'

const update = /^\$aws\/things\/[^/+#]+\/shadow(?:\/name\/([^/+#]+))?\/update$/

/** The name of the shadow that a message on `topic` updates; undefined where it is no shadow update. */
export function updatedShadow(topic: string): string | undefined {
  const match = update.exec(topic)
  return match ? match[1] ?? 'classic shadow' : undefined
}

/** Where the Device Shadow service answers an update. */
export const answerTopics = (topic: string): string[] => [`${topic}/accepted`, `${topic}/rejected`]

/** The two named shadows of the preset. */
export function twoNamedShadows(thing: string): PlannedStep[] {
  return ['test1', 'test2'].map((shadow, index) => ({
    topic: `$aws/things/${thing}/shadow/name/${shadow}/update`, payload: '{"state":{"reported":{}}}', delay: 1000 * (index + 1), qos: 1,
  }))
}
