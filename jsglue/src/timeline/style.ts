/** The style sheet of the timeline. */
import css from './style.css'

let sheet: CSSStyleSheet | undefined

/** One sheet for all elements; a policy of `style-src 'self'` lets it be. */
export function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
  }
  return sheet
}
