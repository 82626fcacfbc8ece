/** All scenarios, by theme. */
import type { Theme } from '../types'
import { connect } from './connect'
import { drops } from './drops'
import { end } from './end'
import { handshake } from './handshake'
import { members } from './members'
import { publish } from './publish'
import { queue } from './queue'
import { receive } from './receive'
import { refused } from './refused'
import { subscribe } from './subscribe'

export const themes: readonly Theme[] = [connect, handshake, refused, drops, subscribe, publish, receive, queue, end, members]
