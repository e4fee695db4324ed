/** Dead letters in a real Chromium: why, one by one, requeued, discarded. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '#pipeline/testing/until.ts'
import { startServer } from '../../end_to_end/server.ts'
import { configFolder } from '../../end_to_end/testing/config_folder.ts'
import { createTestBrowser, sendLogs, skip, type TestBrowser } from './testing/browser.ts'
import { shoot, violations } from './testing/page.ts'
import { api } from './testing/people.ts'

/** Puts aside what has no total, and what has a negative one, for as long as there is a file `broken`. */
const CONFIG = `
import { existsSync } from 'node:fs'
import { deadLetter, defineTransform, keep, mapEvents, type Topology } from 'millrace'
const check = defineTransform({
  name: 'check_orders',
  build: () => mapEvents((event) => {
    const total = event.get('attributes.order.total')
    if (total === null || !existsSync('broken')) return keep()
    return Number(total) < 0 ? deadLetter('bad_total', \`order.total is \${total}, of order \${event.get('attributes.order.id')}\`)
      : Number(total) > 1000 ? deadLetter('too_large', 'an order of this shop is 1,000 at most') : keep()
  }),
})
export default (telemetry: Topology) => telemetry.insert(check, { after: 'flatten_attributes' })`

describe('dead letters', { skip }, () => {
  let browser: TestBrowser
  let folder: string
  before(async () => {
    folder = configFolder(CONFIG)
    writeFileSync(join(folder, 'broken'), '')
    browser = await createTestBrowser(await startServer({ cwd: folder }))
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const order = (id: string, total: string) => ({
    body: `order ${id} placed`,
    attributes: { 'order.id': id, 'order.total': total, 'customer.tier': 'business' },
  })

  it('teach while there are none', async () => {
    const visit = await browser.visit('/events')
    const { page, errors } = visit
    await page.getByRole('link', { name: 'Dead letters' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('q')
    await page.getByText('Every event could be treated.').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_none.png')
    await page.keyboard.press('3')
    await page.getByText('Nothing was discarded that is still kept.').waitFor()
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('stand by cause; one opens to its events, their lineage and the export they came in', async () => {
    await sendLogs(browser.server, 'checkout', [order('18', '-12.5'), order('19', '40'), order('20', '-3')])
    await sendLogs(browser.server, 'cart', [order('21', '-1'), order('22', '99999')])
    const visit = await browser.visit('/pipeline?view=table')
    const { page, errors } = visit
    await page.goto(`${browser.server.httpUrl}/dead-letters`)
    const lines = page.locator('.dead-list tbody tr')
    await lines.nth(1).waitFor()
    assert.equal(await page.locator('.bar .q').first().innerText(), '4 events, 2 causes')
    const line = lines.filter({ hasText: 'order.total is -#, of order #' })
    assert.match(await line.innerText(), /^3\s+order\.total.*\s+bad_total\s+check_orders\s+cart, checkout/)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_dark.png')

    await page.keyboard.press('j')
    const drawer = page.getByRole('complementary', { name: 'Cause' })
    await drawer.waitFor()
    if (!(await drawer.getByRole('heading', { level: 2 }).innerText()).startsWith('order.total'))
      await page.keyboard.press('j')
    await drawer
      .getByText(/order\.total is -[\d.]+, of order \d+/)
      .first()
      .waitFor()
    assert.equal(await drawer.locator('.dead-letters > li').count(), 3)
    await drawer.getByText('order.id', { exact: true }).waitFor()
    await drawer.getByText(/telemetry\.raw\.v1, partition 0, offset \d+, position \d/).waitFor()
    await drawer.getByRole('button', { name: 'Show the export it came in' }).click()
    await drawer.getByLabel('The export').waitFor()
    assert.match(await drawer.getByLabel('The export').innerText(), /customer\.tier/)
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_cause.png')
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('are reached from the ledger and the pipeline, for one code or stage', async () => {
    const { page } = await browser.visit('/ledger')
    const { dead_lettered_by_code: codes } = await api<{ dead_lettered_by_code: object }>(
      browser.server,
      'GET',
      '/v1/ledger',
    )
    assert.deepEqual(codes, { bad_total: 3, too_large: 1 })
    await page
      .getByRole('row', { name: /too_large/ })
      .getByRole('link', { name: '1' })
      .click()
    await page.getByText('1 event, 1 cause').waitFor()
    await page.getByRole('button', { name: 'Without code = too_large' }).click()
    await page.getByText('4 events, 2 causes').waitFor()
    await page.goto(`${browser.server.httpUrl}/pipeline?part=check_orders`)
    await page.getByRole('link', { name: /^Dead letters 4/ }).click()
    await page.getByRole('button', { name: 'Without stage = check_orders' }).waitFor()
    await page.context().close()
  })

  it('are requeued and discarded after one more question, by admins only', async () => {
    const { key } = await api<{ key: string }>(browser.server, 'POST', '/v1/keys', { scopes: ['read'] })
    const reader = await browser.visit('/dead-letters', { signedIn: false })
    await reader.page.getByLabel('API key').fill(key)
    await reader.page.keyboard.press('Enter')
    await reader.page.locator('.dead-list tbody tr').first().click()
    await reader.page.getByText('Admins of the project may requeue or discard them.').waitFor()
    assert.equal(await reader.page.getByRole('button', { name: /^Requeue/ }).count(), 0)
    await reader.page.context().close()

    const visit = await browser.visit('/dead-letters')
    const { page, errors } = visit
    await page.locator('.dead-list tbody tr').filter({ hasText: 'order.total' }).click()
    rmSync(join(folder, 'broken'))
    await page.getByRole('button', { name: /^Requeue 3 events/ }).click()
    await page.getByText('Treat 3 events again?').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_requeue.png')
    await page.getByRole('button', { name: 'Keep' }).click()
    await page.getByRole('button', { name: /^Requeue 3 events/ }).click()
    // A refusal stands in its place, and takes nothing away.
    await page.route('**/v1/dead_letters/requeue', (route) =>
      route.fulfill({ status: 503, json: { detail: 'try again in a moment' } }),
    )
    await page.getByRole('button', { name: 'Requeue', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'try again in a moment' }).waitFor()
    await page.unroute('**/v1/dead_letters/requeue')
    await page.getByRole('button', { name: 'Requeue', exact: true }).click()
    await page.getByRole('status').filter({ hasText: '3 events on the way again, from check_orders on.' }).waitFor()
    await page.getByText('1 event, 1 cause').waitFor()
    const stored = async () => Number((await browser.server.query('select count(*) from otel_logs_and_spans'))[0][0])
    await until(async () => (await stored()) === 4)

    await page.keyboard.press('j')
    await page.getByRole('button', { name: /^Discard 1 event/ }).click()
    await page.getByRole('button', { name: 'Discard', exact: true }).click()
    await page.getByText('Every event could be treated.').waitFor()
    await page.keyboard.press('2')
    await page.getByText('3 events, 1 cause').waitFor()
    await page.keyboard.press('3')
    await page.getByText('1 event, 1 cause').waitFor()
    assert.deepEqual(
      errors.filter((error) => !error.includes('503')),
      [],
    )
    await page.context().close()
  })

  it('say why they cannot be read, and when a stage has stopped', async () => {
    const visit = await browser.visit('/dead-letters')
    const { page } = visit
    await page.getByText('Every event could be treated.').waitFor()
    const report = await api<{ parts: { name: string; partitions: object[] }[] }>(browser.server, 'GET', '/v1/topology')
    const reason =
      'check_orders failed at more than half of the events of 3 batches in a row, the last time saying: no. That is taken for a fault of its own, so it has stopped; nothing is lost. Mend it and restart, or let it go on putting aside what it fails at: millrace dlq accept check_orders'
    const parts = report.parts.map((part) =>
      part.name === 'check_orders'
        ? { ...part, partitions: [{ ...part.partitions[0], condition: 'stopped', reason }] }
        : part,
    )
    await page.route('**/v1/topology', (route) => route.fulfill({ json: { ...report, parts } }))
    await page
      .getByRole('alert')
      .filter({ hasText: /^check_ordersfailed at more than half.*Mend it and restart\./ })
      .waitFor()
    await page.route('**/v1/dead_letters?*', (route) =>
      route.fulfill({ status: 503, json: { detail: 'PostgreSQL is away' } }),
    )
    await page.getByRole('alert').filter({ hasText: 'PostgreSQL is away' }).waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_stopped.png')
    await page.getByRole('button', { name: 'Let it go on for a day' }).click()
    await page.getByText('It goes on in a moment.').waitFor()
    const accepted = await api<{ items: { action: string; subject: string }[] }>(
      browser.server,
      'GET',
      '/v1/audit?limit=1',
    )
    assert.deepEqual([accepted.items[0].action, accepted.items[0].subject], ['dead_letters.accept', 'check_orders'])
    await page.context().close()
  })

  it('show the bytes of what could not be read', async () => {
    const group = {
      ...{ cause: '0123456789abcdef', topic: 'telemetry.raw.v1', code: 'unreadable', stage: 'normalize' },
      ...{ detail: 'not a value of the schema', example: '', events: 1, records: 1, services: [], versions: ['0.1.0'] },
      ...{ first_seen: '2026-11-22T14:32:00.000Z', last_seen: '2026-11-22T14:32:00.000Z' },
    }
    const place = { log: '5eed', topic: 'telemetry.raw.v1', partition: 0, offset: 7 }
    const letter = {
      ...{ ...group, id: 'telemetry.raw.v1/0/7/0', version: '0.1.0', state: 'open', signal: 'logs' },
      ...{ received_at: group.last_seen, origin: { ...place, previous: 6 }, raw: { ...place, position: 0 } },
      ...{ event_id: null, event: {}, truncated: [], raw_export: null },
      bytes: {
        size: 300,
        base64: Buffer.from(`\0\0\0\0\x07${'millrace'.repeat(37)}`).toString('base64'),
        truncated: false,
      },
    }
    const visit = await browser.visit('/sql')
    const { page } = visit
    await page.route('**/v1/dead_letters?*', (route) => route.fulfill({ json: { items: [group], next: null } }))
    await page.route('**/v1/dead_letters/rows?*', (route) => route.fulfill({ json: { items: [letter], next: null } }))
    await page.goto(`${browser.server.httpUrl}/dead-letters?cause=${group.cause}`)
    await page.getByText('300 B that cannot be read').waitFor()
    assert.match(await page.getByLabel('Bytes').innerText(), /^0000 {2}00 00 00 00 07 6d 69 6c .* ·····millrac/)
    await page.getByText('the first 240 of 300 B').waitFor()
    assert.equal(await page.getByRole('button', { name: /^Requeue/ }).count(), 0, 'nothing can be treated again')
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_bytes.png')
    await page.context().close()
  })

  it('are clean in light, too', async () => {
    writeFileSync(join(folder, 'broken'), '')
    await sendLogs(browser.server, 'checkout', [order('30', '-7'), order('31', '5000')])
    const visit = await browser.visit('/dead-letters', { theme: 'light' })
    const { page } = visit
    await page.locator('.dead-list tbody tr').nth(1).click()
    await page.locator('.dead-letter').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'dead_letters_light.png')
    await page.context().close()
  })
})
