// Prints what a page loads, raw and compressed, beside mqtt.js with aws4fetch,
// and fails where a file is over its budget.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))

/** Largest size after brotli -q 11, in bytes. */
const budgets = { 'dist/iotwasm.wasm': 958_000, 'dist/index.js': 28_500, 'dist/iotwasm.global.js': 28_500, 'dist/mqtt.js': 32_500, 'dist/mqtt.global.js': 32_500, 'dist/worker.js': 6_000, 'dist/delayed-run.js': 9_000 }

const files = [
  ...Object.keys(budgets),
  'node_modules/mqtt/dist/mqtt.esm.js',
  'node_modules/aws4fetch/dist/aws4fetch.esm.mjs',
]

// Brotli takes ten seconds over the wasm file: keep what is known of it.
const cacheFile = join(here, 'dist/.sizes.json')
const cache = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, 'utf8')) : {}
const known = {}

let over = false
console.log(`${'bytes'.padStart(44)} ${'gzip -9'.padStart(10)} ${'brotli 11'.padStart(10)}`)
for (const name of files) {
  const bytes = readFileSync(join(here, name))
  const hash = createHash('sha256').update(bytes).digest('hex')
  const [gzip, brotli] = known[hash] = cache[hash] ?? [
    gzipSync(bytes, { level: 9 }).length,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
  ]
  const label = name.replace(/^(dist|node_modules)\//, '')
  console.log(`${label.padEnd(33)} ${String(bytes.length).padStart(10)} ${String(gzip).padStart(10)} ${String(brotli).padStart(10)}`)
  if (brotli > budgets[name]) {
    console.error(`${label} is over its budget of ${budgets[name]} bytes after brotli`)
    over = true
  }
}
writeFileSync(cacheFile, JSON.stringify(known))
if (over) process.exitCode = 1
