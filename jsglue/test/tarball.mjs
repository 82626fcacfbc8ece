// The package as npm publishes it: packed, and unpacked where a page's tools look.
// @ts-check
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Packs the package as it is built.
 *
 * @returns {{ path: string, clean: () => void }}
 */
export function packTarball() {
  const folder = mkdtempSync(join(tmpdir(), 'iotwasm-tarball-'))
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  return { path: join(folder, filename), clean: () => rmSync(folder, { recursive: true, force: true }) }
}

/**
 * Unpacks it into node_modules/iotwasm of a folder.
 *
 * @param {string} tarball
 * @param {string} folder
 */
export function unpack(tarball, folder) {
  const target = join(folder, 'node_modules/iotwasm')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
}
