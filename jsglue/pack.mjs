// Makes the tarball that npm publishes, in the folder pack, and prints its SHA-256.
// @ts-check
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url)), folder = join(here, 'pack')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
// npm packs the modes as they are, which depend on who built.
for (const name of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', ...readdirSync(join(here, 'dist'), { recursive: true, encoding: 'utf8' }).filter(each => !each.startsWith('.')).map(each => join('dist', each))]) {
  const path = join(here, name)
  if (statSync(path).isFile()) chmodSync(path, 0o644)
}
const [{ filename, size, unpackedSize }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
console.log(`jsglue/pack/${filename}: ${size} bytes, ${unpackedSize} unpacked`)
console.log(`sha256 ${createHash('sha256').update(readFileSync(join(folder, filename))).digest('hex')}`)
