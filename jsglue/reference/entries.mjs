// The modules of the package, and how their reference is laid out.
// @ts-check
import { Kind } from './api-report.mjs'

/**
 * @typedef {import('./type-text.mjs').Declaration} Declaration
 * @typedef {object} Entry
 * @property {string} module what a page imports
 * @property {string} file the declarations, published as dist/*.d.ts
 * @property {string} report file in jsglue/api
 * @property {string} page folder in site/docs/reference, '' for itself
 * @property {string} title of the page
 * @property {string} intro HTML
 * @property {boolean} everyMember each member must have a doc comment
 * @property {[title: string, belongs: (d: Declaration) => boolean][]} groups the first that takes a declaration has it
 */

/** @type {Entry[]} */
export const ENTRIES = [
  {
    module: 'iotwasm',
    file: 'src/types.ts',
    report: 'iotwasm.api.md',
    page: '',
    title: 'Reference',
    intro: 'Every function, option, event, error code and property of the package, from its type declarations. Durations are milliseconds, except where MQTT fixes seconds.',
    everyMember: true,
    groups: [
      ['Functions', d => d.kind === Kind.function || d.kind === Kind.variable],
      ['Options', d => /Options$|^(Credentials|Authorizer|Limits|Will|ConnectProperties|ShadowUpdate)$/.test(d.name)],
      ['Events', d => d.name === 'ClientEvents'],
      ['Error codes', d => d.name === 'IotErrorCode' || d.kind === Kind.class],
      ['Client, subscriptions, runs, shadows', d => /^(Client|Subscription|DelayedRun|Shadow)$/.test(d.name)],
      ['What they give', d => d.kind === Kind.interface],
      ['Types', () => true],
    ],
  },
  {
    module: 'iotwasm/mqtt',
    file: 'src/mqtt/types.ts',
    report: 'iotwasm-mqtt.api.md',
    page: 'mqtt',
    title: 'Reference: the face of mqtt.js',
    intro: 'What <code>iotwasm/mqtt</code> has of mqtt.js 5.16, and what it adds. What mqtt.js documents itself is told briefly, or not at all. <a href="../../mqttjs/">Coming from mqtt.js</a> tells the differences.',
    everyMember: false,
    groups: [
      ['Functions and values', d => d.kind === Kind.function || d.kind === Kind.variable],
      ['Options', d => d.kind === Kind.interface && /Options$|^IClient\w+Properties$/.test(d.name)],
      ['Events', d => d.name === 'MqttClientEventCallbacks'],
      ['Classes', d => d.kind === Kind.class],
      ['Packets', d => d.kind === Kind.interface && /Packet$/.test(d.name)],
      ['Other interfaces', d => d.kind === Kind.interface],
      ['Types', () => true],
    ],
  },
  {
    module: 'iotwasm/delayed-run',
    file: 'src/timeline/types.ts',
    report: 'iotwasm-delayed-run.api.md',
    page: 'delayed-run',
    title: 'Reference: <delayed-run>',
    intro: 'The element that shows a delayed run, from <code>iotwasm/delayed-run</code>.',
    everyMember: true,
    groups: [
      ['Element', d => d.kind === Kind.class],
      ['Interfaces', () => true],
    ],
  },
]
