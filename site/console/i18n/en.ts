/** English. Each view has its texts in a file of its own. */
import { connections } from './en/connections'
import { delayed } from './en/delayed'
import { messages } from './en/messages'
import { publish } from './en/publish'
import { seeing } from './en/seeing'
import { shadows } from './en/shadows'
import { shell } from './en/shell'

export const en = { ...shell, ...connections, ...messages, ...publish, ...delayed, ...shadows, ...seeing }

export type Key = keyof typeof en
