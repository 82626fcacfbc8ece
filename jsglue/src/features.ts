/** What a client needs beside its session: not to connect, but once it has. And what pages are told of a failed handshake. */
export { DelayedRuns } from './delayed/runs'
export { explain } from './diagnose'
export { request } from './request'
export { openShadow } from './shadow'
export { readStats } from './stats'
export { Subscription } from './subscription'
