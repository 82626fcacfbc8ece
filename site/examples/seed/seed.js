'use strict'
const value = (id) => document.getElementById(id).value.trim()
let client

async function run() {
  show('connecting', 'Connecting')
  document.getElementById('events').replaceChildren()
  await client?.close()
  client = await iotwasm.connect({
    endpoint: value('endpoint'),
    region: value('region') || undefined,
    credentials: {
      accessKeyId: value('accessKeyId'),
      secretAccessKey: value('secretAccessKey'),
      sessionToken: value('sessionToken') || undefined,
    },
    worker: new URLSearchParams(location.search).get('worker') !== 'false',
  })

  const shadows = `$aws/things/${value('thing')}/shadow/name`
  const accepted = ['test1', 'test2'].map((shadow) => `${shadows}/${shadow}/update/accepted`)
  await client.subscribe(accepted, { qos: 1 }, (message) => {
    const shadow = message.topic.split('/').at(-3)
    list(`${shadow} accepted: ${message.text()}`).dataset.accepted = shadow
  })

  show('running', 'Subscribed. Publishing after 1000 ms and after 2000 ms')
  const payload = { state: { reported: {} } }
  const steps = client.publishDelayed([
    { topic: `${shadows}/test1/update`, payload, delay: 1000, qos: 1 },
    { topic: `${shadows}/test2/update`, payload, delay: 2000, qos: 1 },
  ])
  for await (const step of steps) {
    if (step.error) throw step.error
    list(`step ${step.index + 1} ${step.state}, ${step.deviation.toFixed(1)} ms off its time`).dataset.deviation = step.deviation
  }
  show('done', 'Both published')
}

const show = (state, text) => Object.assign(document.getElementById('status'), { textContent: text }).dataset.state = state
const list = (text) => document.getElementById('events').appendChild(Object.assign(document.createElement('li'), { textContent: text }))
const start = async () => {
  const button = document.querySelector('button')
  button.disabled = true
  await run().catch((error) => show('failed', [error.message, error.hint].filter(Boolean).join('\n')))
  button.disabled = false
}

document.querySelector('form').addEventListener('submit', start)

// The local gateway gives its development credentials; anywhere else the form is filled in by hand.
fetch('../../gateway.json').then((answer) => answer.ok ? answer.json() : {}).then((gateway) => {
  for (const id of ['endpoint', 'region', 'accessKeyId', 'secretAccessKey']) document.getElementById(id).value = gateway[id] ?? ''
  if (gateway.endpoint) start()
}).catch(() => {})
