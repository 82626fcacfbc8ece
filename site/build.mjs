// Makes site/dist: the console's bundle, the static pages and the built package in
// pkg/, as plain files for any static server.
// @ts-check
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, 'dist')

/** The package stays as it is published, so that the pages share one module. @type {esbuild.Plugin} */
const publishedPackage = {
  name: 'published-package',
  setup(build) {
    const files = { iotwasm: 'index.js', 'iotwasm/delayed-run': 'delayed-run.js' }
    build.onResolve({ filter: /^iotwasm(\/|$)/ }, ({ path }) => ({ path: `../pkg/${files[/** @type {keyof typeof files} */ (path)]}`, external: true }))
  },
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
for (const name of ['index.html', 'docs', 'examples']) cpSync(join(here, name), join(dist, name), { recursive: true })
cpSync(join(here, 'console'), join(dist, 'console'), { recursive: true, filter: source => !/\.ts$|[/\\](model|views|i18n)$/.test(source) })
cpSync(join(here, '../jsglue/dist'), join(dist, 'pkg'), { recursive: true, filter: source => !/[/\\]\.[^/\\]*$/.test(source) })
await esbuild.build({
  entryPoints: [join(here, 'console/main.ts')], outfile: join(dist, 'console/main.js'), bundle: true, format: 'esm', minify: true, sourcemap: true, target: 'es2022',
  plugins: [publishedPackage], legalComments: 'linked', logLevel: 'warning',
})
