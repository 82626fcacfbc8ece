/**
 * The console in a flood of 200 messages a second: it does not stutter. What counts is
 * the whole minute on a quiet machine, FLOOD_SECONDS=60: 50 ms at the 95th percentile.
 * The ten seconds of each run stand beside other tests on few cores, and only tell work
 * that grows with the messages from work that does not.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { connect, expect, show, test } from './console-page'
import { floodProgram } from './flood-publisher.mjs'

const seconds = Number(process.env['FLOOD_SECONDS'] ?? 10), rate = 200
const bound = seconds >= 60 ? 50 : 150

test.use({ flags: ['-profile', 'generic'], viewport: { width: 1280, height: 900 } })

test(`frames of under ${bound} ms at the 95th percentile, ${seconds} s, also while it is scrolled and searched`, async ({ page, ownGateway, visit, topic }) => {
  test.setTimeout(60_000 + 2000 * seconds)
  await visit(ownGateway)
  await connect(page)
  await show(page, 'messages')
  await page.locator('#filter').fill(`${topic}/#`)
  await page.locator('#subscribe').click()
  await expect(page.locator(`#subscriptions [data-filter="${topic}/#"]`)).toHaveAttribute('data-state', 'granted')
  // A process of its own, which costs the page nothing but the messages.
  const flood = spawn(process.execPath, ['--input-type=module', '-e', floodProgram({ ...ownGateway.options, topic, rate, seconds })], { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'inherit', 'inherit'] })
  try {
    await expect(page.locator('#log [role="option"]').first()).toBeVisible({ timeout: 30_000 })
    const frames = page.evaluate(ms => new Promise<number[]>(resolve => {
      const deltas: number[] = [], start = performance.now()
      let last = start
      requestAnimationFrame(function frame(now) {
        deltas.push(now - last)
        last = now
        if (now - start < ms) requestAnimationFrame(frame)
        else resolve(deltas.slice(1))
      })
    }), (seconds - 2) * 1000)
    // As who looks for something: the tree open, a message selected, and all the while the list scrolled, searched and followed again.
    for (const level of topic.split('/').map((_, at, levels) => levels.slice(0, at + 1).join('/'))) await page.locator(`#topic-tree [data-topic="${level}"] > .tree-row > .twist`).click()
    await expect(page.locator(`#topic-tree [data-topic^="${topic}/device-"][aria-level="3"]`)).toHaveCount(40)
    await page.locator('#log [role="option"]').last().click()
    for (const until = Date.now() + (seconds - 4) * 1000; Date.now() < until;) {
      for (const word of ['1', '12', '']) {
        await page.locator('#log-search').fill(word)
        await page.locator('#log').evaluate(log => { log.scrollTop = log.scrollHeight / 2 })
        await page.waitForTimeout(300)
      }
      await page.locator('#log').evaluate(log => { log.scrollTop = log.scrollHeight })
      await page.waitForTimeout(1000)
    }
    const sorted = (await frames).sort((a, b) => a - b)
    const p95 = sorted[Math.floor(sorted.length * 0.95)]!
    console.log(`${sorted.length} frames, p50 ${sorted[Math.floor(sorted.length / 2)]!.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, longest ${sorted.at(-1)!.toFixed(0)} ms`)
    expect(p95).toBeLessThan(bound)
    const arrived = Number(await page.locator(`#subscriptions [data-filter="${topic}/#"]`).getAttribute('data-count'))
    expect(arrived).toBeGreaterThan(rate * (seconds - 2) * 0.8)
  } finally {
    flood.kill()
  }
})
