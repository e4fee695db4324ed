/** Ledger and services in a real Chromium: does it add up, who sends, and where the numbers lead. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TEST_KEY } from '../../end_to_end/server.ts'
import { createTestBrowser, send, sendLogs, sendSpans, skip, type TestBrowser } from './testing/browser.ts'
import { rows, shoot, violations } from './testing/page.ts'
import { api } from './testing/people.ts'

const TRACE = '7c0e4b1f8a9c44e1b7d05f3326aed92a'

/** A service as its SDK tells of it; with the time in it no two exports are the same. */
const resourceOf = (attributes: Readonly<Record<string, string>>) => ({
  attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
})
const SHOP = {
  'service.name': 'checkout',
  'service.namespace': 'shop',
  'service.version': '3.18.0',
  'telemetry.sdk.name': 'opentelemetry',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.version': '2.1.0',
}

describe('ledger and services', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  it('teach while nothing has been sent', async () => {
    const visit = await browser.visit('/ledger')
    const { page } = visit
    await page.getByText('Nothing lost').waitFor()
    await page.getByText('Nothing was sent in this time.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await page.keyboard.press('g')
    await page.keyboard.press('v')
    await page.getByText('No service has sent anything yet.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'services_none.png')
    await page.context().close()
  })

  it('the ledger adds up, by reason, and the hours lead to their rows', async () => {
    const at = Date.now()
    const record = (body: string, severityNumber: number) => ({
      ...{ timeUnixNano: `${at}000000`, severityNumber, body: { stringValue: body } },
    })
    const once = {
      resourceLogs: [
        {
          resource: resourceOf(SHOP),
          scopeLogs: [{ logRecords: [record('paid', 9), record('card declined', 17), record('paid again', 9)] }],
        },
      ],
    }
    await send(browser.server, 'logs', once)
    // After a lost answer an exporter sends the same again.
    await send(browser.server, 'logs', once)
    await sendLogs(browser.server, 'cart', [{ body: 'one more' }])
    await sendSpans(browser.server, 'cart', TRACE, [
      { name: 'GET /cart', spanId: '1111111111111111', fromMs: 0, durationMs: 20 },
      { name: 'redis', spanId: '2222222222222222', parentSpanId: '1111111111111111', fromMs: 2, durationMs: 9 },
    ])

    const visit = await browser.visit('/events')
    const { page, errors } = visit
    await page.getByRole('link', { name: /Received 9 = stored 6 \+ in flight 0 \+ dropped 3/ }).click()
    await page.getByRole('heading', { name: 'Ledger' }).waitFor()
    const terms = page.locator('.term b')
    await page.locator('.sum .badge.ok').filter({ hasText: 'Nothing lost' }).waitFor()
    const [received, ...parts] = (await terms.allInnerTexts()).map(Number)
    assert.deepEqual([received, ...parts], [9, 6, 0, 3, 0])
    await page.getByRole('cell', { name: 'duplicate_export' }).waitFor()
    await page.getByRole('img', { name: /^Bars by hour/ }).waitFor()
    const hour = page.locator('.usage-table tbody tr')
    assert.match(await hour.first().innerText(), /4\s+2\s+0\s+6$/)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'ledger_dark.png')
    await page.keyboard.press('b')
    await hour.first().filter({ hasText: 'B' }).waitFor()
    await page.keyboard.press('2')
    assert.match(page.url(), /by=bytes&range=-7d|range=-7d&by=bytes/)
    await page.keyboard.press('b')
    await hour.first().getByRole('link').nth(1).click()
    await rows(page).filter({ hasText: 'GET /cart' }).waitFor()
    assert.equal(await rows(page).count(), 2)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('is green only when it adds up', async () => {
    const { page } = await browser.visit('/ledger')
    await page.getByText('Nothing lost').waitFor()
    const answer = await (await browser.server.get('/v1/ledger')).json()
    let told = { ...answer, stored: answer.stored - 2, unaccounted: 2 }
    await page.route('**/v1/ledger', (route) => route.fulfill({ json: told }))
    await page.getByText('It does not add up').waitFor()
    assert.equal(await page.locator('.badge.ok').count(), 0)
    assert.match((await page.locator('.status a.warn').textContent()) ?? '', /lost 2/)
    await shoot(page, 'ledger_lost.png')
    told = { ...answer, complete: false }
    await page.getByText('More is on its way than was counted').waitFor()
    assert.equal(await page.locator('.badge.ok').count(), 0)
    await page.unroute('**/v1/ledger')
    await page.route('**/v1/ledger', (route) =>
      route.fulfill({ status: 503, json: { detail: 'try again in a moment' } }),
    )
    await page.getByRole('alert').filter({ hasText: 'try again in a moment' }).waitFor()
    await page.locator('.term b').first().filter({ hasText: '9' }).waitFor()
    await page.context().close()
  })

  it('services say what they run, and each number opens its rows', async () => {
    const visit = await browser.visit('/services')
    const { page, errors } = visit
    const line = page.locator('.services tbody tr').filter({ hasText: 'checkout' })
    await line.waitFor()
    assert.match(await line.innerText(), /checkout\s+shop\s+3\.18\.0\s+nodejs 2\.1\.0/)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'services_dark.png')
    // Events/s, errors/s, logs, errors
    assert.deepEqual((await line.locator('td.num a').allInnerTexts()).slice(2), ['3', '1'])
    for (const [number, expected] of [
      [0, 3],
      [1, 1],
      [2, 3],
      [3, 1],
    ]) {
      await line.locator('td.num a').nth(number).click()
      await rows(page).filter({ hasText: 'card declined' }).waitFor()
      assert.equal(await rows(page).count(), expected)
      await page.goBack()
      await line.waitFor()
    }
    await page.keyboard.press('/')
    await page.keyboard.type('cart')
    await page.keyboard.press('Enter')
    await page.getByText('1 of 2 services seen').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await rows(page).filter({ hasText: 'one more' }).waitFor()
    assert.equal(await rows(page).count(), 3)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('a number of metrics opens them in SQL', async () => {
    const gauge = { dataPoints: [{ timeUnixNano: `${Date.now()}000000`, asInt: '42' }] }
    const scopeMetrics = [{ metrics: [{ name: 'queue.depth', gauge }] }]
    await send(browser.server, 'metrics', { resourceMetrics: [{ resource: resourceOf(SHOP), scopeMetrics }] })
    const { page } = await browser.visit('/services?like=checkout')
    await page.locator('.services td.num a[href^="/sql"]').click()
    await page.getByRole('cell', { name: 'queue.depth' }).waitFor()
    await page.getByRole('cell', { name: '42', exact: true }).waitFor()
    await page.context().close()
  })

  it('owner and description are written in place by keys, and read by viewers only', async () => {
    const visit = await browser.visit('/services?order=name')
    const { page } = visit
    await page.locator('.services tbody tr').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('e')
    await page.keyboard.type('Ann Droid')
    await page.keyboard.press('Tab')
    await page.keyboard.type('what is in the basket')
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'services_edit.png')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Owner of cart: Ann Droid' }).waitFor()
    // A refusal stands where it was typed, and takes nothing away.
    await page.route('**/v1/services/notes', (route) =>
      route.fulfill({ status: 409, json: { detail: 'too many notes' } }),
    )
    await page.keyboard.press('e')
    await page.keyboard.type(' II')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'too many notes' }).waitFor()
    assert.equal(await page.getByLabel('Owner of cart').inputValue(), 'Ann Droid II')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Owner of cart: Ann Droid' }).waitFor()
    await page.context().close()

    const { key } = await api<{ key: string }>(browser.server, 'POST', '/v1/keys', { scopes: ['read'] })
    const reader = await browser.visit('/services', { signedIn: false })
    await reader.page.getByLabel('API key').fill(key)
    await reader.page.keyboard.press('Enter')
    await reader.page.getByRole('cell', { name: 'Ann Droid' }).waitFor()
    assert.equal(await reader.page.locator('.services tbody button').count(), 0)
    const status = await reader.page.evaluate(async () => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ name: 'cart', owner: 'me', description: null })
      return (await fetch('/v1/services/notes', { method: 'PUT', headers, body })).status
    })
    assert.equal(status, 403)
    assert.notEqual(key, TEST_KEY)
    await reader.page.context().close()
  })

  it('are clean in light, too', async () => {
    for (const [path, name] of [
      ['/ledger', 'ledger_light.png'],
      ['/services', 'services_light.png'],
    ]) {
      const visit = await browser.visit(path, { theme: 'light' })
      await visit.page.getByText(path === '/ledger' ? 'Nothing lost' : /services? seen/).waitFor()
      await visit.page.waitForLoadState('networkidle')
      assert.deepEqual(await violations(visit), [])
      await shoot(visit.page, name)
      await visit.page.context().close()
    }
  })
})
