/** The models behind the console's messages, without a page: what is kept, found, compared and written to a file. */
import { expect, test } from '@playwright/test'
import type { Connection } from '../../site/console/model/connection'
import { jsonLines } from '../../site/console/model/message-export'
import { MessageFilter, predicate, type Wanted } from '../../site/console/model/message-filter'
import { MessageHistory, type Entry } from '../../site/console/model/message-history'
import { diffPayloads } from '../../site/console/model/payload-diff'
import { decodeText, formatPayload, previewText, readJson } from '../../site/console/model/payload-format'
import { splitFilters, suspectFilters } from '../../site/console/model/filter-list'
import { Subscriptions } from '../../site/console/model/subscriptions'
import { TopicTree } from '../../site/console/model/topic-tree'

// Models tell views once per frame; here a frame is a turn.
Object.assign(globalThis, { requestAnimationFrame: setImmediate, cancelAnimationFrame: clearImmediate })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const message = (topic: string, payload: string | Uint8Array = 'x', more: Partial<Entry> = {}): Omit<Entry, 'id'> => ({
  direction: 'received', time: 0, topic, payload: typeof payload === 'string' ? bytes(payload) : payload, qos: 0, retain: false, dup: false, properties: {}, ...more,
})

const wanted = (change: Partial<Wanted>): Wanted => ({ direction: 'all', search: '', filter: undefined, below: undefined, ...change })

test.describe('history', () => {
  test('is bounded by number, and counts what it drops', () => {
    const history = new MessageHistory()
    history.limit = 100
    for (let at = 0; at < 1000; at++) history.append(message(`t/${at}`))
    expect(history.entries.length).toBeGreaterThanOrEqual(100)
    expect(history.entries.length).toBeLessThanOrEqual(110)
    expect(history.entries.length + history.dropped).toBe(1000)
    expect(history.entries.at(-1)!.topic).toBe('t/999')
    history.clear()
    expect([history.entries.length, history.dropped]).toEqual([0, 0])
  })

  test('is bounded by bytes', () => {
    const history = new MessageHistory(), big = new Uint8Array(128 << 10)
    for (let at = 0; at < 1000; at++) history.append(message('t', big))
    expect(history.entries.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThanOrEqual(64 << 20)
    expect(history.entries.length).toBeGreaterThan(400)
    expect(history.entries.length + history.dropped).toBe(1000)
  })
})

test.describe('filter', () => {
  const entries = [
    message('a/b', '{"Temp":1}'), message('a/b', 'reply', { direction: 'sent' }), message('a/bc', 'x'), message('$aws/things/x', 'Zürich'), message('a/b/c', new Uint8Array([0, 255])),
  ].map((entry, at): Entry => ({ id: at + 1, ...entry }))
  const found = (change: Partial<Wanted>): number[] => entries.filter(predicate(wanted(change))).map(({ id }) => id)

  test('by direction, subscription, node of the tree, and text', () => {
    expect(found({})).toEqual([1, 2, 3, 4, 5])
    expect(found({ direction: 'sent' })).toEqual([2])
    expect(found({ filter: 'a/+' })).toEqual([1, 2, 3])
    expect(found({ filter: '$share/group/a/#' })).toEqual([1, 2, 3, 5])
    expect(found({ filter: '#' })).toEqual([1, 2, 3, 5])
    expect(found({ below: 'a/b' })).toEqual([1, 2, 5])
    expect(found({ search: ' tEMP ' })).toEqual([1])
    expect(found({ search: 'ZÜRICH' })).toEqual([4])
    expect(found({ search: 'a/b', direction: 'received', below: 'a/b' })).toEqual([1, 5])
  })

  test('follows what comes, is dropped and is removed', () => {
    const history = new MessageHistory(), filter = new MessageFilter(history)
    const topics = (): string[] => filter.read().map(({ topic }) => topic)
    filter.set({ search: 'keep' })
    for (let at = 0; at < 6; at++) history.append(message(at % 2 ? `keep/${at}` : `skip/${at}`))
    expect(topics()).toEqual(['keep/1', 'keep/3', 'keep/5'])
    history.append(message('keep/6'))
    expect(topics()).toEqual(['keep/1', 'keep/3', 'keep/5', 'keep/6'])
    history.remove(history.entries.find(({ topic }) => topic === 'keep/3')!)
    expect(topics()).toEqual(['keep/1', 'keep/5', 'keep/6'])
    history.limit = 2
    expect(topics()).toEqual(['keep/5', 'keep/6'])
    history.clear()
    expect(topics()).toEqual([])
  })

  test('counts what comes while it is paused', () => {
    const history = new MessageHistory(), filter = new MessageFilter(history)
    history.append(message('before'))
    filter.pause(true)
    for (let at = 0; at < 3; at++) history.append(message('meanwhile'))
    expect([filter.read().length, filter.missed]).toEqual([1, 3])
    filter.pause(false)
    expect([filter.read().length, filter.missed]).toEqual([4, 0])
  })
})

test.describe('topic tree', () => {
  test('counts at each level, and shows the last payload of a topic', () => {
    const history = new MessageHistory(), tree = new TopicTree(history)
    for (const [topic, payload] of [['a/b', '1'], ['a/b', '2'], ['a', 'x'], ['/a//', 'blank']] as const) history.append(message(topic, payload))
    const a = tree.root.children.get('a')!, b = a.children.get('b')!
    expect([tree.root.count, a.count, b.count]).toEqual([4, 3, 2])
    expect([a.last?.text, b.last?.text, b.topic]).toEqual(['x', '2', 'a/b'])
    const blank = tree.root.children.get('')!
    expect(blank.topic).toBe('')
    expect(blank.children.get('a')!.children.get('')!.children.get('')!.topic).toBe('/a//')
    history.clear()
    expect(tree.root.children.size).toBe(0)
  })

  test('orders device-2 before device-10, also those that come later', () => {
    const history = new MessageHistory(), tree = new TopicTree(history)
    const order = (): string[] => tree.sorted(tree.root).map(({ name }) => name)
    for (const name of ['device-10', 'device-2']) history.append(message(name))
    expect(order()).toEqual(['device-2', 'device-10'])
    history.append(message('device-3'))
    expect(order()).toEqual(['device-2', 'device-3', 'device-10'])
  })

  test('holds no payload back from the history, and tells how many messages had no room', () => {
    const history = new MessageHistory(), tree = new TopicTree(history)
    for (let at = 0; at < 6000; at++) history.append(message(`t${at}`, 'y'.repeat(1000)))
    expect(tree.root.children.size).toBe(5000)
    expect(tree.left).toBe(1000)
    expect(Math.max(...[...tree.root.children.values()].map(({ last }) => last!.text!.length))).toBe(80)
  })
})

test.describe('payload', () => {
  test('is text only where each of its bytes comes back', () => {
    for (const text of ['', 'a', '한국어 🙂', '\u{feff}{"a":1}', 'שלום\nلوم']) expect(bytes(decodeText(bytes(text))!)).toEqual(bytes(text))
    for (const binary of [[0], [0xff], [0xed, 0x95], [0x1b, 0x5b]]) expect(decodeText(Uint8Array.from(binary))).toBeUndefined()
  })

  test('of long text begins with whole characters', () => {
    const korean = bytes(`a${'한'.repeat(1000)}`)
    for (let cut = 297; cut <= 303; cut++) expect(previewText(korean, cut)).toMatch(/^a한+$/)
    expect(previewText(bytes('🙂'), 3)).toBe('')
    expect(previewText(Uint8Array.from([0xed, 0x95]), 300)).toBeUndefined() // it ends there
    expect(previewText(Uint8Array.from([1, 2, 3]), 2)).toBeUndefined()
    expect(previewText(bytes('short'), 300)).toBe('short')
  })

  test('of JSON keeps the spelling of its numbers', () => {
    const text = '{"big":12345678901234567890,"float":127.0,"exponent":1E400,"minus":-0,"text":"\\u00e9, {\\"}"}'
    const node = readJson(text)
    expect(node && 'items' in node && node.items.map(({ value }) => 'scalar' in value && value.scalar)).toEqual(['12345678901234567890', '127.0', '1E400', '-0', '"\\u00e9, {\\"}"'])
    expect(formatPayload(bytes(text)).text).toContain('12345678901234567890')
    expect(readJson('\u{feff}[1]')).toMatchObject({ open: '[' })
    for (const none of ['', '{', '{"a":01}', 'NaN', "{'a':1}"]) expect(readJson(none)).toBeUndefined()
  })

  test('that is nested too deeply for a tree is text', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(readJson(deep(100))).toBeDefined()
    for (const levels of [2000, 60_000]) {
      expect(readJson(deep(levels))).toBeUndefined()
      expect(formatPayload(bytes(deep(levels))).kind).toBe('text')
      expect(diffPayloads(bytes(deep(levels)), bytes('[]'))).toBeDefined()
    }
  })
})

test.describe('changes', () => {
  const diff = (before: string, after: string): string[] | undefined => diffPayloads(bytes(before), bytes(after))?.map(({ kind, where, before: old, after: now }) => `${kind} ${where} ${old ?? ''}>${now ?? ''}`)

  test('of JSON by path, whatever the order and the white space', () => {
    expect(diff('{"a":1,"b":{"c":[1,2]}}', ' { "b" : {"c":[1,2]}, "a":1 }')).toEqual([])
    expect(diff('{"a":1,"b":{"c":[1,2]},"gone":true}', '{"a":1.0,"b":{"c":[1,3,4],"d e":{}}}')).toEqual([
      'changed a 1>1.0', 'changed b.c[1] 2>3', 'added b.c[2] >4', 'added b["d e"] >{}', 'removed gone true>',
    ])
    expect(diff('{"n":9007199254740993}', '{"n":9007199254740992}')).toEqual(['changed n 9007199254740993>9007199254740992'])
  })

  test('of text by line: a line that is put in changes no other', () => {
    expect(diff('one\ntwo\nthree', 'zero\none\ntwo\nthree')).toEqual(['added 1 >zero'])
    expect(diff('one\ntwo\nthree', 'one\nthree')).toEqual(['removed 2 two>'])
    expect(diff('one\ntwo\nthree', 'one\n2\nthree')).toEqual(['changed 2 two>2'])
    expect(diff('same', 'same')).toEqual([])
  })

  test('of 128 KB of other lines come in bounded time', () => {
    const text = (from: number): string => Array.from({ length: 30_000 }, (_, at) => at * 2 + from).join('\n').slice(0, 128 << 10)
    const start = performance.now()
    expect(diff(text(0), text(1))!.length).toBeGreaterThan(1000)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test('of bytes are not told', () => { expect(diffPayloads(Uint8Array.from([0]), bytes('a'))).toBeUndefined() })
})

test.describe('export', () => {
  const exported = (entry: Omit<Entry, 'id'>): Record<string, unknown> => JSON.parse(jsonLines([{ id: 1, ...entry }])) as Record<string, unknown>

  test('writes a line for each message', () => {
    const lines = jsonLines([{ id: 1, ...message('a', 'line\nend\u2028') }, { id: 2, ...message('b') }])
    expect(lines.split('\n').slice(0, -1).map(line => (JSON.parse(line) as { topic: string }).topic)).toEqual(['a', 'b'])
  })

  test('writes text as text, what is none in Base64, and either comes back byte by byte', () => {
    for (const payload of [bytes('{"n":12345678901234567890}'), bytes('\u{feff}bom'), bytes('🙂 한'), new Uint8Array(0), Uint8Array.from([0, 1, 254, 255])]) {
      const { payload: written, encoding } = exported(message('t', payload)) as { payload: string, encoding: string }
      expect(Buffer.from(written, encoding === 'text' ? 'utf8' : 'base64')).toEqual(Buffer.from(payload))
    }
    expect(exported(message('t', 'x'))).toMatchObject({ encoding: 'text', payload: 'x' })
    expect(exported(message('t', Uint8Array.from([255])))).toMatchObject({ encoding: 'base64', payload: '/w==' })
  })

  test('writes what is known of it', () => {
    expect(exported(message('t', 'x', {
      direction: 'sent', time: Date.UTC(2026, 0, 2), qos: 1, retain: true, outcome: 'PUBACK 0x00 Success',
      properties: { contentType: 'text/plain', correlationData: Uint8Array.from([1, 2]), userProperties: { a: ['1', '2'] } },
    }))).toEqual({
      time: '2026-01-02T00:00:00.000Z', direction: 'sent', topic: 't', qos: 1, retain: true, dup: false, payload: 'x', encoding: 'text', outcome: 'PUBACK 0x00 Success',
      properties: { contentType: 'text/plain', correlationData: 'AQI=', userProperties: { a: ['1', '2'] } },
    })
  })
})

test.describe('subscriptions', () => {
  /** Those of a client that answers as `answer` says. */
  const of = (answer: (filter: string) => Promise<object>): Subscriptions => new Subscriptions({ openClient: { subscribe: answer } } as unknown as Connection)
  const refusal = (reasonCode: number): Error => Object.assign(new Error('refused'), { code: 'subscribe-refused', reasonCode })
  const granted = (unsubscribe = async (): Promise<void> => {}): object => ({ granted: [{ qos: 1 }], unsubscribe })
  const states = ({ all }: Subscriptions): unknown[] => all.map(({ filter, phase, reasonCode }) => [filter, phase, ...reasonCode === undefined ? [] : [reasonCode]])

  test('that are refused stay with their reason, and keep no other back', async () => {
    let refuse = true
    const subscriptions = of(async filter => { if (filter === 'secret/#' && refuse) throw refusal(0x87); return granted() })
    await expect(subscriptions.add(['secret/#', 'fine'])).rejects.toMatchObject({ reasonCode: 0x87 })
    expect(states(subscriptions)).toEqual([['secret/#', 'refused', 0x87], ['fine', 'granted']])
    subscriptions.closed()
    expect(states(subscriptions)).toEqual([['secret/#', 'refused', 0x87], ['fine', 'ended']])
    await expect(subscriptions.renew(subscriptions.all)).rejects.toMatchObject({ reasonCode: 0x87 })
    expect(states(subscriptions)).toEqual([['secret/#', 'refused', 0x87], ['fine', 'granted']])
    refuse = false
    await subscriptions.renew([subscriptions.all[0]!])
    expect(states(subscriptions)).toEqual([['secret/#', 'granted'], ['fine', 'granted']])
  })

  test('with a wrong filter leave none behind', async () => {
    const subscriptions = of(async () => { throw Object.assign(new Error(), { code: 'invalid-argument' }) })
    await expect(subscriptions.add(['a/#/b'])).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(states(subscriptions)).toEqual([])
  })

  test('that are taken away before the SUBACK end when it comes', async () => {
    let answer = (_: object): void => {}, ended = 0
    const subscriptions = of(() => new Promise(resolve => { answer = resolve }))
    const adding = subscriptions.add(['slow'])
    await subscriptions.end(subscriptions.all[0]!.id)
    answer(granted(async () => { ended++ }))
    await adding
    expect([states(subscriptions), ended]).toEqual([[], 1])
  })

  test('are read from a list, with a warning of what is hardly meant', () => {
    expect(splitFilters(' a/#, b \n\nc d,\r\n')).toEqual(['a/#', 'b', 'c d'])
    expect(suspectFilters(['a/#', 'c d', 'e\u200bf', '한국/+'])).toEqual(['c d', 'e\u200bf'])
  })
})
