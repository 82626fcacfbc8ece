/** The classic script: everything of the package's entry on `window.iotwasm`. */
import * as iotwasm from './index'

declare global {
  var iotwasm: typeof import('./index')
}

globalThis.iotwasm = iotwasm
