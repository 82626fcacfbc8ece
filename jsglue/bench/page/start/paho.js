// A page that needs nothing but paho-mqtt.
// @ts-check
import { connectPaho } from '../lanes/paho.js'
import { start } from './ready.js'

start(connectPaho)
