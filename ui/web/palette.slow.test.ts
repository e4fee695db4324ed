/** The command palette in a real Chromium on a real server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTestBrowser, sendLogs, skip, type TestBrowser } from './testing/browser.ts'
import { rows, shoot, violations } from './testing/page.ts'

describe('the command palette', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
    await sendLogs(browser.server, 'cart', [{ body: 'hello', attributes: { region: 'eu' } }])
  })
  after(() => browser?.close())

  it('goes to pages, acts on the selected row, and adds columns, while typing in the filter, too', async () => {
    const visit = await browser.visit('/events')
    const { page, errors } = visit
    await rows(page).first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.press('Control+k')
    const option = (name: string | RegExp) =>
      page.getByRole('dialog', { name: 'Commands' }).getByRole('option', { name })
    await option(/Go to Traces g t/).waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'palette_dark.png')
    await page.keyboard.type('add region')
    await option(/Column Add region/).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('.row [role=gridcell]').getByText('eu', { exact: true }).waitFor()
    assert.equal(
      await page.getByRole('combobox', { name: 'Filter' }).evaluate((input) => input === document.activeElement),
      true,
    )

    await page.keyboard.press('Control+k')
    await page.keyboard.type('only value')
    await page.keyboard.press('Enter')
    await page.getByText('needs a selected row').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('k')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('only value')
    await page.keyboard.press('Enter')
    await page.locator('.chip').getByText("'cart'").waitFor()

    await page.keyboard.press('Control+k')
    await page.keyboard.type('nothing like it')
    await page.getByText('No command has').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /Commands/ }).click()
    await page.keyboard.type('pipeline')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/pipeline/)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('is as accessible in light', async () => {
    const visit = await browser.visit('/sql', { theme: 'light' })
    await visit.page.locator('.cm-content').waitFor()
    await visit.page.getByRole('button', { name: /Commands/ }).click()
    await visit.page.getByRole('option').first().waitFor()
    assert.deepEqual(await violations(visit), [])
    await visit.page.context().close()
  })
})
