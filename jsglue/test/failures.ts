import type { FullConfig, Reporter, Suite, TestError } from '@playwright/test/reporter'

/** Says last why each test failed, in few lines: of a long log often only the end is kept. */
export default class Failures implements Reporter {
  #suite: Suite | undefined

  onBegin(_config: FullConfig, suite: Suite): void { this.#suite = suite }

  onEnd(): void {
    for (const test of this.#suite?.allTests() ?? []) {
      if (!test.ok()) console.log(`\n${test.titlePath().filter(Boolean).join(' › ')}\n${test.results.flatMap(({ errors }) => errors).map(brief).join('\n')}`)
    }
  }
}

function brief({ message = '', location }: TestError): string {
  const text = message.replace(/\x1b\[[0-9;]*m/g, '').split('\n').filter(line => line.trim()).slice(0, 8).join('\n  ')
  return `  ${text}${location ? `\n  at ${location.file}:${location.line}` : ''}`
}
