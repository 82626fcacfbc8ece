/** What holds on a link: the CONNACK's values, and where it has none the defaults of MQTT 5, section 3.2.2.3. */
import type { Connack, Negotiated } from './types'

export function negotiated({ properties: p }: Connack, asked: { keepAlive: number, sessionExpiryInterval: number }): Negotiated {
  return {
    keepAlive: p.serverKeepAlive ?? asked.keepAlive,
    sessionExpiryInterval: p.sessionExpiryInterval ?? asked.sessionExpiryInterval,
    receiveMaximum: p.receiveMaximum ?? 65535,
    maximumQoS: p.maximumQoS ?? 2,
    retainAvailable: p.retainAvailable ?? true,
    maximumPacketSize: p.maximumPacketSize ?? Infinity,
    topicAliasMaximum: p.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: p.wildcardSubscriptionAvailable ?? true,
    subscriptionIdentifiersAvailable: p.subscriptionIdentifiersAvailable ?? true,
    sharedSubscriptionAvailable: p.sharedSubscriptionAvailable ?? true,
  }
}
