// Compresses what was built, see compress.mjs, prints what a page loads, raw and
// compressed, beside mqtt.js with aws4fetch, and fails where something is over its budget.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotli, compressAll, gzip } from './compress.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const files = compressAll()
const chunk = name => Object.keys(files).find(file => file.startsWith(`chunks/${name}-`))

/** The script is all the glue that the page itself loads before it can connect: it has no static imports. */
const script = name => {
  if (/\bfrom\s*"|\bimport\s*"/.test(readFileSync(join(here, 'dist', name), 'utf8'))) throw new Error(`${name} imports another file`)
  return name
}

/** Largest size after brotli -q 11, in bytes. */
const budgets = [
  ['glue before connect', [[script('index.js'), 12_000], [script('iotwasm.global.js'), 12_000], [script('mqtt.js'), 20_200], [script('mqtt.global.js'), 20_200]]],
  ['beside it, all at once', [['worker.js', 4_300], ['iotwasm.wasm', 958_000], [chunk('features'), 14_600]]],
  ['only where it is needed', [[chunk('page-host'), 4_700], [chunk('cognito-calls'), 1_300], ['delayed-run.js', 9_000]]],
]

let over = false
const line = (label, bytes, gz, br) => console.log(`${label.padEnd(33)} ${String(bytes).padStart(10)} ${String(gz).padStart(10)} ${String(br).padStart(10)}`)
line('', 'bytes', 'gzip -9', 'brotli 11')
for (const [title, group] of budgets) {
  console.log(`${title}:`)
  for (const [name, budget] of group) {
    const { bytes, gz, br } = files[name]
    line(`  ${name}`, bytes, gz, br)
    if (br <= budget) continue
    console.error(`${name} is over its budget of ${budget} bytes after brotli`)
    over = true
  }
}
console.log('for comparison:')
for (const name of ['mqtt/dist/mqtt.esm.js', 'aws4fetch/dist/aws4fetch.esm.mjs']) {
  const bytes = readFileSync(join(here, 'node_modules', name))
  line(`  ${name}`, bytes.length, gzip(bytes).length, brotli(bytes).length)
}
if (over) process.exitCode = 1
