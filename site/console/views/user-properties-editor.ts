/** Names and values of user properties; a name may stand several times. Tells `edited`, with the properties or undefined where there are none. */
import type { UserProperties } from 'iotwasm'
import { html } from 'lit'
import { t } from '../i18n'
import { View } from './view'

type Row = [name: string, value: string]

export class UserPropertiesEditor extends View {
  static override properties = { value: { attribute: false }, rows: { state: true } }
  declare value: UserProperties | undefined
  declare rows: Row[]
  #told: UserProperties | undefined

  constructor() {
    super()
    this.rows = []
  }

  protected override watched() { return [] }

  protected override willUpdate(): void {
    super.willUpdate()
    if (this.value === this.#told) return // what it said itself; empty rows stay
    this.#told = this.value
    this.rows = Object.entries(this.value ?? {}).flatMap(([name, values]) => [values].flat().map((value): Row => [name, value]))
  }

  protected override render() {
    return html`<fieldset class="user-properties"><legend>${t('publish.userProperties')}</legend>
      ${this.rows.map(([name, value], index) => html`<div class="joined">
        <input type="text" spellcheck="false" autocomplete="off" aria-label=${t('publish.userProperties.name', { number: index + 1 })} placeholder=${t('publish.userProperties.namePlaceholder')}
          .value=${name} @input=${(event: Event) => this.#change(index, [(event.target as HTMLInputElement).value, value])}>
        <input type="text" spellcheck="false" autocomplete="off" aria-label=${t('publish.userProperties.value', { number: index + 1 })} placeholder=${t('publish.userProperties.valuePlaceholder')}
          .value=${value} @input=${(event: Event) => this.#change(index, [name, (event.target as HTMLInputElement).value])}>
        <button type="button" aria-label=${t('publish.userProperties.remove', { number: index + 1 })} @click=${() => this.#tell(this.rows.filter((_, at) => at !== index))}>×</button>
      </div>`)}
      <button type="button" class="add" @click=${this.#add}>${t('publish.userProperties.add')}</button>
    </fieldset>`
  }

  #change(index: number, row: Row): void { this.#tell(this.rows.map((each, at) => at === index ? row : each)) }

  async #add(): Promise<void> {
    this.rows = [...this.rows, ['', '']]
    await this.updateComplete
    this.querySelector<HTMLElement>('.joined:last-of-type input')?.focus()
  }

  #tell(rows: Row[]): void {
    this.rows = rows
    const properties: Record<string, string | string[]> = {}
    for (const [name, value] of rows) {
      if (name === '' && value === '') continue
      const known = properties[name]
      properties[name] = known === undefined ? value : [known, value].flat()
    }
    this.value = this.#told = Object.keys(properties).length > 0 ? properties : undefined
    this.dispatchEvent(new Event('edited')) // not change, which the inputs tell themselves
  }
}
customElements.define('user-properties-editor', UserPropertiesEditor)
