/**
 * The console's texts in the language of the page. A text may have places in
 * braces, `{name}`. Every language has every key: the compiler sees to it.
 */
import { Observable } from '../model/observable'
import { store, stored } from '../model/storage'
import { en, type Key } from './en'
import { ko } from './ko'

export const languages = { en: 'English', ko: '한국어' } as const
export type Language = keyof typeof languages

const texts: Record<Language, Record<Key, string>> = { en, ko }
const storageKey = 'iotwasm-console-language'

class Texts extends Observable {
  #language: Language = 'en'

  get language(): Language { return this.#language }

  set language(language: Language) {
    this.#language = language
    document.documentElement.lang = language
    store(storageKey, language)
    this.changed()
  }

  /** Takes the language that was chosen before, else the browser's. */
  choose(): void {
    const known = (name: string | null | undefined): name is Language => !!name && Object.hasOwn(languages, name)
    const chosen = stored(storageKey)
    const [wanted] = (navigator.language || '').split('-')
    this.#language = known(chosen) ? chosen : known(wanted) ? wanted : 'en'
    document.documentElement.lang = this.#language
  }
}

/** Which language it is; views watch it. */
export const language = new Texts()

/** The text of a key, with its places filled in. */
export function t(key: Key, places: Record<string, string | number> = {}): string {
  return texts[language.language][key].replace(/\{(\w+)\}/g, (whole, name: string) => name in places ? String(places[name]) : whole)
}

export type { Key }
