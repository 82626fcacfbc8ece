/** Requests to the Device Shadow service and their answers, which are matched by client token. */
import { randomHex } from './connect-options'
import { aborted, closed, IotError } from './errors'
import { parse, rejection, type Operation } from './shadow-document'
import type { Client, Message, MessageHandler, Subscription } from './types'

/** Requests that a thing may have in flight (AWS IoT Core quotas). */
const maxInFlight = 10

interface Answer {
  accepted: boolean
  text: string
}

/** The requests of one shadow. */
export class Requests {
  readonly #client: Client
  readonly #prefix: string
  readonly #gate: Gate
  readonly #calls = new Set<Call>()
  readonly #awaited = new Map<string, (answer: Answer) => void>() // by client token
  readonly #listening = new Map<string, Promise<void>>() // by topic
  #topics = new Set<string>() // those of #listening, also after a lost session
  #subscriptions: Subscription[] = []
  #off: (() => void) | undefined
  #closed = false

  constructor(client: Client, thingName: string, prefix: string) {
    this.#client = client
    this.#prefix = prefix
    this.#gate = gateOf(client, thingName)
  }

  /** Sends a request and returns its answer, JSON; throws where it was rejected. Waits and goes again at 429. */
  send(operation: Operation, body: (clientToken: string) => string, timeout: number, signal: AbortSignal | undefined): Promise<string> {
    const topics = answersTo(`${this.#prefix}/${operation}`)
    return this.during(timeout, signal, async call => {
      for (let tries = 0; ; tries++) {
        await call.race(this.#listen(topics))
        const { accepted, text } = await this.#exchange(call, operation, body)
        if (accepted) return text
        const rejected = rejection(operation, text)
        if (rejected.reasonCode !== 429) throw rejected
        call.lateError = rejected
        await call.pause(backOff(tries))
      }
    })
  }

  /** Makes ready for these operations, with one SUBSCRIBE for all. */
  prepare(operations: readonly Operation[], timeout: number, signal: AbortSignal | undefined): Promise<void> {
    return this.during(timeout, signal, call => call.race(this.#listen(operations.flatMap(operation => answersTo(`${this.#prefix}/${operation}`)))))
  }

  /** Runs what ends at the latest when its time is over, its signal is aborted, or the shadow or the client is closed. */
  async during<T>(timeout: number, signal: AbortSignal | undefined, work: (call: Call) => Promise<T>): Promise<T> {
    if (this.#closed) throw shadowClosed()
    const call = new Call(this.#client, timeout, signal)
    this.#calls.add(call)
    try {
      call.signal.throwIfAborted()
      return await call.race(work(call))
    } finally {
      this.#calls.delete(call)
      call.end()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#off?.()
    for (const call of this.#calls) call.fail(shadowClosed())
    await leave(this.#subscriptions.splice(0))
  }

  async #exchange(call: Call, operation: Operation, body: (clientToken: string) => string): Promise<Answer> {
    const token = randomHex(16)
    const place = this.#gate.enter()
    try {
      await call.race(place.entered)
      const answer = new Promise<Answer>(resolve => this.#awaited.set(token, resolve))
      const published = this.#client.publish(`${this.#prefix}/${operation}`, body(token), { qos: 1, signal: call.signal })
      return await call.race(Promise.race([answer, published.then(() => answer)]))
    } finally {
      this.#awaited.delete(token)
      place.leave()
    }
  }

  #answer(message: Message): void {
    if (this.#awaited.size === 0) return
    const text = message.text()
    const { clientToken } = (parse(text) ?? {}) as { clientToken?: string }
    this.#awaited.get(clientToken ?? '')?.({ accepted: message.topic.endsWith('/accepted'), text })
  }

  /** Resolves when the topics are subscribed to: once for all requests, again after a failure or a lost session. */
  async #listen(topics: readonly string[]): Promise<void> {
    this.#off ??= this.#client.on('connect', ({ sessionPresent }) => {
      if (!sessionPresent) this.#listening.clear()
    })
    const missing = [...new Set([...this.#topics, ...topics])].filter(topic => !this.#listening.has(topic))
    if (missing.length > 0) {
      const subscribed = this.#subscribe(missing)
      for (const topic of missing) {
        this.#topics.add(topic)
        this.#listening.set(topic, subscribed)
      }
      subscribed.catch(() => {
        for (const topic of missing) {
          this.#topics.delete(topic)
          if (this.#listening.get(topic) === subscribed) this.#listening.delete(topic)
        }
      })
    }
    await Promise.all(topics.map(topic => this.#listening.get(topic)))
  }

  async #subscribe(topics: readonly string[]): Promise<void> {
    const subscription = await subscribeToAll(this.#client, topics, message => this.#answer(message))
    if (this.#closed) {
      void leave([subscription])
      throw shadowClosed()
    }
    // What it takes the place of was of a session that is lost.
    const replaced = this.#subscriptions.filter(old => old.filters.every(filter => topics.includes(filter)))
    this.#subscriptions = [...this.#subscriptions.filter(old => !replaced.includes(old)), subscription]
    void leave(replaced)
  }
}

/** Bounds what one call does. */
export class Call {
  /** What a call that took too long fails with, where it is not the lack of an answer. */
  lateError: IotError | undefined
  readonly #ended = new AbortController()
  readonly #failed: Promise<never>
  readonly #undo: (() => void)[] = []
  #reject!: (error: unknown) => void

  constructor(client: Client, timeout: number, signal: AbortSignal | undefined) {
    this.#failed = new Promise((_, reject) => { this.#reject = reject })
    this.#failed.catch(() => undefined) // nobody may be waiting
    const give = (): void => this.fail(aborted(signal!))
    if (client.state === 'closed') this.fail(closed())
    if (signal?.aborted) give()
    signal?.addEventListener('abort', give)
    const timer = timeout === Infinity ? undefined : setTimeout(() => this.fail(this.lateError ?? noAnswer(timeout)), timeout)
    const off = client.on('close', error => this.fail(error ?? new IotError('closed', 'the client was closed before the answer came')))
    this.#undo.push(() => signal?.removeEventListener('abort', give), () => clearTimeout(timer), off)
  }

  /** Aborted when the call fails. */
  get signal(): AbortSignal { return this.#ended.signal }

  /** The outcome of `work`, unless the call fails before. */
  race<T>(work: Promise<T>): Promise<T> { return Promise.race([this.#failed, work]) }

  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      await this.race(new Promise<void>(resolve => { timer = setTimeout(resolve, ms) }))
    } finally {
      clearTimeout(timer)
    }
  }

  fail(error: IotError): void {
    this.#reject(error)
    this.#ended.abort(error)
  }

  end(): void {
    for (const undo of this.#undo) undo()
  }
}

/** Lets in as many requests of a thing as may be in flight, the others as there is room, in order. */
class Gate {
  #room = maxInFlight
  readonly #waiting: (() => void)[] = []

  enter(): { entered: Promise<void>, leave: () => void } {
    let inside = false
    let enter!: () => void
    const entered = new Promise<void>(resolve => {
      enter = () => {
        inside = true
        this.#room--
        resolve()
      }
    })
    this.#waiting.push(enter)
    this.#admit()
    return { entered, leave: () => {
      if (inside) this.#room++
      else this.#waiting.splice(this.#waiting.indexOf(enter), 1)
      this.#admit()
    } }
  }

  #admit(): void {
    while (this.#room > 0 && this.#waiting.length > 0) this.#waiting.shift()!()
  }
}

const gates = /* @__PURE__ */ new WeakMap<Client, Map<string, Gate>>()

/** The gate that all shadows of a thing share. */
function gateOf(client: Client, thingName: string): Gate {
  let things = gates.get(client)
  if (!things) gates.set(client, things = new Map())
  let gate = things.get(thingName)
  if (!gate) things.set(thingName, gate = new Gate())
  return gate
}

/** Subscribes with QoS 1; all or nothing. */
export async function subscribeToAll(client: Client, topics: readonly string[], handler: MessageHandler, signal?: AbortSignal): Promise<Subscription> {
  const subscription = await client.subscribe(topics, { qos: 1, ...(signal && { signal }) }, handler)
  const refused = subscription.granted.find(({ reasonCode }) => reasonCode >= 0x80)
  if (!refused) return subscription
  void leave([subscription])
  throw new IotError('subscribe-refused', `the server refused to subscribe to ${refused.filter}: reason code 0x${refused.reasonCode.toString(16).toUpperCase()}`, {
    reasonCode: refused.reasonCode, hint: "Check that the credentials' policy allows iot:Subscribe on this topic filter.",
  })
}

/** Ends subscriptions. A link that is down does not keep it waiting for long, or make it fail. */
export async function leave(subscriptions: readonly Subscription[]): Promise<void> {
  await Promise.allSettled(subscriptions.map(subscription => subscription.unsubscribe({ timeout: 5000 })))
}

/** ms to wait before another try: full jitter, of up to 100 ms, doubling to 5 s. */
export function backOff(tries: number): number {
  return Math.random() * Math.min(5000, 100 * 2 ** tries)
}

export function shadowClosed(): IotError { return new IotError('closed', 'the shadow is closed') }

/** Where requests on a topic are answered. */
export function answersTo(topic: string): string[] { return [`${topic}/accepted`, `${topic}/rejected`] }

function noAnswer(timeout: number): IotError {
  return new IotError('timeout', `the Device Shadow service did not answer within ${timeout} ms; whether it carried the request out is unknown`, {
    retryable: true,
    hint: "Check that the server has a Device Shadow service, and that the credentials' policy allows iot:Publish, iot:Subscribe and iot:Receive on the shadow's topics.",
  })
}
