// node build.mjs TOOL APP ENTRY OUT: builds an app with one tool into a folder, and
// prints what the tool warned of, as JSON.
// @ts-check
import { cpSync } from 'node:fs'
import { join } from 'node:path'

/** What a page that is not built by Vite or webpack needs beside its own script. @param {string} app @param {string} out */
function copyFiles(app, out) {
  for (const name of ['iotwasm.wasm', 'worker.js']) cpSync(join(app, '../node_modules/iotwasm/dist', name), join(out, name))
}

/** @type {Record<string, (app: string, entry: string, out: string) => Promise<string[]>>} */
export const tools = {
  async vite(app, _entry, out) {
    /** @type {string[]} */
    const warnings = []
    const { build } = await import('vite')
    await build({
      root: app, base: './', configFile: false, logLevel: 'warn', build: { outDir: out, emptyOutDir: true },
      customLogger: { info() {}, warn: text => { warnings.push(text) }, warnOnce: text => { warnings.push(text) }, error: text => { warnings.push(text) }, clearScreen() {}, hasErrorLogged: () => false, hasWarned: false },
    })
    return warnings
  },

  async webpack(app, entry, out) {
    const { default: webpack } = await import('webpack')
    const stats = await new Promise((resolve, reject) => {
      webpack({ context: app, entry, mode: 'production', devtool: false, output: { path: out, filename: 'main.js', module: true, clean: true }, experiments: { outputModule: true }, performance: false },
        (/** @type {Error | null} */ error, /** @type {any} */ stats) => error ? reject(error) : resolve(stats))
    })
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
    return [...errors, ...warnings].map(each => each.message)
  },

  async esbuild(app, entry, out) {
    const { build } = await import('esbuild')
    const { warnings, errors } = await build({ absWorkingDir: app, entryPoints: [entry], outdir: out, bundle: true, splitting: true, format: 'esm', minify: true, target: 'es2022', logLevel: 'silent', entryNames: 'main' })
    copyFiles(app, out)
    return [...warnings, ...errors].map(({ text }) => text)
  },

  async rollup(app, entry, out) {
    /** @type {string[]} */
    const warnings = []
    const { rollup } = await import('rollup')
    const { default: resolve } = await import('@rollup/plugin-node-resolve')
    const bundle = await rollup({ input: join(app, entry), plugins: [resolve({ browser: true })], onwarn: ({ message }) => { warnings.push(message) } })
    await bundle.write({ dir: out, format: 'es', entryFileNames: 'main.js' })
    await bundle.close()
    copyFiles(app, out)
    return warnings
  },
}

const [tool, app, entry, out] = process.argv.slice(2)
console.log(JSON.stringify(await tools[tool](app, entry, out)))
