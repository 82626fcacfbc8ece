// Writes site/docs/reference (argument `docs`) and jsglue/api (`api`) from the type
// declarations; `--check` fails instead, with the difference, where a file is not what
// would be written.
// @ts-check
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAnchors } from './anchors.mjs'
import { apiReport } from './api-report.mjs'
import { ENTRIES } from './entries.mjs'
import { refuseFaults } from './faults.mjs'
import { referencePage } from './page.mjs'
import { readDeclarations } from './read.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const check = process.argv.includes('--check')

const modules = await readDeclarations()
refuseFaults(modules)
const anchors = readAnchors(modules)
for (const { entry, comment, declarations } of modules) {
  if (process.argv.includes('docs')) put(join(root, '../site/docs/reference', entry.page, 'index.html'), referencePage({ entry, entries: ENTRIES, comment, declarations, anchors }), 'docs')
  if (process.argv.includes('api')) put(join(root, 'api', entry.report), apiReport(entry.module, declarations), 'api')
}

/** @param {string} file @param {string} text @param {string} target of make */
function put(file, text, target) {
  if (!check) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    const { stdout } = spawnSync('diff', ['-u', '-N', file, '-'], { input: text, encoding: 'utf8' })
    console.error(`${stdout}\nThe declarations say something else than ${file}: run make ${target}`)
    process.exitCode = 1
  }
}
