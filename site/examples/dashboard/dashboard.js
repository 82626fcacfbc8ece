/**
 * A dashboard of devices, written for mqtt.js. Its topics:
 *
 *   <space>/devices/<device>/status               {online}, retained; the device's will says when it is gone
 *   <space>/devices/<device>/telemetry/<sensor>   {value, unit, at}, QoS 0
 *   <space>/devices/<device>/command              {id, set}, QoS 1, from here
 *   <space>/devices/<device>/ack                  {id, state}, QoS 1, what the device did
 */
import { findBroker, plain, space } from '../shared/broker.js'
import { $ } from '../shared/dom.js'
import { showError, showLibrary, showState } from '../shared/link-state.js'
import { Commands } from './commands.js'
import { DeviceCard } from './device-card.js'
import { Rate } from './rate.js'
import { simulate } from './simulator.js'

const root = `${space}/devices`

function start({ url, transformWsUrl, renew }) {
  const client = mqtt.connect(url, {
    clientId: `dashboard-${Math.random().toString(36).slice(2, 10)}`, clean: true, keepalive: 30, reconnectPeriod: 1000, transformWsUrl,
    timerVariant: 'native', // the server's Content-Security-Policy allows no Worker from a blob
  })
  const cards = new Map()
  const commands = new Commands(client, root)
  const rate = new Rate()

  showState(client)
  client.on('close', renew)
  client.subscribe({
    [`${root}/+/telemetry/+`]: { qos: 0 },
    [`${root}/+/status`]: { qos: 1 },
    [`${root}/+/ack`]: { qos: 1 },
  }, error => {
    if (error) showError(error.message)
  })
  client.on('message', (topic, payload) => {
    rate.count()
    const [name, kind, sensor] = topic.slice(root.length + 1).split('/')
    let content
    try {
      content = JSON.parse(payload.toString())
    } catch {
      return // not of our devices
    }
    if (kind === 'ack') commands.acknowledged(content)
    const card = cardOf(name)
    if (kind === 'telemetry') card.measured(sensor, content)
    if (kind === 'status' || kind === 'ack') card.reported(content)
    $('devices-online').textContent = String([...cards.values()].filter(({ online }) => online).length)
  })

  function cardOf(name) {
    let card = cards.get(name)
    if (!card) {
      card = new DeviceCard(name, set => commands.send(name, set))
      cards.set(name, card)
      const next = [...cards.keys()].sort().find(other => other > name)
      $('devices').insertBefore(card.element, next ? cards.get(next).element : null)
      $('no-devices').hidden = true
    }
    return card
  }
}

async function run(broker) {
  start(broker)
  const simulated = simulate(broker, root)
  const follow = () => simulated.run($('simulate').checked)
  $('simulate').addEventListener('change', follow)
  follow()
}

showLibrary()
document.documentElement.dataset.ready = ''
const broker = await findBroker()
if (broker) run(broker)
$('broker-form').hidden = broker !== undefined
$('broker-form').addEventListener('submit', () => {
  $('broker-form').hidden = true
  run(plain($('broker').value.trim()))
})
