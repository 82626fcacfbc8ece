// Writes dist/manifest.json, and for servers that do not compress themselves a .br
// and a .gz beside each file that a page loads.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = join(dirname(fileURLToPath(import.meta.url)), 'dist')

export const gzip = bytes => gzipSync(bytes, { level: 9 })
export const brotli = bytes => brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
})
const forms = { '.br': brotli, '.gz': gzip }

/** Of what the compressed files were made. Brotli takes ten seconds over the wasm file. */
const cacheFile = join(dist, '.compressed.json')

/** The files that a page loads, by their paths in dist, and how large they are. */
export function compressAll() {
  const before = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, 'utf8')) : {}
  const names = readdirSync(dist, { recursive: true }).map(name => name.replaceAll('\\', '/')).filter(name => !name.startsWith('.'))
  const files = {}, made = {}
  for (const name of names.filter(each => /\.(js|wasm)$/.test(each)).sort()) {
    const path = join(dist, name), bytes = readFileSync(path), sizes = [bytes.length]
    const integrity = `sha384-${createHash('sha384').update(bytes).digest('base64')}`
    for (const [suffix, compress] of Object.entries(forms)) {
      const target = path + suffix
      if (before[name] !== integrity || !existsSync(target)) writeFileSync(target, compress(bytes))
      else utimesSync(target, new Date(), new Date()) // servers do not take one that is older than its file
      sizes.push(statSync(target).size)
    }
    made[name] = integrity
    files[name] = { bytes: sizes[0], br: sizes[1], gz: sizes[2], integrity }
  }
  for (const name of names) {
    if (/\.(br|gz)$/.test(name) && !files[name.slice(0, -3)]) rmSync(join(dist, name))
  }
  writeFileSync(cacheFile, JSON.stringify(made))
  writeFileSync(join(dist, 'manifest.json'), `${JSON.stringify({ version: JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8')).version, files }, null, 2)}\n`)
  return files
}
