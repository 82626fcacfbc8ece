// A page that needs nothing but mqtt.js.
// @ts-check
import { connectMqttJs } from '../lanes/mqttjs.js'
import { start } from './ready.js'

start(connectMqttJs)
