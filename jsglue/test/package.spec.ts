/** The package as npm publishes it: what is in it, and that tools take it. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test as base } from '@playwright/test'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packTarball, unpack } from './tarball.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const contents = join(root, 'test/package-contents.txt')

interface Manifest { files: Record<string, { integrity: string }> }
interface PackageFile { exports: Record<string, string | { types: string, default: string }>, sideEffects: string[], types: string, unpkg: string, jsdelivr: string }

const test = base.extend<object, { tarball: string, folder: string }>({
  tarball: [async ({}, use) => {
    const { path, clean } = packTarball()
    await use(path)
    clean()
  }, { scope: 'worker' }],
  /** The unpacked package. */
  folder: [async ({ tarball }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'iotwasm-package-'))
    unpack(tarball, folder)
    await use(join(folder, 'node_modules/iotwasm'))
    rmSync(folder, { recursive: true })
  }, { scope: 'worker' }],
})

const filesOf = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(folder, name)).isFile()).sort()
const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')

test('holds these files and no others', ({ folder }) => {
  const names = `${filesOf(folder).map(name => name.replace(/-[0-9A-Z]{8}(?=\.js)/, '-HASH')).join('\n')}\n`
  if (process.env['UPDATE_GOLDEN']) writeFileSync(contents, names)
  expect(names).toBe(readFileSync(contents, 'utf8'))
})

test('every entry is there, with its types first', ({ folder }) => {
  const { exports, sideEffects, types, unpkg, jsdelivr, ...rest } = JSON.parse(read(folder, 'package.json')) as PackageFile
  for (const [name, entry] of Object.entries(exports)) {
    const files = typeof entry === 'string' ? [entry] : Object.values(entry)
    for (const file of files) expect(existsSync(join(folder, file)), `${name}: ${file}`).toBe(true)
    if (typeof entry !== 'string') expect(Object.keys(entry)).toEqual(['types', 'default'])
  }
  for (const file of [...sideEffects, types, unpkg, jsdelivr]) expect(existsSync(join(folder, file)), file).toBe(true)
  expect(rest).not.toHaveProperty('dependencies')
  expect(rest).not.toHaveProperty('peerDependencies')
  expect(rest).toMatchObject({ name: 'iotwasm', type: 'module', license: 'MIT' })
})

test('the integrity of each file is that of the manifest', ({ folder }) => {
  const { files } = JSON.parse(read(folder, 'dist/manifest.json')) as Manifest
  const loaded = filesOf(join(folder, 'dist')).filter(name => /\.(js|wasm)$/.test(name))
  expect(Object.keys(files).sort()).toEqual(loaded)
  for (const name of loaded) expect(`sha384-${createHash('sha384').update(readFileSync(join(folder, 'dist', name))).digest('base64')}`, name).toBe(files[name]!.integrity)
})

test('declarations import only what comes with them', ({ folder }) => {
  for (const name of filesOf(folder).filter(each => each.endsWith('.d.ts'))) {
    for (const [, from] of read(folder, name).matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      expect(from, name).toMatch(/^\.\//)
      expect(existsSync(join(folder, dirname(name), from!.replace(/\.js$/, '.d.ts'))), `${name}: ${from}`).toBe(true)
    }
  }
})

test('no file tells where it was built, and each source map has its sources', ({ folder }) => {
  for (const name of filesOf(folder)) {
    const text = readFileSync(join(folder, name), 'latin1')
    for (const secret of [root, process.env['HOME'] ?? root]) if (secret.length > 6) expect(text.includes(secret), `${name} has ${secret}`).toBe(false)
    if (!name.endsWith('.map')) continue
    const { sources, sourcesContent } = JSON.parse(text) as { sources: string[], sourcesContent?: string[] }
    expect(sourcesContent, name).toHaveLength(sources.length)
  }
})

test('publint and attw find nothing', async ({ folder, tarball }) => {
  const { messages, pkg } = await publint({ pkgDir: folder, pack: false, strict: true })
  expect(messages.map(each => formatMessage(each, pkg!))).toEqual([])
  await run(join(root, 'node_modules/.bin/attw'), [tarball, '--profile', 'esm-only', '--entrypoints', '.', './mqtt', './delayed-run']) // the other entries are files to name, not modules
})

test('a tag that is not the version is not released', async () => {
  const release = (tag: string): Promise<string> => run(join(root, '../.ci/check-release'), [tag]).then(({ stdout }) => stdout, ({ stderr }: { stderr: string }) => stderr)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await release('v0.0.0')).toContain(`the tag is v0.0.0, the version in jsglue/package.json is ${version}`)
  expect(await release('')).toContain('not given')
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  if (!changelog.includes(`\n## ${version} `)) expect(await release(`v${version}`)).toContain(`no heading "## ${version}"`)
})
