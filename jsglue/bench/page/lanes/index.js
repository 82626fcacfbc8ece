// What is compared: each lane opens connections of one library, behind one small
// interface.
// @ts-check
import { awsCrt } from './aws-crt.js'
import { iotwasmPage, iotwasmWorker } from './iotwasm.js'
import { limit } from './limit.js'
import { mqttJs } from './mqttjs.js'
import { paho } from './paho.js'

/**
 * @typedef {{ url: string }} Plain a server that wants no signature
 * @typedef {{ endpoint: string, region: string, credentials: { accessKeyId: string, secretAccessKey: string } }} Signed
 * @typedef {Plain | Signed} Server
 *
 * @typedef {object} Connection
 * @property {(topic: string, payload: string, qos: 0 | 1, done?: () => void) => void} publish `done` is told of the PUBACK, for QoS 0 of the sending
 * @property {(filter: string, received: (payload: Uint8Array) => void) => Promise<unknown>} subscribe of filters with wildcards all have one `received`
 * @property {() => Promise<unknown>} close
 *
 * @typedef {object} Lane
 * @property {(server: Server) => Promise<Connection>} open
 * @property {(server: Signed) => unknown} [presign] makes one URL
 * @property {Record<string, string>} [cannot] works that it has no way to do, and why
 */

/** @type {Record<string, Lane>} */
export const lanes = { 'iotwasm Worker': iotwasmWorker, 'iotwasm page': iotwasmPage, 'mqtt.js': mqttJs, 'aws-crt': awsCrt, paho, limit }
