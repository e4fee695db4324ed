/** The list of traces in a real Chromium on a real server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { createTestBrowser, sendLogs, sendSpans, skip, type TestBrowser } from './testing/browser.ts'
import { rows, shoot, violations } from './testing/page.ts'

const traceId = (at: number) => (0xa000 + at).toString(16).padStart(32, '0')
const spanId = (at: number) => (0xb000 + at).toString(16).padStart(16, '0')

/** Twelve orders, each slower than the one before, the third with a failed payment; and one quick health check. */
async function send({ server }: TestBrowser): Promise<void> {
  const now = Date.now()
  for (let at = 0; at < 12; at++) {
    const root = { name: 'POST /order', spanId: spanId(at), fromMs: 0, durationMs: 20 * 1.5 ** at }
    const startedAt = now - 60_000 + at * 1_000
    await sendSpans(server, 'frontend', traceId(at), [root], startedAt)
    const child = { name: 'pay', spanId: spanId(100 + at), parentSpanId: root.spanId, fromMs: 1, durationMs: 9 }
    await sendSpans(server, 'payments', traceId(at), [{ ...child, failed: at === 2 }], startedAt)
  }
  const check = { name: 'GET /healthz', spanId: spanId(200), fromMs: 0, durationMs: 0.4 }
  await sendSpans(server, 'gateway', traceId(200), [check], now - 30_000)
}

const roots = (page: Page) => rows(page).locator('.m').allInnerTexts()

describe('the traces', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  it('says so while there are none', async () => {
    await sendLogs(browser.server, 'cart', [{ body: 'no span' }])
    const visit = await browser.visit('/traces')
    await visit.page.getByText('No trace has arrived yet.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await visit.page.context().close()
  })

  it('lists roots with what is in their traces, slowest, newest or failing first', async () => {
    await send(browser)
    const visit = await browser.visit('/events')
    const { page, errors } = visit
    // Keys count from when the page is there.
    await rows(page).first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    // The page before has rows, too.
    await page.getByRole('heading', { name: 'Traces' }).waitFor()
    await rows(page).nth(12).waitFor()
    const cells = await rows(page).first().locator('[role=gridcell]').allInnerTexts()
    assert.deepEqual(cells.slice(1, 6), ['frontend', 'POST /order', '1.73 s', '2', '0'])
    assert.equal((await roots(page)).at(-1), 'GET /healthz')
    const line = page.getByRole('row', { name: /POST \/order frontend/ })
    assert.match(await line.first().innerText(), /12\s+.*ms\s+.* s\s+0/s)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'traces_dark.png')

    await page.getByRole('button', { name: 'Newest' }).click()
    await page.waitForFunction(() => document.querySelector('.grid .row .m')?.textContent === 'GET /healthz')
    await page.keyboard.press('3')
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 1)
    assert.equal(await rows(page).locator('.err').innerText(), '1')
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('narrows by root and by a rectangle on the heatmap; keys open the waterfall, Back returns', async () => {
    const { page, errors } = await browser.visit('/traces?range=-5m')
    await rows(page).nth(12).waitFor()
    await page.locator('.root-name').filter({ hasText: 'GET /healthz' }).click()
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 1)
    await page.locator('.root-name').filter({ hasText: 'GET /healthz' }).click()
    await rows(page).nth(12).waitFor()

    const box = (await page.locator('.heat').boundingBox())!
    await page.mouse.move(box.x + 2, box.y + 1)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width - 2, box.y + box.height / 3, { steps: 3 })
    await page.mouse.up()
    await page.waitForFunction(
      () => ![...document.querySelectorAll('.grid .m')].some((cell) => cell.textContent === 'GET /healthz'),
    )
    const slow = await rows(page).count()
    assert.ok(slow > 0 && slow < 12, `${slow} traces in the rectangle`)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('treegrid').getByText('POST /order').waitFor()
    assert.match(page.url(), new RegExp(traceId(11)))
    await page.goBack()
    await rows(page)
      .nth(slow - 1)
      .waitFor()
    await page.keyboard.press('Escape')
    await rows(page).nth(12).waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('is as accessible in light', async () => {
    const visit = await browser.visit("/traces?filter=name = 'nothing'", { theme: 'light' })
    await visit.page.getByText('0 of 13 traces match.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await visit.page.getByRole('button', { name: 'Without the filter' }).click()
    await rows(visit.page).first().waitFor()
    assert.deepEqual(await violations(visit), [])
    await visit.page.context().close()
  })
})
