/** A Device Shadow of AWS IoT Core over MQTT. */
import * as check from './arguments'
import { asyncDispose } from './dispose'
import { closed, invalid, IotError } from './errors'
import { noView, readDocument, readUpdate, topicPrefix, viewOf } from './shadow-document'
import { backOff, Requests, shadowClosed } from './shadow-requests'
import { Watch } from './shadow-watch'
import type * as types from './types'

type GetOptions = NonNullable<Parameters<types.Shadow['get']>[0]>
type ModifyOptions = NonNullable<Parameters<types.Shadow['modify']>[1]>

/** Opens a shadow; nothing is sent yet. */
export function openShadow(client: types.Client, thingName: string, shadowName?: string): types.Shadow {
  return new Shadow(client, thingName, shadowName)
}

class Shadow implements types.Shadow {
  readonly thingName: string
  readonly shadowName: string | undefined
  readonly #client: types.Client
  readonly #prefix: string
  readonly #requests: Requests
  readonly #watches = new Set<Watch>()
  #closed = false

  constructor(client: types.Client, thingName: string, shadowName: string | undefined) {
    this.#prefix = topicPrefix(thingName, shadowName)
    this.#client = client
    this.thingName = thingName
    this.shadowName = shadowName
    this.#requests = new Requests(client, thingName, this.#prefix)
  }

  async get(options: GetOptions = {}): Promise<types.ShadowDocument> {
    const { timeout, signal } = requestOptions<GetOptions>(options, ['exactIntegers'])
    const exact = check.optional(options.exactIntegers, 'exactIntegers', check.flag) ?? false
    return readDocument(await this.#requests.send('get', tokenOnly, timeout, signal), exact)
  }

  async update(change: types.ShadowUpdate, options: types.ShadowUpdateOptions = {}): Promise<types.ShadowDocument> {
    const { timeout, signal } = requestOptions<types.ShadowUpdateOptions>(options, ['version'])
    const { body, exact } = readUpdate(change, check.optional(options.version, 'version', check.integer(0, Number.MAX_SAFE_INTEGER)))
    return readDocument(await this.#requests.send('update', body, timeout, signal), exact)
  }

  async modify(change: (now: types.ShadowView) => types.ShadowUpdate | Promise<types.ShadowUpdate>, options: ModifyOptions = {}): Promise<types.ShadowDocument> {
    if (typeof change !== 'function') throw invalid('change', 'be a function')
    const { timeout, signal } = requestOptions<ModifyOptions>(options, ['attempts'])
    const attempts = check.optional(options.attempts, 'attempts', check.integer(1, 1000)) ?? 5
    const each = { timeout, ...(signal && { signal }) }
    await this.#requests.prepare(['get', 'update'], timeout, signal)
    for (let attempt = 1; ; attempt++) {
      const now = await this.#now(each)
      const update = await this.#requests.during(Infinity, signal, async () => change(now))
      try {
        // The service has no version for a shadow that is yet to be made.
        return await this.update(update, now.deleted ? each : { ...each, version: now.version })
      } catch (e) {
        if (!hasCode(e, 409) || attempt >= attempts) throw e
      }
      await this.#requests.during(Infinity, signal, call => call.pause(backOff(attempt)))
    }
  }

  async delete(options: types.ShadowRequestOptions = {}): Promise<{ version: number }> {
    const { timeout, signal } = requestOptions<types.ShadowRequestOptions>(options, [])
    const { version } = readDocument(await this.#requests.send('delete', tokenOnly, timeout, signal), false)
    return { version }
  }

  watch(options: types.WatchOptions = {}): AsyncIterable<types.ShadowView> {
    check.object<types.WatchOptions>(options, 'options', ['signal', 'exactIntegers'])
    const signal = check.signal(options.signal, 'signal')
    const exact = check.optional(options.exactIntegers, 'exactIntegers', check.flag) ?? false
    return { [Symbol.asyncIterator]: () => this.#watch(exact, signal) }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const watch of this.#watches) watch.end()
    await this.#requests.close()
  }

  [asyncDispose](): Promise<void> { return this.close() }

  #watch(exact: boolean, signal: AbortSignal | undefined): Watch {
    if (this.#closed) throw shadowClosed()
    if (this.#client.state === 'closed') throw closed()
    const watch = new Watch({
      client: this.#client,
      prefix: this.#prefix,
      exact,
      get: ended => this.get({ signal: ended, exactIntegers: exact }),
      left: ended => this.#watches.delete(ended),
    }, signal)
    this.#watches.add(watch)
    return watch
  }

  async #now(options: types.ShadowRequestOptions): Promise<types.ShadowView> {
    try {
      return viewOf(await this.get(options))
    } catch (e) {
      if (hasCode(e, 404)) return noView()
      throw e
    }
  }
}

function requestOptions<T extends types.ShadowRequestOptions>(options: unknown, more: readonly (keyof T & string)[]): { timeout: number, signal: AbortSignal | undefined } {
  check.object<T>(options, 'options', ['timeout', 'signal', ...more])
  return {
    timeout: check.optional(options.timeout, 'timeout', check.integer(1, 0x7fffffff)) ?? 10_000,
    signal: check.signal(options.signal, 'signal'),
  }
}

function tokenOnly(clientToken: string): string { return `{"clientToken":"${clientToken}"}` }

function hasCode(error: unknown, reasonCode: number): boolean {
  return error instanceof IotError && error.code === 'shadow-rejected' && error.reasonCode === reasonCode
}
