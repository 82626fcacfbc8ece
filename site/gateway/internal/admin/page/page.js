// Shows /_gateway/state.json, every other second while the page is seen.

const every = 2000
const $ = id => document.getElementById(id)

const time = text => new Date(text).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })
const moment = text => new Date(text).toLocaleString()
const hex = code => `0x${code.toString(16).padStart(2, '0')}`

const counterNames = {
  connections: 'Connections so far', packetsReceived: 'Packets received', packetsSent: 'Packets sent', bytesReceived: 'Bytes received',
  bytesSent: 'Bytes sent', publishesReceived: 'PUBLISH received', publishesSent: 'PUBLISH sent', retained: 'Retained messages',
}

// Of each table: its columns, as a title and what a row shows there; those that start with * may wrap.
const tables = {
  connections: [
    ['*Client', c => c.clientId], ['MQTT', c => c.protocolVersion], ['Principal', c => c.principalId], ['Since', c => moment(c.since)],
    ['Keep alive', c => c.keepAliveSeconds ? `${c.keepAliveSeconds} s` : 'none'], ['In flight', c => c.inFlight], ['Queue', c => `${c.queued} (${c.bytes} bytes)`],
    ['Unanswered', c => c.unanswered], ['From', c => c.remote],
  ],
  away: [['*Client', s => s.clientId], ['Queue', s => `${s.queued} (${s.bytes} bytes)`]],
  subscriptions: [
    ['*Client', s => s.clientId], ['*Filter', s => s.filter], ['QoS', s => s.qos],
    ['Options', s => [s.noLocal && 'no local', s.retainAsPublished && 'retain as published', s.retainHandling && `retain handling ${s.retainHandling}`, s.identifier && `identifier ${s.identifier}`].filter(Boolean).join(', ')],
  ],
  shadows: [['*Thing', s => s.thing], ['*Shadow', s => s.name || '(classic)'], ['Version', s => s.version], ['Bytes', s => s.bytes], ['Updated', s => moment(s.updated)]],
  packets: [
    ['Time', p => time(p.time)], ['*Client', p => p.clientId], ['', p => p.direction === 'sent' ? '← sent' : '→ received'], ['Type', p => p.type],
    ['*Topic', p => (p.topics ?? []).join(', ')], ['QoS', p => p.qos ?? ''], ['Flags', p => [p.retain && 'retain', p.dup && 'dup'].filter(Boolean).join(', ')],
    ['Bytes', p => p.size], ['Reason', p => (p.reasonCodes ?? []).map(hex).join(' ')],
  ],
}

function element(name, text, long) {
  const e = document.createElement(name)
  e.textContent = text // never markup: clients chose some of it
  if (long) e.className = 'long'
  return e
}

function fill(table, columns, rows) {
  if (rows.length === 0) {
    const row = document.createElement('tr')
    row.append(element('td', 'None'))
    row.firstChild.className = 'none'
    table.replaceChildren(row)
    return
  }
  const head = document.createElement('tr')
  for (const [title] of columns) {
    const cell = element('th', title.replace('*', '') || 'Direction')
    cell.scope = 'col'
    head.append(cell)
  }
  table.replaceChildren(head, ...rows.map(row => {
    const line = document.createElement('tr')
    line.append(...columns.map(([title, show]) => element('td', show(row), title.startsWith('*'))))
    return line
  }))
}

function show(state) {
  $('counters').replaceChildren(...Object.entries(counterNames).map(([key, name]) => {
    const pair = document.createElement('div')
    pair.append(element('dt', name), element('dd', state.counters[key].toLocaleString()))
    return pair
  }))
  for (const [name, columns] of Object.entries(tables)) fill($(name), columns, name === 'packets' ? state.packets.toReversed() : state[name])
  return `Profile ${state.profile}, started ${moment(state.started)}`
}

let held = false
let last = ''
$('hold').addEventListener('click', () => {
  held = !held
  $('hold').setAttribute('aria-pressed', String(held))
  $('hold').textContent = held ? 'Go on' : 'Hold'
})

async function look() {
  if (held || document.hidden) return
  let text
  try {
    const response = await fetch('state.json', { cache: 'no-store' })
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`)
    text = show(await response.json())
  } catch (e) {
    text = `No state: ${e instanceof Error ? e.message : e}`
  }
  if (text !== last) $('status').textContent = last = text // or it would be read out again and again
}

document.addEventListener('visibilitychange', look)
setInterval(look, every)
await look()
