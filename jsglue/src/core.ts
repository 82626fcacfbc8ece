/**
 * What the parts that are loaded later take from the script that loads them, so
 * that there is one of each: of IotError above all. build.mjs makes a list of
 * it, see parts.ts; a part that imports anything else of these modules is not built.
 */
export { date, flag, integer, message, milliseconds, object, optional, payload, publishProperties, signal, topicName, u32 } from './arguments'
export { randomHex } from './connect-options'
export { toIotError } from './engine'
export { aborted, closed, invalid, IotError, reportUncaught } from './errors'
export { failure } from './failure'
export { checkMessage } from './limits'
