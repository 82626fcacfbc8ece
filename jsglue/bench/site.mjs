// The benchmark's site: its pages, bundled and minified as they would be for
// users, and the package, everything with its brotli form beside it.
// @ts-check
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import * as esbuild from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '../dist')

/** Brotli takes ten seconds over the wasm file: what is known of it is kept here. */
const cache = join(here, 'results/brotli')

/** Pages that do nothing but connect, by lane. */
export const startPages = {
  'iotwasm Worker': 'iotwasm-worker', 'iotwasm page': 'iotwasm-page', 'mqtt.js': 'mqttjs', 'aws-crt': 'aws-crt', paho: 'paho', limit: 'limit',
}

/** aws-crt asks for uuid, which its dependencies do not name. */
const uuid = {
  name: 'uuid',
  /** @param {esbuild.PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /^uuid$/ }, () => ({ path: 'uuid', namespace: 'stand-in' }))
    build.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({ contents: 'export const v4 = () => crypto.randomUUID()' }))
  },
}

/**
 * @param {boolean} compressed whether the start-up is measured
 * @returns {Promise<{ site: string, pkg: string, clean: () => void }>} folders
 */
export async function buildSite(compressed) {
  const folder = mkdtempSync(join(tmpdir(), 'iotwasm-bench-'))
  const site = join(folder, 'site'), pkg = join(folder, 'pkg')
  const page = join(here, 'page')
  await esbuild.build({
    entryPoints: [join(page, 'main.js'), join(page, 'delayed.js'), ...Object.values(startPages).map(name => join(page, 'start', `${name}.js`))],
    outdir: site, outbase: page, bundle: true, minify: true, format: 'esm', target: 'es2022',
    external: ['/pkg/*'], define: { global: 'globalThis' }, plugins: [uuid], logLevel: 'warning',
  })
  for (const name of ['index.html', 'delayed.html']) cpSync(join(page, name), join(site, name))
  const template = readFileSync(join(page, 'start/template.html'), 'utf8')
  for (const name of Object.values(startPages)) {
    const script = name.startsWith('iotwasm') ? '<script src="/pkg/iotwasm.global.js"></script>\n' : ''
    writeFileSync(join(site, 'start', `${name}.html`), template.replace('<!-- scripts -->\n', `${script}<script type="module" src="${name}.js"></script>\n`))
  }
  cpSync(dist, pkg, { recursive: true, filter: from => !from.endsWith('.map') && !basename(from).startsWith('.') })
  if (compressed) {
    for (const file of [...files(pkg, /^(iotwasm\.wasm|iotwasm\.global\.js|worker\.js)$/), ...files(join(site, 'start'), /\.js$/)]) {
      writeFileSync(`${file}.br`, brotli(readFileSync(file)))
    }
  }
  return { site, pkg, clean: () => rmSync(folder, { recursive: true, force: true }) }
}

/**
 * @param {string} folder
 * @param {RegExp} names
 */
const files = (folder, names) => readdirSync(folder).filter(name => names.test(name)).map(name => join(folder, name))

/** @param {Buffer} bytes */
function brotli(bytes) {
  const file = join(cache, createHash('sha256').update(bytes).digest('hex'))
  if (existsSync(file)) return readFileSync(file)
  const compressed = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  })
  mkdirSync(cache, { recursive: true })
  writeFileSync(file, compressed)
  return compressed
}
