/** Four devices, each a client of its own with a will and a session that outlives its connection. Of several windows one simulates: the next takes over when it is closed. */
import { showError } from '../shared/link-state.js'

const devices = {
  'boiler-room': { temperature: [61, 6, '°C'], pressure: [2.1, 0.4, 'bar'] },
  'cold-store': { temperature: [-18, 1.5, '°C'], humidity: [84, 5, '%'] },
  greenhouse: { temperature: [24, 3, '°C'], humidity: [68, 8, '%'] },
  roof: { wind: [9, 4, 'm/s'], light: [420, 160, 'lx'] },
}

/** One device's program; it returns what stops it. */
function run(name, sensors, { url, transformWsUrl, renew }, root) {
  const topic = `${root}/${name}`
  const state = { fan: false, every: 1000 }
  const seed = Math.random() * 100
  const client = mqtt.connect(url, {
    clientId: `device-${name}-${Math.random().toString(36).slice(2, 8)}`, keepalive: 30, reconnectPeriod: 1000, transformWsUrl, timerVariant: 'native',
    // The broker keeps commands for it while it is away.
    protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 300 },
    will: { topic: `${topic}/status`, payload: JSON.stringify({ online: false }), qos: 1, retain: true },
  })
  client.on('close', renew)
  client.on('error', error => showError(`${name}: ${error.message}`))
  client.on('connect', () => client.publish(`${topic}/status`, JSON.stringify({ online: true, state }), { qos: 1, retain: true }))
  client.subscribe(`${topic}/command`, { qos: 1 })
  client.on('message', (_, payload) => {
    const { id, set } = JSON.parse(payload.toString())
    Object.assign(state, set)
    client.publish(`${topic}/ack`, JSON.stringify({ id, state }), { qos: 1 })
  })

  let timer
  const sample = () => {
    const at = Date.now(), t = at / 1000
    for (const [index, [sensor, [middle, reach, unit]]] of Object.entries(sensors).entries()) {
      const wave = Math.sin(t / 9 + seed + index * 2) * 0.6 + Math.sin(t / 2.3 + seed * 3) * 0.25 + (Math.random() - 0.5) * 0.3
      const value = middle + reach * (wave - (state.fan ? 0.7 : 0))
      if (client.connected) client.publish(`${topic}/telemetry/${sensor}`, JSON.stringify({ value: Number(value.toFixed(2)), unit, at }))
    }
    timer = setTimeout(sample, state.every)
  }
  sample()
  return () => {
    clearTimeout(timer)
    client.publish(`${topic}/status`, JSON.stringify({ online: false }), { qos: 1, retain: true })
    client.end(!client.connected, { properties: { sessionExpiryInterval: 0 } })
  }
}

export function simulate(broker, root) {
  let stop
  return {
    run(wanted) {
      stop?.abort()
      if (!wanted) return
      stop = new AbortController()
      const { signal } = stop
      navigator.locks.request(`devices ${root}`, { signal }, async () => {
        await broker.renew() // it may have been a long wait
        const stops = Object.entries(devices).map(([name, sensors]) => run(name, sensors, broker, root))
        await new Promise(resolve => signal.aborted ? resolve() : signal.addEventListener('abort', resolve))
        for (const each of stops) each()
      }).catch(error => { if (error.name !== 'AbortError') showError(error.message) })
    },
  }
}
