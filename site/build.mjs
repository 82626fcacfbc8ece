// Makes site/dist: the console's bundle, the static pages, the built package in pkg/
// and the service worker that keeps them, as plain files for any static server.
// @ts-check
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
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
cpSync(join(here, 'node_modules/uplot/dist/uPlot.min.css'), join(dist, 'console/uplot.css'))
cpSync(join(here, '../jsglue/dist'), join(dist, 'pkg'), { recursive: true, filter: source => !/[/\\]\.[^/\\]*$/.test(source) })
/** @type {esbuild.BuildOptions} */
const common = { bundle: true, minify: true, sourcemap: true, target: 'es2022', logLevel: 'warning' }
await esbuild.build({
  ...common, entryPoints: [join(here, 'console/main.ts')], outdir: join(dist, 'console'), splitting: true, chunkNames: '[name]-[hash]', format: 'esm', plugins: [publishedPackage], legalComments: 'linked',
})

/** What a visitor's browser needs without a network. */
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll('\\', '/')).sort()
  .filter(name => statSync(join(dist, name)).isFile() && !/\.(br|gz|map|d\.ts|txt)$/.test(name))
const version = createHash('sha256')
for (const name of files) version.update(name).update(readFileSync(join(dist, name)))
await esbuild.build({
  ...common, entryPoints: [join(here, 'offline/service-worker.ts')], outfile: join(dist, 'service-worker.js'), format: 'iife',
  define: { SITE_FILES: JSON.stringify(files), SITE_VERSION: JSON.stringify(version.digest('hex').slice(0, 16)) },
})
