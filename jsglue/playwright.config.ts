import { defineConfig } from '@playwright/test'
import { chromium } from './test/servers.mjs'

/** The browser tests: Debian's Chromium against the gateway and mosquitto. */
export default defineConfig({
  testDir: 'test',
  testIgnore: 'engines/**',
  outputDir: 'test-results',
  forbidOnly: !!process.env['CI'],
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  reporter: process.env['CI'] ? [['line'], ['./test/failures.ts']] : [['list']],
  use: { launchOptions: { executablePath: chromium.executablePath, args: chromium.args } },
})
