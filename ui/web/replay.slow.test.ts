/** Replay in a real Chromium: start, watch, compare, flip, discard. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTestBrowser, sendLogs, skip, type TestBrowser } from './testing/browser.ts'
import { shoot, violations } from './testing/page.ts'

/** A replay gives way to whatever else runs on the machine. */
const SLOW_MS = 120_000

describe('replay', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
    const logs = Array.from({ length: 40 }, (_, at) => ({ body: `order ${at}` }))
    await sendLogs(browser.server, 'checkout', logs)
  })
  after(() => browser?.close())

  it('fills a generation beside the live one, compares it, and makes it live', async () => {
    const visit = await browser.visit('/events')
    const { page, errors } = visit
    page.setDefaultTimeout(SLOW_MS)
    await page.getByText('order 39').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('y')
    await page.getByRole('heading', { name: 'New replay' }).waitFor()
    await page.getByRole('cell', { name: 'live', exact: true }).waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'replay_start.png')
    await page.getByRole('radio', { name: /a time/ }).check()
    const start = page.getByRole('button', { name: 'Start the replay' })
    assert.ok(await start.isDisabled(), 'no time yet')
    await page.getByRole('radio', { name: /the beginning/ }).check()
    await start.click()

    await page.getByRole('heading', { name: 'Generation 2' }).waitFor()
    await page.getByText('caught up, keeps up').waitFor()
    await page.getByRole('button', { name: 'Compare with what is live' }).click()
    await page.locator('.badge.ok', { hasText: 'The same' }).waitFor()
    assert.equal(await page.getByRole('progressbar').count(), 1)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'replay_compared.png')
    await page.getByRole('button', { name: 'Make it live' }).click()
    await page
      .locator('tbody tr')
      .filter({ hasText: /^2\s*live/ })
      .waitFor()
    await page
      .locator('tbody tr')
      .filter({ hasText: /^1\s*was live/ })
      .waitFor()
    await page.getByRole('heading', { name: 'New replay' }).waitFor()

    await page.getByRole('button', { name: 'Discard generation 1' }).click()
    assert.deepEqual(await violations(visit), [])
    await page.getByRole('button', { name: 'Discard', exact: true }).click()
    await page
      .locator('tbody tr')
      .filter({ hasText: /^1\s*being taken away/ })
      .waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('says what would be missing, and begins only where that is accepted', async () => {
    const visit = await browser.visit('/replay', { theme: 'light' })
    const { page } = visit
    page.setDefaultTimeout(SLOW_MS)
    await page.route('**/v1/replays/missing', (route) =>
      route.fulfill({ json: { missing: ['what became of the 12 records before offset 12 of telemetry.raw.v1/0'] } }),
    )
    await page.getByRole('radio', { name: /an offset/ }).check()
    await page.getByRole('textbox', { name: 'Offset' }).fill('12')
    await page.getByText('12 records before offset 12').waitFor()
    const start = page.getByRole('button', { name: 'Start the replay' })
    assert.ok(await start.isDisabled())
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'replay_missing_light.png')
    await page.getByRole('checkbox', { name: 'That may be missing' }).check()
    assert.ok(await start.isEnabled())
    await page.context().close()
  })

  it('shows what differs, row by row, and what failed', async () => {
    const visit = await browser.visit('/replay')
    const { page } = visit
    const answer = (await (await browser.server.get('/v1/replays')).json()) as { items: object[] }
    const day = { project_id: 'p', table: 'otel_logs_and_spans', day: '2026-11-26' }
    const comparison = {
      compared_at: '2026-11-26T05:00:00Z',
      days: [{ ...day, live_rows: 40, rows: 39, is_equal: false }],
      differences: [
        {
          ...day,
          id: '01a2166a-0ca8-8820-8000-000000020002',
          kind: 'changed',
          columns: [{ name: 'body', live: '"ann@example.com"', next: '"[e-mail]"' }],
        },
        { ...day, id: '01a2166a-0ca8-8820-8000-000000020003', kind: 'missing', columns: [] },
      ],
    }
    const progress = {
      records: 1_500,
      records_total: 6_000,
      events: 3_000_000,
      dead_letters: 2,
      events_per_second: 61_234,
      seconds_left: 147,
      doing: 'replaying',
    }
    const running = { ...answer.items[0], generation: 9, state: 'running', progress, comparison }
    const failed = { ...answer.items[0], generation: 8, state: 'failed', reason: 'stage redact failed', live_at: null }
    await page.route('**/v1/replays', (route) => route.fulfill({ json: { items: [running, failed, ...answer.items] } }))
    await page.getByText('1,500 of 6,000').waitFor()
    await page.getByText('2 min').waitFor()
    await page.getByText('1 of 1 days and tables differ.').waitFor()
    await page.getByRole('cell', { name: '"[e-mail]"' }).waitFor()
    await page.getByText('stage redact failed').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Make it live' }).isDisabled())
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'replay_differs.png')
    await page.context().close()
  })
})
