/** The classic script: the face of mqtt.js on `window.mqtt`. */
import * as mqtt from './index'

declare global {
  var mqtt: typeof import('./index')
}

globalThis.mqtt = mqtt
