// Makes the tarball that npm publishes, in the folder pack, and prints its SHA-256.
// @ts-check
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url)), folder = join(here, 'pack')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const [{ filename, size, unpackedSize }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
console.log(`jsglue/pack/${filename}: ${size} bytes, ${unpackedSize} unpacked`)
console.log(`sha256 ${createHash('sha256').update(readFileSync(join(folder, filename))).digest('hex')}`)
