// The same written for mqtt.js.
import mqtt from 'iotwasm/mqtt'

const { thing, endpoint, region, credentials } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const client = mqtt.connect(`${endpoint}/mqtt`, { aws: { region, credentials } })
const topic = `$aws/things/${thing}/shadow/update`
client.on('error', error => { document.getElementById('result').textContent = String(error) })
client.on('message', name => { document.getElementById('result').textContent = name.slice(topic.length + 1) })
client.subscribe(`${topic}/accepted`, { qos: 1 }, () => client.publish(topic, '{"state":{"reported":{}}}', { qos: 1 }))
