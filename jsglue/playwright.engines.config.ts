import { defineConfig } from '@playwright/test'
import type { Engine } from './test/engines/engine'

/** The journeys in Firefox and WebKit, one engine after the other: each has one browser. */
export default defineConfig<object, { engineName: Engine['name'] }>({
  testDir: 'test/engines',
  outputDir: 'test-results/engines',
  forbidOnly: !!process.env['CI'],
  workers: 1,
  timeout: 120_000,
  reporter: process.env['CI'] ? [['line'], ['./test/failures.ts']] : [['list']],
  projects: [{ name: 'Firefox', use: { engineName: 'Firefox' } }, { name: 'WebKit', use: { engineName: 'WebKit' } }],
})
