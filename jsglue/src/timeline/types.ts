/**
 * The public face of `<delayed-run>`, a timeline of one delayed run for any page.
 * This file is published as `dist/delayed-run.d.ts`.
 *
 * ```js
 * import 'iotwasm/delayed-run'
 * document.querySelector('delayed-run').run = client.publishDelayed(steps)
 * ```
 *
 * Attributes: `no-controls` leaves out the buttons, `no-legend` the legend.
 *
 * Slot: `heading`, in the place of "Run 1".
 *
 * Custom properties, each with a default for light and dark by the page's
 * `color-scheme`: `--delayed-run-text`, `-muted`, `-surface`, `-line`, `-accent`,
 * `-good`, `-warn`, `-bad`, `-focus` (colours), `-mono` (font family of topics and
 * answers), `-radius` (6px) and `-max-height` (24rem, a length: more rows scroll).
 * The font of the other texts is the page's.
 *
 * Parts: `frame`, `head`, `heading`, `state`, `controls`, `button`, `grid`,
 * `header`, `row`, `planned`, `mark`, `now`, `details`, `legend`.
 *
 * Keys, with a row focused: the arrows, Page Up, Page Down, Home and End move,
 * Enter or Space shows the details, Escape hides them, Delete cancels the step.
 *
 * @packageDocumentation
 */
import type { DelayedRun, DelayedState, DelayedStep } from '../types'

/** The element `<delayed-run>`. Importing the module defines it. */
export declare class DelayedRunElement extends HTMLElement {
  /** The run that is shown. Another one takes its place; undefined clears. Default: undefined. */
  get run(): DelayedRun | undefined
  set run(value: DelayedRun | undefined)
  /**
   * What the times shown are counted from, in ms since the epoch. Default,
   * undefined: the first planned time of the run, or the moment at which an
   * element was first given the run, whichever is earlier.
   */
  get origin(): number | undefined
  set origin(value: number | undefined)
  /** The texts. Set those to replace; the others are English. Default: all English. */
  get labels(): DelayedRunLabels
  set labels(value: Partial<DelayedRunLabels>)
}

/** How many steps are where. */
export interface DelayedRunCounts {
  /** Steps that the run has. */
  readonly total: number
  /** Steps that were handed to the socket, whatever became of them. */
  readonly sent: number
  /** Steps by state. */
  readonly states: Readonly<Record<DelayedState, number>>
}

/** The texts of the element. A function is called with the labels in force as `this`. */
export interface DelayedRunLabels {
  /** Names of the run's states. */
  runState: Record<DelayedRun['state'], string>
  /** Names of the states of a step. */
  stepState: Record<DelayedState, string>
  /** Heading of the column of steps. */
  step: string
  /** Heading of the column of states. */
  state: string
  /** Heading of the column of marks, and the name of the whole. */
  timeline: string
  /** Heading of the column of deviations. */
  deviation: string
  /** Heading, for a screen reader, of the column of buttons. */
  actions: string
  /** Button. */
  pause: string
  /** Button. */
  resume: string
  /** Button. */
  cancelRun: string
  /** Name of the legend. */
  legend: string
  /** In the legend: the line at the present time. */
  now: string
  /** In the legend and the details. */
  planned: string
  /** In the details: when it was sent. */
  sent: string
  /** In the legend and the details: when the acknowledgement came. */
  acknowledged: string
  /** In the details: how often it was sent. */
  attempts: string
  /** In the details: the message that opened the gate, or the rejection. */
  answer: string
  /** In the details: why it failed, was rejected or skipped. */
  error: string
  /** Beside the attempts of a step whose link ended before the acknowledgement. */
  interrupted: string
  /** Heading of the run with this number. */
  run(id: number): string
  /** The counts in a line, for example `4 of 10 sent, 1 failed`. */
  summary(counts: DelayedRunCounts): string
  /** A topic name in short: of a shadow its name and the operation, else the last two levels. */
  shortTopic(topic: string): string
  /** A time from the origin in ms, with so many decimals of the second: `+2.000 s`, `+1:02.5`. */
  time(offset: number, decimals: number): string
  /** A time of day, in ms since the epoch. */
  timeOfDay(time: number): string
  /** A deviation in ms, for example `+2 ms`. */
  difference(deviation: number): string
  /** What a screen reader says of the marks, for example `planned at +2.000 s, sent 1 ms late`; `offset` is the planned time from the origin, in ms. */
  marks(step: DelayedStep, offset: number): string
  /** Name of a row, for a screen reader; `total` is undefined where the run drops steps. */
  row(step: DelayedStep, offset: number, total: number | undefined): string
  /** Name of the button that cancels the step with this index, from 0. */
  cancelStep(index: number): string
  /** Name of the step with this index, from 0; `total` is undefined where the run drops steps. */
  stepNumber(index: number, total?: number): string
  /** Said once the run has come into this state. */
  announceState(id: number, state: DelayedRun['state'], counts: DelayedRunCounts): string
  /** Said when steps have failed or were rejected: the first of them, and how many, in the last second. */
  announceFailures(first: DelayedStep, count: number): string
}

declare global {
  interface HTMLElementTagNameMap {
    'delayed-run': DelayedRunElement
  }
  interface GlobalEventHandlersEventMap {
    /** A row was activated, by click or key. It bubbles; `detail` is the step. */
    'step-select': CustomEvent<DelayedStep>
  }
}
