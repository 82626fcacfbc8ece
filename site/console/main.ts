/** The console's start. Models hold what is known, views show it and call what the models can do: nothing else passes between them. */
import { language } from './i18n'
import { offline } from './model/offline'
import './views/console-app'
import { applyTheme } from './views/preferences-menu'

language.choose()
applyTheme()
document.body.append(document.createElement('console-app'))
document.documentElement.dataset['ready'] = ''
offline.start()
