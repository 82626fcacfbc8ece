/** What scenarios, the page that runs them and the servers beneath them share. */
import type * as mqtt from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Plan } from '../scripted-server.mjs'

/**
 * Where a scenario runs: the gateway as a plain MQTT 5 broker, the gateway as AWS, mosquitto,
 * or a server that follows the scenario's plans.
 */
export type ServerKind = 'gateway' | 'aws' | 'mosquitto' | 'scripted'

/** Where plain scenarios run. */
export const plain = ['gateway', 'mosquitto'] as const satisfies readonly ServerKind[]

export interface Scenario {
  /** Unique among all. */
  name: string
  on: readonly ServerKind[]
  /** What the scripted server does on the first connection, the second and so on. Runs in Node. */
  plans?: readonly Plan[]
  /** Plain page code. */
  run(t: Run): Promise<void> | void
}

export interface Theme {
  name: string
  scenarios: readonly Scenario[]
}

/** What a page needs to run a scenario. */
export interface Session {
  key: string
  scenario: string
  on: ServerKind
  url: string
  /** Gets 403 from the gateway. */
  badUrl: string
  /** Of this run alone, in all its names. */
  token: string
  /** Texts to hide, and what stands for them. */
  hidden: [string, string][]
}

/** What a scenario can have done to its link and server. */
export interface ServerControl {
  /** Resets the present connections. */
  cut(): Promise<void>
  /** Lets the present connections be silent. */
  freeze(): Promise<void>
  /** New connections are refused by the machine. */
  refuse(): Promise<void>
  accept(): Promise<void>
  /** How many connections were made so far. */
  connections(): Promise<number>
  /** The server says DISCONNECT with this code. Gateway, and scripted (to the last connection). */
  kick(clientId: string, reasonCode: number): Promise<void>
  /** Sets a rule for this scenario's clients. Gateway. */
  fault(rule: object): Promise<void>
  /** Ends the scenario's rules. Gateway. */
  clear(): Promise<void>
  /** Sends packets of mqtt-packet's form over the last connection. Scripted. */
  send(...packets: object[]): Promise<void>
  /** What came over a connection, the last one by default, in the recorder's form. Scripted. */
  got(cmd?: string, connection?: number): Promise<string[]>
  /** Subprotocol of the last connection. Scripted. */
  subprotocol(): Promise<string>
}

export interface Callback {
  (...args: unknown[]): void
  /** Resolves when it was called. */
  called: Promise<unknown[]>
}

export type Options = Partial<IClientOptions> & {
  /** The lane of its events. */
  as?: string
  /** Packets are among the events. */
  packets?: boolean
  /** Events in a lane of their own, because mqtt.js itself does not always have them in the same order. */
  apart?: readonly string[]
}

/** What a scenario is given. */
export interface Run {
  readonly mqtt: typeof mqtt
  readonly on: ServerKind
  readonly url: string
  readonly badUrl: string
  readonly server: ServerControl
  /** A client identifier of this run. */
  id(name?: string): string
  /** A topic of this run. */
  topic(name?: string): string
  /** `mqtt.connect(t.url, …)` with MQTT 5, a short reconnectPeriod and a client identifier; watched. */
  connect(options?: Options): MqttClient
  /** The same, and waits for `connect`. */
  connected(options?: Options): Promise<MqttClient>
  /** Records all events of a client. It is ended after the run. */
  watch(client: MqttClient, as?: string, packets?: boolean, apart?: readonly string[]): MqttClient
  /** Waits until a watched client had so many of these events. */
  seen(client: MqttClient, event: string, count?: number): Promise<void>
  /** How many of these events a watched client had. */
  count(client: MqttClient, event: string): number
  until(condition: () => boolean | Promise<boolean>, what: string, limit?: number): Promise<void>
  sleep(ms: number): Promise<void>
  /** A callback whose calls are recorded, in a lane of its own where mqtt.js itself has no order among them. */
  cb(label: string, lane?: string): Callback
  /** Records what a call throws, or what kind of thing it returns. */
  call(label: string, call: () => unknown): void
  /** Records how a promise ends, or that it does not within the time. */
  outcome(label: string, promise: Promise<unknown>, limit?: number): Promise<void>
  note(label: string, ...values: unknown[]): void
  /** Adds lines of ServerControl.got. */
  wire(lines: readonly string[]): void
  /** Runs at the end, whatever happened. */
  after(clean: () => unknown): void
}
