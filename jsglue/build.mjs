// Builds jsglue/dist from jsglue/src and the wasm file, which `make build` puts
// there first. Prints the sizes of what a page loads.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

await Promise.all([
  esbuild.build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', format: 'esm', plugins: [wasmExec] }),
  esbuild.build({ ...common, entryPoints: ['src/worker.ts'], outfile: 'dist/worker.js', format: 'iife', plugins: [wasmExec] }),
  esbuild.build({ ...common, entryPoints: ['src/global.ts'], outfile: 'dist/iotwasm.global.js', format: 'iife', plugins: [wasmExec, globalAssets] }),
  esbuild.build({ ...common, entryPoints: ['src/mqtt/index.ts'], outfile: 'dist/mqtt.js', format: 'esm', plugins: [wasmExec] }),
  esbuild.build({ ...common, entryPoints: ['src/mqtt/global.ts'], outfile: 'dist/mqtt.global.js', format: 'iife', plugins: [wasmExec, globalAssets] }),
  esbuild.build({ ...common, entryPoints: ['src/timeline/element.ts'], outfile: 'dist/delayed-run.js', format: 'esm', plugins: [styleText] }),
])
copyFileSync(join(here, 'src/types.ts'), join(here, 'dist/index.d.ts'))
writeFileSync(join(here, 'dist/mqtt.d.ts'), readFileSync(join(here, 'src/mqtt/types.ts'), 'utf8').replace(`'../types'`, `'./index.js'`).replaceAll(`'./types'`, `'./mqtt.js'`))
writeFileSync(join(here, 'dist/delayed-run.d.ts'), readFileSync(join(here, 'src/timeline/types.ts'), 'utf8').replace(`'../types'`, `'./index.js'`))
