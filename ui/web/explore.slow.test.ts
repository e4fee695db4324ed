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

  it('counts values beside the list; one click or key chooses or leaves out', async () => {
    await sendLogs(browser.server, 'facets-a', [
      { body: 'one', attributes: { region: 'eu' } },
      { body: 'two', severity: 17, attributes: { region: 'us' } },
    ])
    await sendLogs(browser.server, 'facets-b', [{ body: 'three', severity: 17 }])
    const region = encodeURIComponent("attributes->>'region'")
    const visit = await browser.visit(`/events?filter=name IS NULL&column=message&column=${region}`)
    const { page, errors } = visit
    const facet = (name: string) => page.getByRole('region', { name, exact: true })
    const value = (name: string, text: string) => facet(name).locator('.facet-only').filter({ hasText: text })
    await value('region', 'eu').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'facets_dark.png')

    await value('Service', 'facets-a').click()
    await page.waitForFunction(() => document.querySelectorAll('.grid .row').length === 2)
    assert.equal(await value('Service', 'facets-a').getAttribute('aria-pressed'), 'true')
    // What one could choose instead stays; the other facets count the choice.
    await value('Level', 'ERROR').filter({ hasText: '1' }).waitFor()
    assert.equal(await value('Service', 'facets-b').innerText(), 'facets-b\n1')

    await value('Service', 'facets-b').click()
    await rows(page).filter({ hasText: 'three' }).waitFor()
    assert.equal(await rows(page).count(), 1, 'another value takes the place of the first')
    await value('Service', 'facets-b').click()
    await rows(page).filter({ hasText: 'two' }).waitFor()

    await facet('Level').locator('.facet-only').first().focus()
    await page.keyboard.press('ArrowDown')
    await value('Level', 'ERROR').focus()
    await page.keyboard.press('x')
    await page.waitForFunction(() => document.querySelectorAll('.grid .row.error').length === 0)
    assert.match(new URL(page.url()).searchParams.get('filter')!, /\(level <> 'ERROR' OR level IS NULL\)/)
    await page.keyboard.press('Shift+F')
    await page.getByRole('complementary', { name: 'Facets' }).waitFor({ state: 'detached' })
    assert.match(page.url(), /facets=off/)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('says why there are no counts, and the list goes on', async () => {
    const { page } = await browser.visit('/events?facets=off')
    await rows(page).first().waitFor()
    await page.route('**/v1/query', (route) =>
      route.request().postData()?.includes('GROUPING SETS')
        ? route.fulfill({ status: 504, json: { detail: 'It took too long.' } })
        : route.continue(),
    )
    await page.keyboard.press('Shift+F')
    await page.getByText('The counts could not be read: It took too long.').waitFor()
    assert.ok((await rows(page).count()) > 0)
    await page.unroute('**/v1/query')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('region', { name: 'Service' }).waitFor()
    await page.context().close()
  })

  it('selects time by pointer and by key, counts it, zooms in and out, and walks window by window', async () => {
    await sendLogs(browser.server, 'timed', [{ body: 'bad', severity: 17 }, { body: 'good' }], Date.now() - 60_000)
    const visit = await browser.visit("/events?range=-5m&filter=resource___service___name = 'timed'")
    const { page, errors } = visit
    await rows(page).filter({ hasText: 'good' }).waitFor()
    const box = (await page.locator('.hist').boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width - 4, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await page.getByText(/selected: 2 rows, 1 errors/).waitFor()
    await page.locator('.dock').getByText('a stretch of time is selected').waitFor()
    assert.deepEqual(await violations(visit), [])
    const range = () => new URL(page.url()).searchParams.get('range')!
    const length = () =>
      range()
        .split('/')
        .map((part) => Date.parse(part))
        .reduce((from, to) => to - from)
    await page.keyboard.press('z')
    await page.waitForURL(/range=20/)
    const zoomed = range()
    assert.ok(length() > 100_000 && length() < 170_000, zoomed)
    await rows(page).filter({ hasText: 'good' }).waitFor()
    await page.keyboard.press('Shift+ArrowLeft')
    assert.equal(range().split('/')[1], zoomed.split('/')[0])
    await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Shift+Z')
    assert.equal(range(), '-5m')

    await page.locator('.hist').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Shift+ArrowLeft')
    await page.getByText(/selected: 0 rows/).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('.brush').waitFor({ state: 'detached' })
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('copies the selected row as link, SQL, curl and JSON; a paused list is seen by others where it stood', async () => {
    await sendLogs(browser.server, 'copied', [{ body: 'copy me' }])
    const { page } = await browser.visit("/events?filter=resource___service___name = 'copied'")
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await rows(page).filter({ hasText: 'copy me' }).waitFor()
    const copied = async (keys: string, said: string) => {
      for (const key of keys) await page.keyboard.press(key)
      await page.getByText(`${said} is in the clipboard.`).waitFor()
      return page.evaluate(() => navigator.clipboard.readText())
    }
    await page.keyboard.press('k')
    const sql = await copied('cs', 'The SQL')
    assert.equal((await browser.server.query(sql)).length, 1)
    const curl = await copied('cu', 'The curl line')
    assert.match(curl, /^curl -s http.*\$MILLRACE_API_KEY/)
    assert.equal(JSON.parse(await copied('cj', 'The row')).resource___service___name, 'copied')
    const link = await copied('cl', 'The link')
    await sendLogs(browser.server, 'copied', [{ body: 'too late' }])
    await page.getByText('1 new row').waitFor()
    await page.goto(link)
    await rows(page).filter({ hasText: 'copy me' }).waitFor()
    assert.equal(await rows(page).count(), 1)
    await page.context().close()
  })

  it('switches a chip off and on again; says what would match, and when something last did', async () => {
    await sendLogs(browser.server, 'seldom', [{ body: 'long ago' }], Date.now() - 2 * 3_600_000)
    await sendLogs(browser.server, 'often', [{ body: 'now' }])
    const both = "resource___service___name = 'seldom' AND kind = 'log'"
    const { page } = await browser.visit(`/events?filter=${encodeURIComponent(both)}`)
    await page.getByText(/^0 of [\d,]+ rows match\.$/).waitFor()
    await page.getByText("Without resource___service___name = 'seldom'").waitFor()
    const last = page.getByText('It last matched at').getByRole('button')
    await last.waitFor()
    await page.locator('.chip-text').first().focus()
    await page.keyboard.press('Alt+Enter')
    await rows(page).first().waitFor()
    assert.deepEqual(new URL(page.url()).searchParams.getAll('off'), ["resource___service___name = 'seldom'"])
    await page.locator('.chip.off .chip-text').click()
    await last.click()
    await rows(page).filter({ hasText: 'long ago' }).waitFor()
    await page.context().close()
  })

  it('says since when it is not connected, and fetches what arrived meanwhile', async () => {
    const { page } = await browser.visit('/sql')
    let isOpen = true
    const sockets: { close(): Promise<void> }[] = []
    await page.routeWebSocket('**/v1/tail*', (socket) => {
      if (!isOpen) return void socket.close({ code: 1012 })
      socket.connectToServer()
      sockets.push(socket)
    })
    await page.goto(`${browser.server.httpUrl}/events`)
    await rows(page).first().waitFor()
    isOpen = false
    await sockets.at(-1)!.close()
    await page.getByText(/Disconnected at \d\d:\d\d:\d\d, next try\s+in \d+ s/).waitFor()
    await sendLogs(browser.server, 'meanwhile', [{ body: 'while you were away' }])
    isOpen = true
    await rows(page).filter({ hasText: 'while you were away' }).waitFor()
    await page.locator('.dock.lost').waitFor({ state: 'detached' })
    await page.context().close()
  })
})
