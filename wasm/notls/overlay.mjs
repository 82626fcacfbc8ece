// Prints the overlay (`go help build`, -overlay) that puts the packages of this
// folder in the place of the standard library's. Prints one that changes nothing
// where the toolchain has no such package.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const standard = join(execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim(), 'src/crypto/hpke')

const Replace = {}
if (existsSync(standard)) {
  for (const name of readdirSync(standard)) if (name.endsWith('.go')) Replace[join(standard, name)] = ''
  Replace[join(standard, 'hpke.go')] = join(here, 'hpke/hpke.go')
}
console.log(JSON.stringify({ Replace }))
