/**
 * The parts of the package that are loaded when they are needed. Each is one file
 * without imports, which are requests one after the other: its default export
 * makes it out of the core that loads it.
 */
import { core } from 'iotwasm:core'
import * as files from './assets'
import { IotError } from './errors'

type Load<T> = () => Promise<T>

/** Loads a part once. After a failure the next call tries again. */
function part<T>(load: Load<Part<T>>): Load<T> {
  let loaded: Promise<T> | undefined
  return () => loaded ??= load().then(part => part.default(core()), (cause: unknown) => {
    loaded = undefined
    throw new IotError('load-failed', 'a part of the script could not be loaded', {
      cause, retryable: true, hint: "Check the network, that chunks/ is deployed beside the script, all of one version, and that script-src of the page's Content-Security-Policy allows it.",
    })
  })
}

/** What a page calls on a client. */
export const features = /* @__PURE__ */ part(files.features)
/** The program on the page's own thread. */
export const pageHost = /* @__PURE__ */ part(files.pageHost)
export const cognitoCalls = /* @__PURE__ */ part(files.cognitoCalls)
