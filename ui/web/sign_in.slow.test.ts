/** A link with a one-time code, and the way to a provider, in a real Chromium. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CLIENT_ID, CLIENT_SECRET, createOpenidProvider } from '#ui/server/testing/openid_provider.ts'
import { startServer, TEST_KEY } from '../../end_to_end/server.ts'
import { createTestBrowser, skip, type TestBrowser } from './testing/browser.ts'
import { shoot, violations } from './testing/page.ts'

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

describe('a provider that is set up', { skip }, () => {
  it('is offered at the door, and leads there', async () => {
    const provider = await createOpenidProvider()
    const browser = await createTestBrowser(
      await startServer({
        env: {
          MILLRACE_OIDC_ISSUER: provider.issuer,
          MILLRACE_OIDC_CLIENT_ID: CLIENT_ID,
          MILLRACE_OIDC_CLIENT_SECRET: CLIENT_SECRET,
        },
      }),
    )
    try {
      const visit = await browser.visit('/', { signedIn: false })
      const link = visit.page.getByRole('link', { name: `Sign in with ${new URL(provider.issuer).host}` })
      await link.waitFor()
      assert.deepEqual(await violations(visit), [])
      await shoot(visit.page, 'sign_in_provider.png')
      const asked = visit.page.waitForRequest((request) => request.url().startsWith(`${provider.issuer}/auth`))
      await link.click()
      assert.equal(new URL((await asked).url()).searchParams.get('client_id'), CLIENT_ID)
    } finally {
      await browser.close()
      await provider.close()
    }
  })

  it('is not offered where there is none', async () => {
    const browser = await createTestBrowser()
    try {
      const { page } = await browser.visit('/', { signedIn: false })
      await page.getByLabel('API key').waitFor()
      await page.waitForLoadState('networkidle')
      assert.equal(await page.getByRole('link').count(), 0)
    } finally {
      await browser.close()
    }
  })
})
