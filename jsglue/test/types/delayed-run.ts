/** `<delayed-run>` as a consumer compiles it. */
import 'iotwasm/delayed-run'
import type { DelayedRunCounts, DelayedRunElement, DelayedRunLabels } from 'iotwasm/delayed-run'
import type { DelayedRun, DelayedState, DelayedStep } from 'iotwasm'
import { expectTypeOf } from 'expect-type'

const element = document.createElement('delayed-run')
expectTypeOf(element).toEqualTypeOf<DelayedRunElement>()
expectTypeOf(element.run).toEqualTypeOf<DelayedRun | undefined>()
expectTypeOf(document.querySelector('delayed-run')).toEqualTypeOf<DelayedRunElement | null>()
expectTypeOf<DelayedRunCounts['states']>().toEqualTypeOf<Readonly<Record<DelayedState, number>>>()
element.run = undefined
element.labels = { pause: 'Halt', run: id => `Lauf ${id}` }
expectTypeOf(element.labels).toEqualTypeOf<DelayedRunLabels>()
element.addEventListener('step-select', event => { expectTypeOf(event.detail).toEqualTypeOf<DelayedStep>() })
// @ts-expect-error no such text
element.labels = { stop: 'Halt' }
// @ts-expect-error ms since the epoch
element.origin = new Date()
