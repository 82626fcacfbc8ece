/**
 * The settings of a connection. What is no secret is kept as it is written, secrets
 * stay in memory. Nothing is checked here: the module says what is wrong.
 *
 * Hooks: `#profile-form`, an input for each field of Profile and Secrets with its name as id in kebab case (`#access-key-id`, `#keep-alive`, …),
 * `#profile-duplicate`, `#profile-remove`, `#remove-dialog`.
 */
import { html, nothing, type TemplateResult } from 'lit'
import { t, type Key } from '../i18n'
import type { Connection } from '../model/connection'
import { clientIdOf } from '../model/connect-options'
import type { Connections } from '../model/connections'
import { pastedCredentials } from '../model/pasted-credentials'
import type { Authentication, ClientIdSuffix, Profile, Secrets } from '../model/profile'
import './user-properties-editor'
import type { UserPropertiesEditor } from './user-properties-editor'
import { View } from './view'
import './will-editor'
import type { WillEditor } from './will-editor'

/** Arguments of `connect`, and what they are called here where that is another name. */
const inputs: Record<string, string> = {
  credentials: 'secret-access-key', 'credentials.accessKeyId': 'access-key-id', 'credentials.secretAccessKey': 'secret-access-key', 'credentials.sessionToken': 'session-token',
  'reconnect.minDelay': 'reconnect-min-delay', 'reconnect.maxDelay': 'reconnect-max-delay',
  url: 'endpoint', authorizer: 'authorizer-name', 'authorizer.name': 'authorizer-name', 'authorizer.token': 'token', 'authorizer.tokenKeyName': 'token-key-name', 'authorizer.signature': 'token-signature',
  'authorizer.username': 'username', 'authorizer.password': 'password',
}
const kebab = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

type TextField = 'name' | 'endpoint' | 'region' | 'identityPoolId' | 'loginProvider' | 'authorizerName' | 'tokenKeyName' | 'username' | 'clientId'
type NumberField = 'keepAlive' | 'sessionExpiryInterval' | 'connectTimeout' | 'clockOffset' | 'reconnectMinDelay' | 'reconnectMaxDelay'
type FlagField = 'cleanStart' | 'reconnect' | 'limits' | 'worker'
type NumberProperty = 'receiveMaximum' | 'maximumPacketSize' | 'topicAliasMaximum'

export class ProfileForm extends View {
  static override properties = { connections: { attribute: false }, connection: { attribute: false } }
  declare connections: Connections
  declare connection: Connection

  protected override watched() { return [this.connection] }

  /** The input for an argument of the module. */
  inputOf(field: string): HTMLElement | null {
    return this.querySelector(`#${inputs[field] ?? kebab(field.replace(/^properties\./, ''))}`) ?? this.querySelector(field.startsWith('will') ? '#will-topic' : '#endpoint')
  }

  protected override render() {
    const { profile } = this.connection, { authentication, clientIdSuffix, will, properties = {} } = profile
    const broker = authentication === 'none'
    return html`<form id="profile-form" method="dialog" class="panel" novalidate autocomplete="off" @submit=${this.#connect}>
      <h3>${t('connections.settings')}</h3>
      <div class="fields">
        ${this.#text('name', 'wide')}
        <label class="field wide"><span>${t('connections.authentication')}</span><select id="authentication" @change=${(event: Event) => this.#set({ authentication: (event.target as HTMLSelectElement).value as Authentication })}>
          ${(['keys', 'cognito', 'gateway', 'authorizer', 'none'] as const).map(each => html`<option value=${each} ?selected=${each === authentication}>${t(`connections.authentication.${each}`)}</option>`)}</select></label>
        ${this.#text('endpoint', 'wide', broker ? 'wss://broker.example.com/mqtt' : 'abc-ats.iot.eu-west-1.amazonaws.com', broker ? 'connections.url' : 'connections.endpoint')}
        ${broker || authentication === 'authorizer' ? nothing : this.#text('region', '', t('connections.region.placeholder'))}
        ${this.#secrets(authentication)}
        ${this.#text('clientId', '')}
        <label class="field"><span>${t('connections.clientIdSuffix')}</span><select id="client-id-suffix" @change=${(event: Event) => this.#set({ clientIdSuffix: (event.target as HTMLSelectElement).value as ClientIdSuffix })}>
          ${(['none', 'random', 'timestamp'] as const).map(each => html`<option value=${each} ?selected=${each === clientIdSuffix}>${t(`connections.clientIdSuffix.${each}`)}</option>`)}</select></label>
        <p id="client-id-preview" class="note wide">${t('connections.clientId.preview', { clientId: clientIdOf(profile) })}</p>
      </div>
      <details id="session-settings"><summary>${t('connections.session')}</summary><div class="fields">
        ${this.#number('keepAlive', 's')}${this.#number('connectTimeout', 'ms')}${this.#number('sessionExpiryInterval', 's')}${broker ? nothing : this.#number('clockOffset', 'ms')}
        ${this.#number('reconnectMinDelay', 'ms')}${this.#number('reconnectMaxDelay', 'ms')}
        ${this.#flag('cleanStart')}${this.#flag('reconnect')}${this.#flag('limits')}${this.#flag('worker')}
      </div></details>
      <details id="will-settings" ?open=${will !== undefined}><summary>${t('connections.will')}</summary>
        <will-editor .value=${will} @edited=${(event: Event) => this.#setOrDrop('will', (event.target as WillEditor).value)}></will-editor></details>
      <details id="property-settings" ?open=${Object.keys(properties).length > 0}><summary>${t('connections.properties')}</summary><div class="fields">
        ${(['receiveMaximum', 'maximumPacketSize', 'topicAliasMaximum'] as const).map(name => this.#property(name))}
        ${(['requestResponseInformation', 'requestProblemInformation'] as const).map(name => this.#wish(name))}
        <user-properties-editor class="wide" .value=${properties.userProperties} @edited=${(event: Event) => this.#setProperty('userProperties', (event.target as UserPropertiesEditor).value)}></user-properties-editor>
      </div></details>
      <div class="actions">
        <button type="button" id="profile-duplicate" @click=${this.#duplicate}>${t('connections.duplicate')}</button>
        <button type="button" id="profile-remove" @click=${() => this.querySelector<HTMLDialogElement>('#remove-dialog')!.showModal()}>${t('connections.remove')}</button>
      </div>
      <p class="note">${t('connections.secrets')}</p>
      </form>
      <dialog id="remove-dialog" aria-labelledby="remove-heading"><form method="dialog" class="stack"><h2 id="remove-heading">${t('connections.remove.ask', { name: profile.name || profile.endpoint })}</h2>
        <div class="actions"><button value="cancel">${t('connections.cancel')}</button><button value="remove" id="remove-confirm" class="primary" @click=${this.#remove}>${t('connections.remove')}</button></div></form></dialog>`
  }

  #secrets(authentication: Authentication): TemplateResult | typeof nothing {
    switch (authentication) {
      case 'keys': case 'gateway': return html`${this.#secret('accessKeyId', 'text')}${this.#secret('secretAccessKey')}${this.#secret('sessionToken')}<p class="note wide">${t('connections.paste')}</p>`
      case 'cognito': return html`${this.#text('identityPoolId', 'wide', 'eu-west-1:…')}${this.#text('loginProvider', '', 'cognito-idp.eu-west-1.amazonaws.com/…')}${this.#secret('idToken')}`
      case 'authorizer': return html`${this.#text('authorizerName', '')}${this.#text('tokenKeyName', '', 'token')}${this.#secret('token')}${this.#secret('tokenSignature')}${this.#text('username', '')}${this.#secret('password')}`
      case 'none': return html`${this.#text('username', '')}${this.#secret('password')}`
    }
  }

  #text(name: TextField, width: string, placeholder = '', label: Key = `connections.${name}` as Key) {
    return html`<label class="field ${width}"><span>${t(label)}</span><input id=${kebab(name)} type="text" class=${name === 'name' ? '' : 'mono'} spellcheck="false" autocapitalize="off" autocomplete="off" placeholder=${placeholder}
      .value=${this.connection.profile[name]} @change=${(event: Event) => this.#set({ [name]: (event.target as HTMLInputElement).value.trim() })}></label>`
  }

  #secret(name: keyof Secrets, type: 'text' | 'password' = 'password') {
    return html`<label class="field"><span>${t(`connections.${name}`)}</span><input id=${kebab(name)} type=${type} class="mono" spellcheck="false" autocapitalize="off" autocomplete="off" placeholder=${t('connections.secret.placeholder')}
      .value=${this.connection.secrets[name] ?? ''} @input=${(event: Event) => { this.connection.secrets = { ...this.connection.secrets, [name]: (event.target as HTMLInputElement).value.trim() || undefined } as Secrets }} @paste=${this.#paste}></label>`
  }

  /** Empty is the module's default; what is no number the module refuses. */
  #number(name: NumberField, unit: string) {
    return html`<label class="field"><span>${t(`connections.${name}`)} <span class="muted">${unit}</span></span><input id=${kebab(name)} type="number" step="1" .value=${this.connection.profile[name]?.toString() ?? ''}
      @change=${(event: Event) => this.#setOrDrop(name, this.#numberOf(event))}></label>`
  }

  #flag(name: FlagField) {
    return html`<label class="check wide"><input id=${kebab(name)} type="checkbox" .checked=${this.connection.profile[name]} @change=${(event: Event) => this.#set({ [name]: (event.target as HTMLInputElement).checked })}> ${t(`connections.${name}`)}</label>`
  }

  #property(name: NumberProperty) {
    return html`<label class="field"><span>${t(`connections.${name}`)}</span><input id=${kebab(name)} type="number" step="1" .value=${this.connection.profile.properties?.[name]?.toString() ?? ''}
      @change=${(event: Event) => this.#setProperty(name, this.#numberOf(event))}></label>`
  }

  /** Left out it is as the module has it: no response information, problem information. */
  #wish(name: 'requestResponseInformation' | 'requestProblemInformation') {
    const byDefault = name === 'requestProblemInformation'
    return html`<label class="check wide"><input id=${kebab(name)} type="checkbox" .checked=${this.connection.profile.properties?.[name] ?? byDefault}
      @change=${(event: Event) => { const { checked } = event.target as HTMLInputElement; this.#setProperty(name, checked === byDefault ? undefined : checked) }}> ${t(`connections.${name}`)}</label>`
  }

  #numberOf(event: Event): number | undefined {
    const { value, valueAsNumber, validity } = event.target as HTMLInputElement
    return value === '' && !validity.badInput ? undefined : valueAsNumber
  }

  #setProperty(name: string, value: unknown): void {
    const { [name as 'receiveMaximum']: _, ...others } = this.connection.profile.properties ?? {}
    const properties = value === undefined ? others : { ...others, [name]: value }
    this.#setOrDrop('properties', Object.keys(properties).length > 0 ? properties : undefined)
  }

  #setOrDrop<K extends keyof Profile>(name: K, value: Profile[K] | undefined): void {
    const { [name]: _, ...others } = this.connection.profile
    const defaults: Partial<Profile> = { keepAlive: 60, connectTimeout: 30_000, clockOffset: 0 }
    const kept: Partial<Profile> = value !== undefined ? { [name]: value } : name in defaults ? { [name]: defaults[name] } : {}
    this.#keep({ ...others, ...kept } as Profile)
  }

  #set(change: Partial<Profile>): void { this.#keep({ ...this.connection.profile, ...change }) }

  /** The gateway's profile is made anew at each visit. */
  #keep(profile: Profile): void {
    this.connection.changeProfile(profile)
    if (profile.id !== 'local-gateway') this.connections.profiles.save(profile)
  }

  /** A block of credentials fills all three fields. */
  #paste(event: ClipboardEvent): void {
    const found = pastedCredentials(event.clipboardData?.getData('text') ?? '')
    if (!found) return
    event.preventDefault()
    const { sessionToken: _, ...others } = this.connection.secrets
    this.connection.secrets = { ...others, ...found }
    this.requestUpdate()
  }

  async #connect(event: Event): Promise<void> {
    event.preventDefault()
    this.#keep(this.connection.profile)
    await this.connection.connect()
  }

  #duplicate(): void {
    const { profile, secrets } = this.connection
    const copy = { ...profile, id: crypto.randomUUID(), name: t('connections.copyOf', { name: profile.name || profile.endpoint }) }
    this.connections.profiles.save(copy)
    this.connections.open(copy).secrets = secrets
  }

  #remove(): void {
    this.closest('console-app')?.querySelector<HTMLElement>('#profile-new')?.focus() // what had it is gone
    this.connections.profiles.remove(this.connection.profile.id)
    void this.connections.remove(this.connection)
  }
}
customElements.define('profile-form', ProfileForm)
