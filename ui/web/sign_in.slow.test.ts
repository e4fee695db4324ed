/** A link with a one-time code, in a real Chromium. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TEST_KEY } from '../../end_to_end/server.ts'
import { createTestBrowser, skip, type TestBrowser } from './testing/browser.ts'

describe('a sign-in link', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  it('opens the page signed in, once, and leaves no code in the address', async () => {
    const { httpUrl } = browser.server
    const headers = { authorization: `Bearer ${TEST_KEY}` }
    const answer = await fetch(`${httpUrl}/v1/session/code`, { method: 'POST', headers })
    const { code } = (await answer.json()) as { code: string }
    const { page } = await browser.visit(`/events#code=${code}`, { signedIn: false })
    await page.getByText('Nothing has arrived yet.').waitFor()
    assert.ok(!page.url().includes(code), page.url())
    await page.reload()
    await page.getByText('Nothing has arrived yet.').waitFor()

    const second = await browser.visit(`/events#code=${code}`, { signedIn: false })
    await second.page.getByLabel('API key').waitFor()
    assert.ok(!second.page.url().includes(code), second.page.url())
  })
})
