/** The profiles that this browser keeps, in their order, and their form as a file. Secrets are in neither, nor numbers that are none. */
import { Observable } from './observable'
import { newProfile, type Profile } from './profile'
import { profileProblem } from './profile-check'
import { store, stored } from './storage'

const storageKey = 'iotwasm-console-profiles'

/** Of the file. */
const format = 'iotwasm console profiles', formatVersion = 1

export class Profiles extends Observable {
  #all: readonly Profile[] = read()

  constructor() {
    super()
    addEventListener('storage', event => { // another tab
      if (event.key !== storageKey) return
      this.#all = read()
      this.changed()
    })
  }

  get all(): readonly Profile[] { return this.#all }

  /** Adds it, or puts it in the place of the one with its id. */
  save(profile: Profile): void {
    const all = read()
    const at = all.findIndex(each => each.id === profile.id)
    this.#write(at < 0 ? [...all, profile] : all.with(at, profile))
  }

  remove(id: string): void { this.#write(read().filter(each => each.id !== id)) }

  export(): string { return `${JSON.stringify({ format, version: formatVersion, profiles: this.#all }, null, 2)}\n` }

  /** Adds the profiles of a file, under new ids. Throws an Error that names what is wrong; nothing is added then. */
  import(text: string): number {
    const profiles = parseProfiles(text)
    this.#write([...read(), ...profiles])
    return profiles.length
  }

  #write(all: readonly Profile[]): void {
    const text = JSON.stringify(all.map(withoutSecrets), (_, value: unknown) => Number.isNaN(value) ? undefined : value) // null would be no number when it is read
    this.#all = parseStored(text)
    store(storageKey, text)
    this.changed()
  }
}

/** Throws an Error, with `entry` and `field` where one is wrong. */
export function parseProfiles(text: string): Profile[] {
  let file: { format?: unknown, version?: unknown, profiles?: unknown }
  try {
    file = JSON.parse(text) as typeof file
  } catch (cause) {
    throw Object.assign(new Error('The file is no JSON.', { cause }), { code: 'invalid-file' })
  }
  if (file?.format !== format || file.version !== formatVersion || !Array.isArray(file.profiles)) {
    throw Object.assign(new Error(`The file is no export of profiles of version ${formatVersion}.`), { code: 'invalid-file' })
  }
  return (file.profiles as unknown[]).map((given, at) => {
    const problem = profileProblem(given)
    if (problem) throw Object.assign(new Error(`Profile ${at + 1}: ${problem.field} must be ${problem.must}.`), { code: 'invalid-file', field: `profiles[${at}].${problem.field}` })
    return { ...newProfile(), ...given as Profile, id: crypto.randomUUID() }
  })
}

/** An address may hold a user and password, and in its query a token or signature. */
function withoutSecrets(profile: Profile): Profile {
  return { ...profile, endpoint: profile.endpoint.replace(/^([a-z]+:\/\/)?[^/?#]*@/i, '$1').replace(/[?#].*$/s, '') }
}

function read(): readonly Profile[] {
  try {
    return parseStored(stored(storageKey) ?? '[]')
  } catch {
    return []
  }
}

function parseStored(text: string): readonly Profile[] {
  const kept: unknown = JSON.parse(text)
  return Array.isArray(kept) ? (kept as unknown[]).filter((each): each is Profile => profileProblem(each) === undefined).map(each => ({ ...newProfile(), ...each })) : []
}
