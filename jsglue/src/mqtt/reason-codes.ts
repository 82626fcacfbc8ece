/** Return codes of MQTT 3.1.1 (up to 5) and reason codes of MQTT 5, by the names that the two specifications give them. */
const from128 = [
  'Unspecified error', 'Malformed Packet', 'Protocol Error', 'Implementation specific error', 'Unsupported Protocol Version',
  'Client Identifier not valid', 'Bad User Name or Password', 'Not authorized', 'Server unavailable', 'Server busy', 'Banned',
  'Server shutting down', 'Bad authentication method', 'Keep Alive timeout', 'Session taken over', 'Topic Filter invalid',
  'Topic Name invalid', 'Packet identifier in use', 'Packet Identifier not found', 'Receive Maximum exceeded', 'Topic Alias invalid',
  'Packet too large', 'Message rate too high', 'Quota exceeded', 'Administrative action', 'Payload format invalid',
  'Retain not supported', 'QoS not supported', 'Use another server', 'Server moved', 'Shared Subscriptions not supported',
  'Connection rate exceeded', 'Maximum connect time', 'Subscription Identifiers not supported', 'Wildcard Subscriptions not supported',
]

export const ReasonCodes: Record<number, string> = {
  0: '',
  1: 'Unacceptable protocol version',
  2: 'Identifier rejected',
  3: 'Server unavailable',
  4: 'Bad username or password',
  5: 'Not authorized',
  16: 'No matching subscribers',
  17: 'No subscription existed',
  ...Object.fromEntries(from128.map((name, i) => [128 + i, name])),
}
