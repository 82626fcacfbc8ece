// Builds jsglue/dist from jsglue/src and the wasm file, which `make build` puts
// there first. Prints the sizes of what a page loads.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))

/** wasm_exec.js of the toolchain that built the wasm file, in a function whose argument it takes for the global object. */
const wasmExec = {
  name: 'wasm_exec',
  setup(build) {
    build.onResolve({ filter: /^iotwasm:wasm_exec$/ }, () => ({ path: 'wasm_exec', namespace: 'toolchain' }))
    build.onLoad({ filter: /.*/, namespace: 'toolchain' }, () => {
      const root = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim()
      const source = readFileSync(join(root, 'lib/wasm/wasm_exec.js'), 'utf8')
      // It names the global object's fs, process and path by their bare names too.
      return {
        contents: `export function defineGo(globalThis) {\n${source.replace('"use strict";', '').replaceAll(/(?<![.\w"'])(fs|process|path)\.(?=\w)/g, 'globalThis.$1.')}\nreturn globalThis.Go\n}`,
        loader: 'js',
      }
    })
  },
}

/** The classic script finds its files beside itself. */
const globalAssets = {
  name: 'global-assets',
  setup(build) {
    build.onResolve({ filter: /^\.\/assets$/ }, () => ({ path: join(here, 'src/assets-global.ts') }))
  },
}

/** What core.ts exports, in order, and the modules that it is of. */
const { exported, modules } = await (async () => {
  const { metafile } = await esbuild.build({ entryPoints: ['src/core.ts'], absWorkingDir: here, bundle: true, format: 'esm', write: false, outdir: '.', metafile: true, external: ['iotwasm:*'], define: { IOTWASM_VERSION: '""' }, logLevel: 'warning' })
  const [output] = Object.values(metafile.outputs)
  return { exported: output.exports, modules: metafile.inputs['src/core.ts'].imports.map(({ path }) => join(here, path)) }
})()

/** For a script: the core as a list, and the parts, which stay files of their own, under the names that they were built with. */
const loadsParts = parts => ({
  name: 'loads-parts',
  setup(build) {
    build.onResolve({ filter: /^iotwasm:core$/ }, () => ({ path: 'core', namespace: 'core' }))
    build.onLoad({ filter: /.*/, namespace: 'core' }, () => ({
      contents: `import { ${exported} } from './core'\nexport const core = () => [${exported}]`, resolveDir: join(here, 'src'),
    }))
    build.onResolve({ filter: /^iotwasm:/ }, ({ path }) => parts[path.slice('iotwasm:'.length)] && { path: parts[path.slice('iotwasm:'.length)], external: true })
  },
})

/** For a part: what it imports of the core is an argument of the function that it becomes. */
const isPart = {
  name: 'is-part',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, `${path}.ts`)
      return modules.includes(file) ? { path: 'core', namespace: 'core', sideEffects: false } : undefined
    })
    build.onLoad({ filter: /.*/, namespace: 'core' }, () => ({
      contents: exported.map((name, i) => `export const ${name} = /* @__PURE__ */ Reflect.get(core, ${i})`).join('\n'),
    }))
  },
}

/** A style sheet as text, without what only its readers need. */
const styleText = {
  name: 'style-text',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true })
      return { contents: code.trim(), loader: 'text' }
    })
  },
}

const common = {
  bundle: true,
  minify: true,
  sourcemap: true,
  target: 'es2022',
  absWorkingDir: here,
  define: { IOTWASM_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
  legalComments: 'inline',
}

/** Builds the parts into dist/chunks. Their names have their hashes, so that they may be cached for ever. */
async function buildParts() {
  rmSync(join(here, 'dist/chunks'), { recursive: true, force: true })
  const { metafile } = await esbuild.build({
    ...common, entryPoints: ['src/features.ts', 'src/page-host.ts', 'src/cognito-calls.ts'], outdir: 'dist/chunks', entryNames: '[name]-[hash]', metafile: true,
    format: 'iife', globalName: 'part', banner: { js: 'export default core=>{' }, footer: { js: 'return part}' }, plugins: [wasmExec, isPart],
  })
  return Object.fromEntries(Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint ? [[basename(entryPoint, '.ts'), `./${relative('dist', path)}`]] : []))
}

const parts = await buildParts()
const script = { ...common, plugins: [loadsParts(parts)] }
const classic = { ...common, format: 'iife', define: { ...common.define, IOTWASM_PARTS: JSON.stringify(parts) }, plugins: [globalAssets, loadsParts(parts)] }

await Promise.all([
  esbuild.build({ ...script, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', format: 'esm' }),
  esbuild.build({ ...script, entryPoints: ['src/mqtt/index.ts'], outfile: 'dist/mqtt.js', format: 'esm' }),
  esbuild.build({ ...classic, entryPoints: ['src/global.ts'], outfile: 'dist/iotwasm.global.js' }),
  esbuild.build({ ...classic, entryPoints: ['src/mqtt/global.ts'], outfile: 'dist/mqtt.global.js' }),
  esbuild.build({ ...common, entryPoints: ['src/worker.ts'], outfile: 'dist/worker.js', format: 'iife', plugins: [wasmExec] }),
  esbuild.build({ ...common, entryPoints: ['src/timeline/element.ts'], outfile: 'dist/delayed-run.js', format: 'esm', plugins: [styleText] }),
])
copyFileSync(join(here, 'src/types.ts'), join(here, 'dist/index.d.ts'))
writeFileSync(join(here, 'dist/mqtt.d.ts'), readFileSync(join(here, 'src/mqtt/types.ts'), 'utf8').replace(`'../types'`, `'./index.js'`).replaceAll(`'./types'`, `'./mqtt.js'`))
writeFileSync(join(here, 'dist/delayed-run.d.ts'), readFileSync(join(here, 'src/timeline/types.ts'), 'utf8').replace(`'../types'`, `'./index.js'`))
