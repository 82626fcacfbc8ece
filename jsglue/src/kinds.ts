/**
 * The numbers of the records that cross the boundary to the Go program: the mirror
 * of wasm/internal/wire, as wire.ts is. Enums, since esbuild puts the numbers in
 * their place and leaves the names out.
 */

/** Kinds of the records that the page sends. */
export enum Command {
  connect = 1, target, targetFailed, close, subscribe, unsubscribe,
  publish, abort, delay, control, presign,
  acknowledge, wake, renew, stats, trace,
  stepPayload, stepAnswer, manualAcks,
}

/** Kinds of the records that the Go program sends. */
export enum Event {
  hello = 1, targetRequest, state, linked, presigned, subscribed, done,
  published, failed, message, serverDisconnect, step, fault,
  retry, statsAnswer, packet, shift, repeat,
}

/** What a `wake` record tells of the page. */
export enum Wake { probe, suspend, resume, redial }

/** How much a `trace` record asks to be told of packets: payloads and properties with `whole` only. */
export enum TraceDetail { off, headers, whole }

/** What a `connect` record says of a client that is not to try again: see wasm/internal/wire. */
export enum OnRefusal { close, hold, retry }

/** What a `control` record asks of a run. */
export enum Verb { cancel, pause, unpause, reschedule }

/** Kinds of gates; the page watches for the answer. */
export enum Gate { none, sent, ack, answer }

/** In `control`: every step of the run. */
export const allSteps = 0xffffffff
