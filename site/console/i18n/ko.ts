/** Korean. Each view has its texts in a file of its own. */
import { connections } from './ko/connections'
import { delayed } from './ko/delayed'
import { messages } from './ko/messages'
import { publish } from './ko/publish'
import { seeing } from './ko/seeing'
import { shadows } from './ko/shadows'
import { shell } from './ko/shell'

export const ko = { ...shell, ...connections, ...messages, ...publish, ...delayed, ...shadows, ...seeing }

