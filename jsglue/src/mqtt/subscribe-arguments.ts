/** What `subscribe` of mqtt.js is asked for. */
import { validateTopics } from './topics'
import type * as types from './types'

export interface Asked {
  /** Also what is held already. */
  again: boolean
  subscriptions: types.ISubscriptionRequest[]
  properties: object | undefined
}

/** The options of a filter, with the defaults of MQTT 5. */
export function wantedOptions(o: Partial<types.IClientSubscribeOptions> | undefined): Pick<types.ISubscriptionRequest, 'qos' | 'nl' | 'rap' | 'rh'> {
  return { qos: o?.qos ?? 0, nl: o?.nl ?? false, rap: o?.rap ?? false, rh: o?.rh ?? 0 }
}

/** Text is the filter that is not valid. */
export function readSubscribe(topics: string | string[] | types.ISubscriptionMap, opts: Partial<types.IClientSubscribeOptions> | undefined): Asked | string {
  let list: string[], again = false
  if (typeof topics === 'string') list = [topics]
  else if (Array.isArray(topics)) list = topics
  else {
    again = !!topics?.resubscribe
    list = Object.keys(topics ?? {}).filter(key => key !== 'resubscribe')
  }
  const bad = validateTopics(list)
  if (bad !== null) return bad
  const properties = opts?.properties
  const subscriptions = list.map(topic => {
    if (typeof topics !== 'object' || Array.isArray(topics)) return { topic, ...wantedOptions(opts), properties: properties! }
    const { qos, nl, rap, rh } = topics[topic]!
    return { topic, qos: qos ?? 0, nl: nl!, rap: rap!, rh: rh!, properties: properties! } // mqtt.js gives back what was given
  })
  return { again, subscriptions, properties }
}
