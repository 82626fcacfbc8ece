/**
 * A chat over MQTT, written for mqtt.js. Its topics:
 *
 *   <space>/chat/people/<id>              who is there, retained; the will says who is gone
 *   <space>/chat/hello                    asks everybody to say again that they are there
 *   <space>/chat/rooms/<room>/messages    what is said, QoS 1
 *   <space>/chat/rooms/<room>/typing      who writes, QoS 0
 *   <space>/chat/rooms/<room>/history     the last messages, retained
 */
import { findBroker, plain, space } from '../shared/broker.js'
import { $ } from '../shared/dom.js'
import { showError, showLibrary, showState } from '../shared/link-state.js'
import { People } from './people.js'
import { Rooms } from './rooms.js'

const root = `${space}/chat`
const broker = await findBroker()
const asJSON = payload => {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined // somebody else's message
  }
}

function join(nick, { url, transformWsUrl, renew }) {
  const me = { id: Math.random().toString(36).slice(2, 10), nick }
  const presence = `${root}/people/${me.id}`
  const client = mqtt.connect(url, {
    clientId: `chat-${me.id}`, clean: true, keepalive: 30, reconnectPeriod: 1000, transformWsUrl,
    timerVariant: 'native', // the server's Content-Security-Policy allows no Worker from a blob
    will: { topic: presence, payload: JSON.stringify({ nick, online: false }), qos: 1, retain: true },
  })
  const people = new People(me)
  const rooms = new Rooms(client, root, me)
  const here = () => client.publish(presence, JSON.stringify({ nick, online: true }), { qos: 1, retain: true })

  showState(client)
  client.on('close', renew)
  client.on('connect', () => {
    here()
    // A broker may keep retained messages from filters with wildcards, as AWS IoT Core does.
    client.publish(`${root}/hello`, me.id)
  })
  client.subscribe([`${root}/people/+`, `${root}/hello`, `${root}/rooms/+/messages`, `${root}/rooms/+/typing`], { qos: 1 }, error => {
    if (error) showError(error.message)
  })
  client.on('message', (topic, payload) => {
    const [kind, name, what] = topic.slice(root.length + 1).split('/')
    if (kind === 'hello' && payload.toString() !== me.id) here()
    if (kind === 'people') people.heard(name, payload.length > 0 ? asJSON(payload) : undefined)
    if (kind === 'rooms') rooms.heard(name, what, asJSON(payload))
  })
  rooms.open('lobby')

  const leave = () => {
    client.publish(presence, '', { qos: 1, retain: true }) // forgets the retained one
    client.end(!client.connected) // without a connection there is nothing to wait for
    rooms.close()
    people.close()
    show('join')
  }
  $('leave').addEventListener('click', leave, { once: true })
}

function show(id) {
  for (const each of ['join', 'chat']) $(each).hidden = each !== id
  $(id === 'chat' ? 'text' : 'nick').focus()
}

showLibrary()
$('broker-field').hidden = broker !== undefined
$('broker').required = broker === undefined
$('join-form').addEventListener('submit', async () => {
  await broker?.renew()
  show('chat')
  join($('nick').value.trim() || 'guest', broker ?? plain($('broker').value.trim()))
})
$('nick').focus()
document.documentElement.dataset.ready = ''
