/** The differences to mqtt.js that are meant: each narrow, with its reason. What is not here is a bug. */
import type { Transcript } from './recorder'
import type { ServerKind } from './types'

export interface Deliberate {
  id: string
  reason: string
  /** Names of the scenarios where it may show. */
  applies: RegExp
  on?: readonly ServerKind[]
  /**
   * Takes out of both transcripts what may differ. Called with copies, and does nothing
   * to a transcript that it is not about.
   */
  rewrite: (transcript: Transcript, side: Side) => Transcript
}

/** Whose transcript it is: mqtt.js's or the face's. */
export type Side = 'mqttjs' | 'ours'

/** Changes the lines of one lane. */
const lane = (name: string, change: (lines: string[]) => string[]) => (transcript: Transcript): Transcript => {
  const lines = transcript[name]
  if (!lines) return transcript
  const { [name]: _, ...rest } = transcript
  const changed = change(lines)
  return changed.length > 0 ? { ...rest, [name]: changed } : rest
}

/** Leaves these lines of a lane out. */
const without = (name: string, what: RegExp): ((transcript: Transcript) => Transcript) => lane(name, lines => lines.filter(l => !what.test(l)))

/** One after the other. */
const all = (...rewrites: ((transcript: Transcript) => Transcript)[]) => (transcript: Transcript): Transcript => rewrites.reduce((t, rewrite) => rewrite(t), transcript)

export const deliberate: readonly Deliberate[] = [
  {
    id: 'protocol-version',
    reason: 'MQTT 5 is the default, and what a page gets that asks for 4 or 3: acknowledgements have the form of 5.',
    applies: /^(connect by url alone|protocolVersion [34])$/,
    rewrite: all(
      lane('events', lines => lines.map(l => l.replace(/^connect \{cmd: "connack".*\}$/, 'connect <connack>'))),
      lane('callbacks', lines => lines.map(l => l.replace('{nl: false, qos: 1, rap: false, rh: 0, topic', '{qos: 1, topic'))),
    ),
  },
  {
    id: 'connect-packetsend',
    reason: 'The first CONNECT goes out after connect() returned, since the module loads first: handlers see it.',
    applies: /with packets|packets (of|at|after)|^pings keep|^pingreq is seen|^every property of CONNACK$|^subscribe again at the same QoS$|^kicked with a reason and properties$|^manualConnect/,
    rewrite: lane('events', lines => lines[0]?.startsWith('packetsend ') && lines[0].includes('cmd: "connect"') ? lines.slice(1) : lines),
  },
  {
    id: 'callback-order',
    reason: 'The callback of a publish at QoS 0 comes when the module has the message, not within the call.',
    applies: /^QoS 0 callback and what runs first$/,
    rewrite: without('notes', /^order /),
  },
  {
    id: 'qos2-delivery',
    reason: 'A message at QoS 2 is told once, when PUBLISH comes, not when PUBREL does.',
    applies: /^(QoS 2 before PUBREL|QoS 2 twice before PUBREL|order of packets of QoS 2 in)$/,
    rewrite: all(without('events', /^message /), without('notes', /^messages [01]$/)),
  },
  {
    id: 'order-after-outage',
    reason: 'What was published while away goes out in its order; mqtt.js has QoS 1 and 2 first, and before SUBSCRIBE.',
    applies: /^(all QoS while away, and their order|publish before connect|PUBACK is lost)$/,
    rewrite: all(without('events', /^message /), lane('callbacks', lines => [...lines].sort()), lane('wire', lines => [...lines].sort())),
  },
  {
    id: 'denied-filter',
    reason: 'One denied filter does not make the client forget the others of its SUBSCRIBE.',
    applies: /^a denied filter of several, then a drop$/,
    rewrite: without('wire', /cmd: "subscribe"/),
  },
  {
    id: 'graceful-end',
    reason: 'A graceful end while away finishes though messages are not acknowledged, and their callbacks are told; mqtt.js never finishes.',
    applies: /^end while away with QoS [01]$/,
    rewrite: all(without('events', /^(outgoingEmpty|end)$/), without('outcomes', /^end /), without('callbacks', /^publish \{name: "Error", message: "Connection closed"\}!/)),
  },
  {
    id: 'subscribe-over-outage',
    reason: 'A SUBSCRIBE or UNSUBSCRIBE under way at a drop is sent again rather than failing.',
    applies: /^(un)?subscribe under way at a drop$/,
    rewrite: without('callbacks', /^(un)?subscribe /),
  },
  {
    id: 'end-before-connect',
    reason: 'A page that ended the client before it connected hears no connect any more, and always close.',
    applies: /^end before connect$/,
    rewrite: all(without('events', /^connect /), without('events close', /^close$/)),
  },
  {
    id: 'own-receive-maximum',
    reason: 'CONNECT says how many messages the client takes at once where the page does not say; mqtt.js leaves it out, which is 65535.',
    applies: /wire|keepalive of the options|CONNECT without properties|as options$|in the url$|^transformWsUrl changes|^no DISCONNECT by force$/,
    rewrite: lane('wire', lines => lines.map(l => l.replace('properties: {receiveMaximum: 100}, ', ''))),
  },
  {
    id: 'resubscribe-together',
    reason: 'Filters are subscribed again in one SUBSCRIBE, as far as their options allow, rather than in one for each.',
    applies: /^(resubscribe after a drop|order of packets after a drop with subscriptions)$/,
    rewrite: all(
      lane('wire', lines => lines.flatMap(l => /cmd: "subscribe"/.test(l) ? l.match(/\{nl[^}]*\}/g) ?? [] : [l])),
      // It goes before what waits, so that an answer to that is not missed.
      lane('events', lines => [...lines.filter(l => !/cmd: "(subscribe|suback)"/.test(l)), ...lines.filter(l => /cmd: "subscribe"/.test(l)).flatMap(l => l.match(/\{nl[^}]*\}/g) ?? [])]),
    ),
  },
  {
    id: 'session-resumed',
    reason: 'A reconnect takes the session up where the server kept it, also with clean: true, which holds for the first CONNECT: nothing is lost.',
    applies: /^(a clean client with a session has a new one after a drop|transformWsUrl changes the user name|subscribe and publish while away, on the wire)$/,
    rewrite: all(
      lane('events', lines => lines.map(l => l.replace(/sessionPresent: (true|false)/, 'sessionPresent'))),
      lane('wire', lines => lines.map(l => l.replace(/^\{clean: (true|false)/, '{clean'))),
    ),
  },
  {
    id: 'subscribe-once',
    reason: 'A filter that was subscribed to while away goes out once; mqtt.js sends it from its queue, and again to resubscribe.',
    applies: /^subscribe and publish while away, on the wire$/,
    rewrite: lane('wire', lines => lines.filter((l, i) => lines.indexOf(l) === i)),
  },
  {
    id: 'defaults-left-out',
    reason: 'requestProblemInformation: true is not sent, since it is the default of MQTT 5.',
    applies: /^every property of CONNECT$/,
    rewrite: lane('wire', lines => lines.map(l => l.replace('requestProblemInformation: true, ', ''))),
  },
  {
    id: 'transform-ws-url',
    reason: 'transformWsUrl may be asynchronous, so what it throws is told by error, not thrown by connect().',
    applies: /^transformWsUrl that throws$/,
    rewrite: without('calls', /^connect (throws|returns)/),
  },
  {
    id: 'calls-wait',
    reason: 'A subscribe that waits is not given up when a CONNECT was refused: reconnect() takes it along, end() calls it back.',
    applies: /^refused, with what waits$/,
    rewrite: without('callbacks', /^subscribe /),
  },
  {
    id: 'protocol-errors',
    reason: 'What the server did wrong is told in words of the module, by an IotError without a number; a DISCONNECT in the place of the CONNACK is one of them.',
    applies: /^(CONNACK twice|a server that says DISCONNECT before CONNACK|AUTH that was not asked for|larger than maximumPacketSize|an alias that is (not asked for|unknown|too high)|aliases are forgotten at a drop)$/,
    rewrite: without('events', /^(error \{name: "(ErrorWithReasonCode|IotError)"|disconnect )/),
  },
  {
    id: 'suback-too-short',
    reason: 'Filters without a code in the SUBACK count as refused; mqtt.js connects anew.',
    applies: /^SUBACK with too few codes$/,
    rewrite: all(without('events', /^(offline|close|reconnect|connect .*)$/), without('callbacks', /^subscribe /), without('gave up', /^no connect/)),
  },
  {
    id: 'authentication',
    reason: 'Enhanced authentication is not supported: connect() throws.',
    applies: /^authenticationData without method$/,
    // Whether mqtt.js still tells of the CONNACK depends on which comes first, that or its error.
    rewrite: all(without('events', /^(end|connect .*|error .*)$/), without('gave up', /enhanced authentication/)),
  },
  {
    id: 'no-internals',
    reason: 'What mqtt.js is made of is not there: stream, sendPing, KeepaliveManager.',
    applies: /^(stream end\(\) by the page|sendPing by the page|exports)$/,
    rewrite: all(without('events', /./), without('calls', /^(stream|sendPing) /), without('notes', /^KeepaliveManager /), without('gave up', /./)),
  },
  {
    id: 'server-disconnect',
    reason: 'After a DISCONNECT of the server the link counts as ended at once; mqtt.js waits for the socket to close.',
    applies: /^kicked(,| with)/,
    rewrite: all(without('notes', /^still /), without('events', /^(offline$|close$|reconnect$|connect )/)),
  },
  {
    id: 'refused-publish',
    reason: 'The packet that a refused publish gives has its reason code; what the server wrote beside it is in the error\'s cause.',
    applies: /^(publish denied|PUBACK with properties)$/,
    rewrite: lane('callbacks', lines => lines.map(l => l.replace(/payload: null, properties: \{.*?\}\}?, qos/, 'payload: null, qos'))),
  },
  {
    id: 'dup-flag',
    reason: 'The DUP flag is the module\'s: set on what it sends again in a session, and on nothing else [MQTT-3.3.1-1].',
    applies: /^(dup on the wire|QoS 1 under way at a drop, with a session)$/,
    rewrite: lane('wire', lines => lines.map(l => l.replace(/dup: (true|false)/, 'dup'))),
  },
  {
    id: 'bad-input',
    reason: 'A topic name that no server takes, a QoS above the server\'s maximum and an alias above its are refused with an error before anything is sent.',
    applies: /^(a topic with wildcards|an empty topic|QoS 2 to AWS|topic alias (beyond the maximum|where there is none))$/,
    rewrite: all(without('callbacks', /^publish( |$)/), without('events', /^(disconnect |close$)/)),
  },
  {
    id: 'removed-message',
    reason: 'removeOutgoingMessage of one that was sent only stops waiting: it may go out again after a drop, as the session demands.',
    applies: /^removeOutgoingMessage$/,
    rewrite: without('wire', /cmd: "publish"/),
  },
  {
    id: 'subscription-identifiers',
    reason: 'Of several subscription identifiers of one message the last is told.',
    applies: /^(overlapping subscriptions with identifiers|message with several subscription identifiers)$/,
    rewrite: lane('events', lines => lines.map(l => l.replace(/subscriptionIdentifier: \[\d+, (\d+)\]/, 'subscriptionIdentifier: $1'))),
  },
  {
    id: 'received-alias',
    reason: 'packet.topic is the topic name, also where the server sent its alias alone.',
    applies: /^(message with an alias|an alias that is changed)$/,
    rewrite: lane('events', lines => lines.map(l => l.replace(/topic: "[^"]*"\}$/, 'topic}'))),
  },
  {
    id: 'own-alias',
    reason: 'A topic alias that the page sets stands for its topic name, and is not sent: the module gives aliases itself.',
    applies: /^topic alias by hand$/,
    rewrite: lane('wire', lines => lines.map(l => l.replace('properties: {topicAlias: 1}, ', '').replace(/topic: "[^"]*"\}$/, 'topic}'))),
  },
  {
    id: 'qos2-lost-session',
    reason: 'A message at QoS 2 whose session the server lost is not published again, which might be twice: its callback is told.',
    applies: /^QoS 2 under way at a drop, before PUBREC$/,
    rewrite: all(without('callbacks', /^publish /), without('wire', /cmd: "(publish|pubrel)"/)),
  },
  {
    id: 'every-callback',
    reason: 'Each callback is called, with Connection closed where the client ended first; mqtt.js forgets some, and throws in one place.',
    applies: /^(end by force with QoS 1 under way|end before connect with what waits|publish after end with reconnectPeriod 0)$/,
    rewrite: all(without('callbacks', /^(publish|QoS 0) \{name: "Error", message: "Connection closed"\}/), without('calls', /^publish (throws \{name: "TypeError"|returns)/)),
  },
]
