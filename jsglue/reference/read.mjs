// What TypeDoc reads of the public declarations, as its JSON.
// @ts-check
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, LogLevel } from 'typedoc'
import { ENTRIES } from './entries.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')


/**
 * What each entry declares. A link that TypeDoc cannot resolve is an error.
 *
 * @returns {Promise<{ entry: import('./entries.mjs').Entry, comment: import('./comment-html.mjs').Comment | undefined, declarations: import('./type-text.mjs').Declaration[] }[]>}
 */
export async function readDeclarations() {
  const app = await Application.bootstrap({
    entryPoints: ENTRIES.map(e => join(root, e.file)),
    tsconfig: join(root, 'reference/declarations.json'),
    alwaysCreateEntryPointModule: true,
    excludeExternals: true,
    excludePrivate: true,
    disableGit: true,
    disableSources: true,
    readme: 'none',
    sort: ['source-order'],
    sortEntryPoints: false,
    kindSortOrder: [],
    blockTags: ['@throws'],
    inlineTags: ['@link'],
    modifierTags: ['@packageDocumentation'],
    validation: { notExported: false, invalidLink: true, invalidPath: false, rewrittenLink: false, notDocumented: false, unusedMergeModuleWith: false },
    logLevel: LogLevel.Warn,
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the declarations')
  app.validate(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc found faults in the declarations, see above')
  const json = JSON.stringify(app.serializer.projectToObject(project, /** @type {any} */ (root)))
  const modules = JSON.parse(json, withoutDefaults).children ?? []
  if (modules.length !== ENTRIES.length) throw new Error(`TypeDoc read ${modules.length} modules of ${ENTRIES.length}`)
  return ENTRIES.map((entry, i) => ({ entry, comment: modules[i].comment, declarations: modules[i].children }))
}

/** Without type arguments that are the platform's defaults, which an older TypeScript has not. @param {string} _ @param {any} value */
function withoutDefaults(_, value) {
  if (value?.type !== 'reference') return value
  if (value.name === 'AsyncIterable') value.typeArguments.length = 1
  if (value.name === 'Uint8Array' && value.typeArguments?.[0]?.name === 'ArrayBufferLike') delete value.typeArguments
  return value
}
