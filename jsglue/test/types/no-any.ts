/** No member of what a page holds has the type `any`; reference/faults.mjs looks through all declarations. */
import type { Client, ClientEvents, ConnectOptions, DelayedRun, DelayedStep, IotError, Message, Shadow, Subscription } from 'iotwasm'
import type { IClientOptions, MqttClient, MqttClientEventCallbacks } from 'iotwasm/mqtt'
import type { DelayedRunLabels } from 'iotwasm/delayed-run'
import { expectTypeOf } from 'expect-type'

type IsAny<T> = 0 extends 1 & T ? true : false
/** Names of members that are `any`, return it, or take it. */
type Leaks<T> = { [K in keyof T]-?: IsAny<T[K]> extends true ? K : T[K] extends (...args: infer A) => infer R ? IsAny<R> extends true ? K : IsAny<A[number]> extends true ? K : never : never }[keyof T]

expectTypeOf<Leaks<{ a: string, b: any, c: () => any, d: (x: any) => void }>>().toEqualTypeOf<'b' | 'c' | 'd'>()
expectTypeOf<Leaks<Client> | Leaks<ClientEvents> | Leaks<ConnectOptions> | Leaks<DelayedRun> | Leaks<DelayedStep> | Leaks<Message> | Leaks<Shadow> | Leaks<Subscription>>().toBeNever()
expectTypeOf<Leaks<Pick<IotError, 'code' | 'field' | 'hint' | 'name' | 'reasonCode' | 'retryable'>>>().toBeNever()
expectTypeOf<Leaks<MqttClient> | Leaks<IClientOptions> | Leaks<MqttClientEventCallbacks>>().toBeNever()
expectTypeOf<Leaks<DelayedRunLabels>>().toBeNever()
