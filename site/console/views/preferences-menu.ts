/** Language and colours of the console. */
import { html } from 'lit'
import { language, languages, t, type Language } from '../i18n'
import { store, stored } from '../model/storage'
import { View } from './view'

const themes = ['auto', 'light', 'dark'] as const
type Theme = typeof themes[number]
const storageKey = 'iotwasm-console-theme'

/** Shows the page in the colours that were chosen before. */
export function applyTheme(): Theme {
  const chosen = stored(storageKey)
  const theme = themes.find(each => each === chosen) ?? 'auto'
  document.documentElement.dataset['theme'] = theme
  return theme
}

export class PreferencesMenu extends View {
  protected override watched() { return [] }

  protected override render() {
    const theme = applyTheme()
    return html`<label class="visually-hidden" for="language">${t('app.language')}</label>
      <select id="language" @change=${(event: Event) => { language.language = (event.target as HTMLSelectElement).value as Language }}>
        ${Object.entries(languages).map(([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language.language}>${name}</option>`)}
      </select>
      <label class="visually-hidden" for="theme">${t('app.theme')}</label>
      <select id="theme" @change=${this.#choose}>
        ${themes.map(each => html`<option value=${each} ?selected=${each === theme}>${t(`app.theme.${each}`)}</option>`)}
      </select>`
  }

  #choose(event: Event): void {
    store(storageKey, (event.target as HTMLSelectElement).value)
    applyTheme()
  }
}
customElements.define('preferences-menu', PreferencesMenu)
