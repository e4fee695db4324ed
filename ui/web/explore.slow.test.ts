/** Events as an instrument: columns, wrapping, brush and facets, in a real Chromium on a real server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { createTestBrowser, sendLogs, skip, type TestBrowser } from './testing/browser.ts'
import { rows, shoot, violations } from './testing/page.ts'

const ROUTE = "attributes->>'http.route'"
const head = (page: Page) => page.locator('.head [role=columnheader]').allInnerTexts()
const columns = (page: Page) => new URL(page.url()).searchParams.getAll('column')

describe('exploring events', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
    await sendLogs(browser.server, 'cart', [
      { body: 'stored', attributes: { 'http.route': '/stored', 'user.id': 'u-1' } },
      { body: 'warned', severity: 13, attributes: { 'http.route': '/warned', 'user.id': 'u-2' } },
    ])
  })
  after(() => browser?.close())

  it('takes any field as a column: history and tail both fill it, and the URL holds it', async () => {
    const visit = await browser.visit('/events?show=logs')
    const { page, errors } = visit
    await rows(page).filter({ hasText: 'stored' }).waitFor()
    await page.keyboard.press('.')
    await page.getByRole('option', { name: /^http.route/ }).waitFor()
    await page.keyboard.type('no such thing')
    await page.keyboard.press('Enter')
    await page.getByText('There is no column no such thing.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await page.getByLabel('Add a column').fill('route')
    await page.keyboard.press('Enter')
    const cell = (text: string) => page.locator('.row [role=gridcell]').getByText(text, { exact: true })
    await cell('/stored').waitFor()
    await shoot(page, 'columns_dark.png')
    await page.keyboard.press('Escape')
    assert.ok(columns(page).includes(ROUTE))

    await sendLogs(browser.server, 'cart', [{ body: 'arrived', attributes: { 'http.route': '/arrived' } }])
    await cell('/arrived').waitFor()
    assert.equal(await rows(page).filter({ hasText: 'stored' }).count(), 1, 'no row came twice')
    assert.equal(await page.getByText('http.route=').count(), 0, 'not said twice')
    await page.reload()
    await cell('/arrived').waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('moves columns by dragging and by keyboard, takes them away, and Back brings them again', async () => {
    const { page } = await browser.visit(`/events?column=timestamp&column=level&column=message`)
    await rows(page).first().waitFor()
    assert.deepEqual(await head(page), ['Time, UTC', 'Level', 'Name or message'])
    await page.getByRole('button', { name: 'Level' }).dragTo(page.getByRole('button', { name: 'Time, UTC' }))
    assert.deepEqual(columns(page), ['level', 'timestamp', 'message'])
    await page.getByRole('button', { name: 'Level' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    assert.deepEqual(columns(page), ['timestamp', 'message', 'level'])
    await page.getByText('Level is column 3 of 3').waitFor()
    await page.keyboard.press('Delete')
    assert.deepEqual(await head(page), ['Time, UTC', 'Name or message'])
    await page.goBack()
    assert.deepEqual(await head(page), ['Time, UTC', 'Name or message', 'Level'])
    await page.context().close()
  })

  it('filters by the cell under the cursor', async () => {
    const { page } = await browser.visit(`/events?column=message&column=${encodeURIComponent(ROUTE)}`)
    await rows(page).filter({ hasText: 'warned' }).click()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    assert.equal(await page.locator('.cursor').innerText(), '/warned')
    await page.keyboard.press('f')
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 1)
    assert.equal(new URL(page.url()).searchParams.get('filter'), `${ROUTE} = '/warned'`)
    await page.context().close()
  })

  it('wraps long lines, every row as high as what it holds', async () => {
    const long = `${'a long sentence '.repeat(30)}end`
    await sendLogs(browser.server, 'wordy', [{ body: 'short' }, { body: long }, { body: 'short again' }])
    const visit = await browser.visit("/events?filter=resource___service___name='wordy'")
    const { page } = visit
    await rows(page).filter({ hasText: 'short again' }).waitFor()
    await page.locator('.grid').focus()
    await page.keyboard.press('w')
    await page.locator('.grid.wraps').waitFor()
    const measured = await rows(page).evaluateAll((found) =>
      found.map((row) => {
        const message = row.querySelector('.m')!
        const { top, bottom } = row.getBoundingClientRect()
        return { top, bottom, overflows: message.scrollHeight > message.clientHeight + 1 }
      }),
    )
    const [first, second, third] = measured
    assert.equal(measured.length, 3)
    assert.ok(second.bottom - second.top > 60 && first.bottom - first.top === 24)
    assert.ok(second.top === first.bottom && third.top === second.bottom)
    assert.ok(measured.every(({ overflows }) => !overflows))
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'wrapped_dark.png')
    await page.context().close()
  })
})
