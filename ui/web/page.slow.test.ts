/** The page in a real Chromium on a real server: what a person does, and what they see. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TEST_KEY } from '../../end_to_end/server.ts'
import { createTestBrowser, SCREENSHOTS, sendLogs, sendSpans, skip, type TestBrowser } from './testing/browser.ts'
import { watchMainThread } from './testing/main_thread.ts'
import { rows, shoot, violations } from './testing/page.ts'

/** Every row in sight is another one. */
const SCROLL_FRAME_CPU_MS = 120
const TRACE = '7c0e4b1f8a9c44e1b7d05f3326aed92a'
describe('the page', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  it('teaches how to send while nothing has arrived, and turns live when something does', async () => {
    const visit = await browser.visit('/')
    const { page, errors } = visit
    await page.getByText('Nothing has arrived yet.').waitFor()
    await page.getByRole('tab', { name: 'Collector' }).click()
    await page.getByText('otlp/millrace:').waitFor()
    await page.getByRole('tab', { name: 'One log, now' }).click()
    const line = await page.locator('.sender pre').innerText()
    const port = new URL(browser.server.otlpUrl).port
    assert.match(line, new RegExp(`^curl http://127.0.0.1:${port}/v1/logs`))
    assert.ok(!line.includes(TEST_KEY), 'no key in the page')
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'first_run.png')

    await sendLogs(browser.server, 'checkout', [{ body: 'hello, millrace' }])
    await rows(page).filter({ hasText: 'hello, millrace' }).waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('is entered with a key, remembers it, and is left again', async () => {
    const visit = await browser.visit('/events?show=logs', { signedIn: false })
    const { page } = visit
    await page.getByLabel('API key').fill('mr_not_a_key')
    await page.keyboard.press('Enter')
    await page.getByText('This is not a key that is known here').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'sign_in.png')
    await page.getByLabel('API key').fill(TEST_KEY)
    await page.keyboard.press('Enter')
    await page.getByRole('grid').waitFor()
    assert.match(page.url(), /show=logs/, 'it stays at the place asked for')
    const [cookie] = await page.context().cookies()
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict'])
    await page.reload()
    await page.getByRole('grid').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API key').waitFor()
    await page.reload()
    await page.getByLabel('API key').waitFor()
    await page.context().close()
  })

  it('follows what arrives, pauses, counts, and goes on without a row lost or twice', async () => {
    const { page, errors } = await browser.visit('/events')
    await sendLogs(browser.server, 'cart', [{ body: 'row 0' }])
    await rows(page).filter({ hasText: 'row 0' }).waitFor()
    await page.keyboard.press('Space')
    await page.getByText('Paused at').waitFor()
    const more = Array.from({ length: 10 }, (_, at) => ({ body: `row ${at + 1}` }))
    await sendLogs(browser.server, 'cart', more)
    await page.getByRole('button', { name: '10 new rows' }).waitFor()
    assert.equal(await rows(page).filter({ hasText: 'row 10' }).count(), 0)
    await page.keyboard.press('Space')
    await rows(page).filter({ hasText: 'row 10' }).waitFor()
    for (const { body } of [{ body: 'row 0' }, ...more])
      assert.equal(await rows(page).getByText(body, { exact: true }).count(), 1, body)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('filters: chips, errors in place, completion, and the whole view in the URL', async () => {
    await sendLogs(browser.server, 'payments', [
      { body: 'authorized', attributes: { provider: 'stripe' } },
      { body: 'timed out', severity: 17, attributes: { provider: 'stripe' } },
    ])
    const { page } = await browser.visit('/events')
    await rows(page).filter({ hasText: 'timed out' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type("levl = 'ERROR'")
    await page.keyboard.press('Enter')
    await page.locator('#filter-note').getByText('levl').waitFor()
    assert.equal(await page.getByRole('combobox').getAttribute('aria-invalid'), 'true')
    await shoot(page, 'filter_error.png')

    await page.getByRole('combobox').fill('lev')
    await page.getByRole('option', { name: /^level/ }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.type('= ')
    await page.getByRole('option', { name: /^ERROR/ }).click()
    await page.keyboard.press('Enter')
    await page.locator('.chip').getByText("'ERROR'").waitFor()
    await page.waitForFunction(() => document.querySelectorAll('.grid .row:not(.error)').length === 0)
    assert.equal(new URL(page.url()).searchParams.get('filter'), "level = 'ERROR'")

    const { page: other } = await browser.visit(new URL(page.url()).pathname + new URL(page.url()).search)
    await rows(other).filter({ hasText: 'timed out' }).waitFor()
    assert.equal(await rows(other).filter({ hasText: 'authorized' }).count(), 0)
    await page.goBack()
    await rows(page).filter({ hasText: 'authorized' }).waitFor()
    await page.context().close()
    await other.context().close()
  })

  it('opens a row with all its fields, by keyboard alone; a field becomes a filter', async () => {
    await sendLogs(browser.server, 'shipping', [
      {
        body: 'label printed',
        attributes: { carrier: 'dhl', 'exception.stacktrace': 'Error: x\n    at print (src/label.ts:7:1)' },
      },
    ])
    const visit = await browser.visit('/events?range=-1h')
    const { page, errors } = visit
    await rows(page).filter({ hasText: 'label printed' }).waitFor()
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    const drawer = page.getByRole('complementary', { name: 'Row' })
    await drawer.getByText('label printed').waitFor()
    await page.locator('.dock').getByText('a row is open').waitFor()
    await sendLogs(browser.server, 'shipping', [{ body: 'parcel left' }])
    await page.locator('.dock').getByText('1 new row').waitFor()
    await drawer.getByText('src/label.ts:7:1').waitFor()
    await drawer.getByText('telemetry.raw.v1, partition 0').waitFor()
    assert.deepEqual(await violations(visit), [])
    await page.keyboard.press('3')
    await drawer.getByText('"resource___service___name": "shipping"').waitFor()
    await page.keyboard.press('1')
    const field = drawer.locator('.field-row').filter({ hasText: 'carrier' })
    await field.hover()
    await field.getByRole('button', { name: 'only this' }).click()
    await page.locator('.chip').getByText("'dhl'").waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 1)
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('open the row').waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('shows a trace: spans and logs together, folding, finding', async () => {
    await sendSpans(browser.server, 'frontend', TRACE, [
      { name: 'POST /api/checkout', spanId: '00000000000000a1', fromMs: 0, durationMs: 1840, failed: true },
      {
        name: 'validate session',
        spanId: '00000000000000a2',
        parentSpanId: '00000000000000a1',
        fromMs: 2,
        durationMs: 4,
      },
      {
        name: 'PlaceOrder',
        spanId: '00000000000000a3',
        parentSpanId: '00000000000000a1',
        fromMs: 8,
        durationMs: 1800,
        failed: true,
      },
    ])
    await sendSpans(browser.server, 'payments', TRACE, [
      {
        name: 'POST /authorize',
        spanId: '00000000000000b1',
        parentSpanId: '00000000000000a3',
        fromMs: 60,
        durationMs: 1700,
        failed: true,
      },
    ])
    await sendLogs(
      browser.server,
      'payments',
      [{ body: 'stripe timed out, retry 1 of 2', severity: 13, traceId: TRACE, spanId: '00000000000000b1' }],
      Date.now() + 500,
    )
    const visit = await browser.visit(`/trace/${TRACE}`)
    const { page, errors } = visit
    const spans = page.getByRole('treegrid').locator('.wf')
    await spans.filter({ hasText: 'POST /authorize' }).waitFor()
    assert.equal(await spans.count(), 4)
    assert.equal(await page.locator('.ev.warn').count(), 1)
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.getByRole('complementary', { name: 'Row' }).getByText('PlaceOrder').waitFor()
    await shoot(page, 'trace_dark.png')
    assert.deepEqual(await violations(visit), [])
    await page.keyboard.press('h')
    await page.waitForFunction(() => document.querySelectorAll('.wf').length === 3)
    await page.keyboard.press('l')
    await page.getByLabel('Find spans').fill('authorize')
    await page.waitForFunction(() => document.querySelectorAll('.wf').length === 3)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('holds a trace of 10,000 spans with only those in sight in the document', async (context) => {
    const big = 'b'.repeat(32)
    const id = (at: number) => at.toString(16).padStart(16, '0')
    const spans = Array.from({ length: 10_000 }, (_, at) => ({
      name: `step ${at}`,
      spanId: id(at + 1),
      ...(at === 0 ? {} : { parentSpanId: id(Math.floor((at - 1) / 8) + 1) }),
      fromMs: at / 10,
      durationMs: at === 0 ? 1_100 : 20,
    }))
    await sendSpans(browser.server, 'batch', big, spans)
    const { page, errors } = await browser.visit(`/trace/${big}`)
    await page.getByText('10,000', { exact: true }).waitFor()
    await page.locator('.wf').first().waitFor()
    assert.ok((await page.locator('.wf').count()) <= 80)
    const mainThread = await watchMainThread(page)
    await page.evaluate(async () => {
      const scroller = document.querySelector('.wfrows')!
      for (let frame = 0; frame < 60; frame++) {
        scroller.scrollTop += 4_000
        await new Promise(requestAnimationFrame)
      }
    })
    const { frames } = await mainThread()
    context.diagnostic(`CPU of the longest frame while scrolling: ${Math.round(frames.at(-1)!)} ms of ${frames.length}`)
    assert.ok(frames.length >= 30 && frames.at(-1)! < SCROLL_FRAME_CPU_MS, `a frame of ${frames.at(-1)} ms`)
    // Depth first, the last child of the last child …
    await page.getByText('step 4680', { exact: true }).waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('answers SQL as table and chart, and says where a statement is wrong', async () => {
    for (const secondsAgo of [5, 3, 1])
      await sendLogs(browser.server, 'cart', [{ body: 'tick' }], Date.now() - secondsAgo * 1000)
    const visit = await browser.visit('/sql')
    const { page, errors } = visit
    await page.getByText('How do the services do?').waitFor()
    assert.deepEqual(await violations(visit), [])
    await page.locator('.cm-content').click()
    await page.keyboard.insertText(
      "SELECT time_bucket('1 second', timestamp) AS second, count(*) AS events FROM otel_logs_and_spans WHERE timestamp > now() - INTERVAL '1 hour' GROUP BY 1 ORDER BY 1",
    )
    await page.keyboard.press('Control+Enter')
    await page.locator('.chart canvas').waitFor()
    await page.getByRole('button', { name: 'events' }).click()
    assert.equal(await page.getByRole('columnheader', { name: /events/ }).getAttribute('aria-sort'), 'descending')
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'sql_dark.png')
    await page.locator('.cm-content').click()
    await page.keyboard.press('Control+A')
    await page.keyboard.press('Delete')
    await page.keyboard.insertText('SELECT 1 +')
    await page.keyboard.press('Control+Enter')
    await page.locator('.sql-line .err').waitFor()
    assert.ok((await page.locator('.results tbody tr').count()) > 0, 'the last good result stays')
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('draws the pipeline with live numbers, and the same as a table', async () => {
    const visit = await browser.visit('/pipeline')
    const { page, errors } = visit
    const node = page.getByRole('button', { name: /^normalize/ })
    await node.waitFor()
    await page.getByRole('button', { name: /^lake/ }).click()
    await page.getByRole('region', { name: 'sink lake' }).waitFor()
    assert.match(page.url(), /part=lake/)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'pipeline_dark.png')
    await page.getByRole('button', { name: 'Table' }).click()
    const line = page.getByRole('row', { name: /fingerprint_errors/ })
    assert.match(await line.innerText(), /keeps up/)
    assert.deepEqual(await violations(visit), [])
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('is as accessible in light as in dark', async () => {
    for (const path of ['/events', '/pipeline', '/sql', `/trace/${TRACE}`]) {
      const visit = await browser.visit(path, { theme: 'light' })
      const { page } = visit
      await page.locator('.grid .row, .node, .cm-content, .wf').first().waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light')
      assert.deepEqual(await violations(visit), [], path)
      await page.screenshot({ path: join(SCREENSHOTS, `${path.split('/')[1]}_light.png`) })
      await page.context().close()
    }
  })
})
