/** UI.md's budgets, measured: what the first page weighs, and how it keeps up with 2,000 rows a second. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createTestBrowser, sendLogs, skip, type TestBrowser } from './testing/browser.ts'
import { watchMainThread } from './testing/main_thread.ts'

const dist = join(import.meta.dirname, 'dist')
const FIRST_PAGE_BYTES = 90_000
/** 0.3 to 0.6 s where nothing else runs; more than this is a page that waits for what it need not wait for. */
const USEFUL_MS = 2_000
const USEFUL_TRIES = 3
/** Measured 70 to 140. */
const USEFUL_CPU_MS = 300
const ROWS_PER_SECOND = 2_000
const SECONDS = 6
const EXPORTS_PER_SECOND = 20
/**
 * CPU of a frame that places 100 rows: 13 ms on two quiet cores, 30 to 40 where the other hyperthread is busy. Half of it
 * is laying out text, a quarter painting it; at 20 such frames a second, between empty ones, the list moves at 60.
 */
const FRAME_CPU_MS = 50
const FOLLOWED_TRIES = 3
/** Of a core, measured 0.2 to 0.5. */
const MAIN_THREAD_SHARE = 0.7

/** @param sorted ascending */
const quantile = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.floor(sorted.length * share)] * 10) / 10

/** Script and style that the page asks for before anybody has clicked, gzip. */
function firstPageBytes(): number {
  const index = readFileSync(join(dist, 'index.html'), 'utf8')
  const files = [...index.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map(([, name]) => name)
  assert.ok(files.length >= 2, index)
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, name))).length, 0)
}

describe('budgets', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  it('shell and Events weigh at most 90 KB; editor, charts and the filter parser come later', (context) => {
    const size = firstPageBytes()
    context.diagnostic(`first page: ${size} bytes gzip`)
    assert.ok(size <= FIRST_PAGE_BYTES, `${size} bytes`)
    const chunks = readdirSync(join(dist, 'assets')).filter((name) => name.endsWith('.js'))
    assert.ok(chunks.length > 4, chunks.join(' '))
  })

  it('is useful at once', async (context) => {
    await sendLogs(browser.server, 'cart', [{ body: 'first' }])
    const { page } = await browser.visit('/events')
    await page.locator('.grid .row').first().waitFor()
    const tries: number[] = []
    while (tries.length < USEFUL_TRIES && !tries.some((ms) => ms <= USEFUL_MS)) {
      const mainThread = await watchMainThread(page)
      await page.reload()
      await page.locator('.grid .row').first().waitFor()
      const wallMs = await page.evaluate(() => Math.round(performance.now()))
      const { total } = await mainThread()
      context.diagnostic(
        `navigation to first rows: ${wallMs} ms, of them ${Math.round(total)} ms CPU of the main thread`,
      )
      assert.ok(total <= USEFUL_CPU_MS, `${total} ms of CPU`)
      tries.push(wallMs)
    }
    assert.ok(Math.min(...tries) <= USEFUL_MS, `${tries} ms`)
    await page.context().close()
  })

  it('follows 2,000 rows a second: few elements, a bounded list, every row, frames that cost little', async (context) => {
    await sendLogs(browser.server, 'checkout', [{ body: 'first' }])
    const { page, errors } = await browser.visit('/events?show=logs&range=-5m')
    await page.locator('.grid .row').first().waitFor()
    await page.evaluate(() => {
      const frames: number[] = []
      let before = performance.now()
      const tick = (now: number) => {
        frames.push(now - before)
        before = now
        requestAnimationFrame(tick)
      }
      requestAnimationFrame(tick)
      Object.assign(globalThis, { frames })
    })
    let sent = 0
    /** @returns the CPU of the page's frames and of its main thread while `SECONDS` of rows came */
    const follow = async () => {
      const mainThread = await watchMainThread(page)
      const perExport = ROWS_PER_SECOND / EXPORTS_PER_SECOND
      const started = performance.now()
      for (let exports = 1; exports <= SECONDS * EXPORTS_PER_SECOND; exports++) {
        const logs = Array.from({ length: perExport }, (_, at) => ({
          body: `order ${sent + at} passed`,
          severity: at % 50 === 0 ? 17 : 9,
          attributes: { 'user.id': `u-${at}`, 'http.route': '/order', region: 'eu' },
        }))
        await sendLogs(browser.server, 'checkout', logs)
        sent += perExport
        // The pace of an exporter, not a wait for something to happen.
        await delay(Math.max(0, started + (exports * 1000) / EXPORTS_PER_SECOND - performance.now()))
      }
      await page
        .locator('.grid .row')
        .filter({ hasText: `order ${sent - 1} passed` })
        .waitFor()
      const seconds = (performance.now() - started) / 1000
      const { frames, total } = await mainThread()
      const share = total / 1000 / seconds
      context.diagnostic(
        `CPU of a frame: p50 ${quantile(frames, 0.5)}, p99 ${quantile(frames, 0.99)} ms of ${frames.length}; main thread ${(share * 100).toFixed(0)} % of a core`,
      )
      return { frames, share }
    }
    // CPU time of the page alone, of the quietest of some spells: what the wall says, and in part what a busy sibling
    // core does to CPU time, depends on what else the machine does.
    let best = await follow()
    for (let tries = 1; tries < FOLLOWED_TRIES && quantile(best.frames, 0.99) > FRAME_CPU_MS; tries++) {
      const next = await follow()
      if (quantile(next.frames, 0.99) < quantile(best.frames, 0.99)) best = next
    }
    const { onTheWall, elements, listed } = await page.evaluate(() => ({
      onTheWall: (globalThis as unknown as { frames: number[] }).frames.slice(10).sort((a, b) => a - b),
      elements: document.querySelectorAll('.grid .row').length,
      listed: Number(document.querySelector('.grid')!.getAttribute('aria-rowcount')),
    }))
    context.diagnostic(
      `frames on the wall: p50 ${quantile(onTheWall, 0.5)}, p95 ${quantile(onTheWall, 0.95)}, p99 ${quantile(onTheWall, 0.99)} ms`,
    )
    assert.ok(elements <= 80, `${elements} rows in the document`)
    assert.ok(listed > SECONDS * ROWS_PER_SECOND, `${listed} rows in the list`)
    const { frames, share } = best
    assert.ok(frames.length > SECONDS, `${frames.length} frames`)
    assert.ok(quantile(frames, 0.99) <= FRAME_CPU_MS, `a frame computes ${quantile(frames, 0.99)} ms`)
    assert.ok(share <= MAIN_THREAD_SHARE, `the main thread takes ${share} of a core`)
    assert.deepEqual(errors, [])
    await page.context().close()
  })
})
