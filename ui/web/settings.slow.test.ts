/** Settings, people and projects in a real Chromium: what who may, and what becomes of it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { createTestBrowser, skip, type TestBrowser, type Visit } from './testing/browser.ts'
import { rows, shoot, violations } from './testing/page.ts'
import { api, sendWith } from './testing/people.ts'

const PASSWORD = 'a sentence that is easy'
const MAILS = { viewer: 'vera@example.com', admin: 'adam@example.com' }

describe('settings', { skip }, () => {
  let browser: TestBrowser
  before(async () => {
    browser = await createTestBrowser()
  })
  after(() => browser?.close())

  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
  const project = (page: Page) => page.locator('button.project .project-name')

  async function signIn(email: string, password: string, path = '/events'): Promise<Visit> {
    const visit = await browser.visit(path, { signedIn: false })
    await visit.page.getByRole('button', { name: 'E-mail' }).click()
    await visit.page.getByLabel('E-mail').fill(email)
    await visit.page.getByLabel('Password').fill(password)
    await visit.page.keyboard.press('Enter')
    await project(visit.page).waitFor()
    return visit
  }

  it('an operator makes a project and a key; telemetry comes in with it until it is revoked', async () => {
    const visit = await browser.visit('/events')
    const { page, errors } = visit
    await page.getByText('Nothing has arrived yet.').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press(',')
    await page.getByRole('link', { name: 'All projects' }).click()
    await page.getByLabel('Name').fill('shop')
    await page.keyboard.press('Enter')
    await heading(page, 'New key').waitFor()
    assert.equal(await project(page).textContent(), 'shop')
    await page.getByText('No key is stored yet').waitFor()

    await page.keyboard.press('n')
    await page.keyboard.type('checkout, production')
    await page.getByLabel('read').check()
    assert.equal(await page.getByLabel('Web pages that may send with it').count(), 0, 'only of keys that only send')
    await page.keyboard.press('Enter')
    const secret = page.locator('.once-secret code')
    await secret.waitFor()
    const key = await secret.innerText()
    assert.match(key, /^mr_\w{32}$/)
    await page
      .locator('.once pre')
      .first()
      .filter({ hasText: `Bearer ${key}` })
      .waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'settings_key_made.png')
    assert.equal(await sendWith(browser.server, key, 'by the new key'), 200)
    await page.getByRole('button', { name: 'I have it' }).click()
    assert.ok(!(await page.content()).includes(key), 'it is shown this once')

    await page.getByRole('link', { name: 'Events' }).click()
    await rows(page).filter({ hasText: 'by the new key' }).waitFor()

    await page.goBack()
    await page.getByRole('button', { name: 'Revoke checkout, production' }).click()
    await page.getByText('refused at once, for good').waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await sendWith(browser.server, key, 'still there'), 200)
    await page.getByRole('button', { name: 'Revoke checkout, production' }).click()
    await page.locator('.confirm').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('is revoked: whoever sends with it is refused').waitFor()
    await page.getByText('No key is stored yet').waitFor()
    assert.equal(await sendWith(browser.server, key, 'too late'), 401)
    assert.deepEqual(errors, [])
    await page.context().close()
  })

  it('says under the form why a key cannot be made', async () => {
    const { page } = await browser.visit('/settings/keys')
    await page.getByLabel('Web pages that may send with it').fill('shop.example')
    await page.keyboard.press('Enter')
    await page
      .getByRole('alert')
      .filter({ hasText: /origin|URL/ })
      .waitFor()
    await page.getByLabel('Web pages that may send with it').fill('https://shop.example')
    await page.keyboard.press('Enter')
    await page.locator('.set-origins').filter({ hasText: 'https://shop.example' }).waitFor()
    await page.context().close()
  })

  it('who is invited sets a password in another browser, is a viewer, and may no more than that', async () => {
    const host = await browser.visit('/settings/members')
    await host.page.getByLabel('E-mail').fill(MAILS.viewer)
    await host.page.keyboard.press('Enter')
    const link = await host.page.locator('.once-secret code').innerText()
    assert.deepEqual(await violations(host), [])
    await shoot(host.page, 'settings_invited.png')

    const guest = await browser.visit(new URL(link).pathname + new URL(link).hash, { signedIn: false })
    const { page } = guest
    await page.getByLabel('Password').fill('short')
    assert.ok(await page.getByRole('button', { name: 'Accept and sign in' }).isDisabled())
    assert.deepEqual(await violations(guest), [])
    await shoot(page, 'invite.png')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText('Nothing has arrived yet.').waitFor()
    assert.ok(!page.url().includes('#'), 'no token stays in the address')

    await page.keyboard.press('g')
    await page.keyboard.press(',')
    await page.getByText('you are viewer').waitFor()
    const tabs = await page.getByRole('navigation', { name: 'Settings' }).getByRole('link').allInnerTexts()
    assert.deepEqual(tabs, ['Project', 'Members', 'Your account'])
    assert.equal(await page.locator('.settings form').count(), 0)
    await page.getByRole('link', { name: 'Members' }).click()
    await page.getByRole('cell', { name: /^vera@example\.com/ }).waitFor()
    assert.equal(await page.locator('.settings').getByRole('button').count(), 0)
    assert.equal(await page.locator('.settings').getByRole('combobox').count(), 0)
    for (const path of ['/v1/keys', '/v1/audit', '/v1/invitations', '/v1/users']) {
      assert.equal(await page.evaluate(async (at) => (await fetch(at)).status, path), 403, path)
    }
    await page.goto(`${browser.server.httpUrl}/settings/keys`)
    await page.getByText('Your role in this project does not include this.').waitFor()

    await host.page.reload()
    await host.page.getByRole('cell', { name: /^vera@example\.com/ }).waitFor()
    assert.equal(await host.page.getByText('Open invitations').count(), 0)
    // A link works once.
    const second = await browser.visit(new URL(link).pathname + new URL(link).hash, { signedIn: false })
    await second.page.getByLabel('Password').fill(PASSWORD)
    await second.page.keyboard.press('Enter')
    await second.page.getByText('This invitation is used, revoked or over').waitFor()
    for (const each of [host, guest, second]) await each.page.context().close()
  })

  it('a role is changed and given back; who is removed is out, until undone', async () => {
    const { page } = await browser.visit('/settings/members')
    const role = page.getByLabel(`Role of ${MAILS.viewer}`)
    await role.selectOption('editor')
    await page.getByText(`${MAILS.viewer} is editor now.`).waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText(`${MAILS.viewer} is viewer now.`).waitFor()
    assert.equal(await role.inputValue(), 'viewer')
    await page.getByRole('button', { name: `Remove ${MAILS.viewer}` }).click()
    await page.getByText('is out of the project').waitFor()
    assert.equal(await role.count(), 0)
    await page.getByRole('button', { name: 'Undo' }).click()
    await role.waitFor()
    await page.context().close()
  })

  it('a password is changed in place, and the new one opens the door', async () => {
    const { page } = await signIn(MAILS.viewer, PASSWORD, '/settings/account')
    await page.getByLabel('The password you have').fill('not the password')
    await page.getByLabel('Another one').fill(`${PASSWORD}, again`)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'This is not your password' }).waitFor()
    await page.getByLabel('The password you have').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText('Your password is changed').waitFor()
    await page.context().close()
    const wrong = await browser.visit('/', { signedIn: false })
    await wrong.page.getByRole('button', { name: 'E-mail' }).click()
    await wrong.page.getByLabel('E-mail').fill(MAILS.viewer)
    await wrong.page.getByLabel('Password').fill(PASSWORD)
    await wrong.page.keyboard.press('Enter')
    await wrong.page.getByText('There is no user of this e-mail and password').waitFor()
    assert.deepEqual(await violations(wrong), [])
    await shoot(wrong.page, 'sign_in_email.png')
    await wrong.page.context().close()
    const right = await signIn(MAILS.viewer, `${PASSWORD}, again`)
    await right.page.context().close()
  })

  it('the project is switched by keys, everything is that of the other, also in another tab', async () => {
    const visit = await browser.visit('/events')
    const { page } = visit
    await page.getByText('Nothing has arrived yet.').waitFor()
    const other = await page.context().newPage()
    await other.goto(`${browser.server.httpUrl}/settings/project`)
    await heading(other, 'Project').waitFor()
    await page.bringToFront()
    await page.keyboard.press('g')
    await page.keyboard.press('x')
    await page.keyboard.type('sho')
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'project_menu.png')
    await page.keyboard.press('Enter')
    await rows(page).filter({ hasText: 'by the new key' }).waitFor()
    assert.equal(await project(page).textContent(), 'shop')
    // What a browser says when a tab comes to the front; headless it never does.
    await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await project(other).filter({ hasText: 'shop' }).waitFor()
    await page.context().close()
  })

  it('a quota that is reached is said, and what is over it is refused', async () => {
    await api(browser.server, 'POST', '/v1/projects', { name: 'small' })
    const { key } = await api<{ key: string }>(browser.server, 'POST', '/v1/keys?project=small', { scopes: ['ingest'] })
    const visit = await browser.visit('/settings/projects')
    const { page } = visit
    await page.getByRole('button', { name: 'small' }).click()
    await page.getByLabel('Events a day').fill('many')
    await page.getByText('Days and events are whole numbers').waitFor()
    await page.getByLabel('Events a day').fill('4')
    await page.getByLabel('Days events are kept').fill('30')
    await page.getByLabel('Bytes a day').fill('2 GB')
    await page.keyboard.press('Enter')
    await page.getByText('The project is changed.').waitFor()
    assert.equal(await page.getByLabel('Bytes a day').inputValue(), '2 GB')
    assert.equal(await sendWith(browser.server, key, 'taken', 4), 200)
    await page.getByText('Quota reached').waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'settings_quota.png')
    assert.equal(await sendWith(browser.server, key, 'over it'), 429)
    await page.context().close()
  })

  it('a project is deleted by typing its name only', async () => {
    await api(browser.server, 'POST', '/v1/projects', { name: 'old' })
    const { page } = await browser.visit('/settings/projects')
    await page.getByRole('button', { name: 'old', exact: true }).click()
    const button = page.getByRole('button', { name: 'Delete old' })
    await page.getByLabel('Type old to delete it').fill('ol')
    assert.ok(await button.isDisabled())
    await page.getByLabel('Type old to delete it').fill('old')
    await page.keyboard.press('Enter')
    await project(page).filter({ hasText: 'default' }).waitFor()
    const { items } = await api<{ items: { name: string }[] }>(browser.server, 'GET', '/v1/projects')
    assert.deepEqual(
      items.map(({ name }) => name),
      ['default', 'shop', 'small'],
    )
    await page.context().close()
  })

  it('users and teams: made, kept out, put together, given a role', async () => {
    const visit = await browser.visit('/settings/users')
    const { page } = visit
    await page.getByLabel('E-mail').fill(MAILS.admin)
    await page.getByLabel('Role in default').selectOption('admin')
    await page.getByRole('button', { name: 'Make the user' }).click()
    const password = await page.locator('.once-secret code').innerText()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'settings_users.png')
    const theirs = await signIn(MAILS.admin, password)
    await page.getByRole('button', { name: `Keep out ${MAILS.admin}` }).click()
    await page.getByText('kept out', { exact: true }).waitFor()
    await theirs.page.reload()
    await theirs.page.getByRole('button', { name: 'Sign in' }).waitFor()
    await theirs.page.context().close()

    await page.getByRole('link', { name: 'Teams' }).click()
    await page.getByLabel('Name').fill('payments')
    await page.keyboard.press('Enter')
    await page.getByLabel('Take somebody into payments').selectOption({ label: MAILS.viewer })
    await page.locator('.team-users').getByText(MAILS.viewer).waitFor()
    assert.deepEqual(await violations(visit), [])
    await shoot(page, 'settings_teams.png')
    await page.getByRole('link', { name: 'Members' }).click()
    await page.getByLabel('Team', { exact: true }).selectOption({ label: 'payments' })
    await page.getByLabel('Its role').selectOption('editor')
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByLabel('Role of payments').waitFor()
    await page.context().close()
    const member = await signIn(MAILS.viewer, `${PASSWORD}, again`, '/settings')
    await member.page.getByText('you are editor').waitFor()
    await member.page.context().close()
  })

  it('an operator shortens sessions and takes no passwords any more: the door offers none', async () => {
    const visit = await browser.visit('/settings/instance')
    const { page } = visit
    await page.getByLabel('Hours somebody stays signed in').fill('1000')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: '720' }).waitFor()
    await page.getByLabel('Hours somebody stays signed in').fill('8')
    await page.getByLabel('Passwords are taken').uncheck()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It holds from now on.').waitFor()
    assert.deepEqual(await violations(visit), [])
    const guest = await browser.visit('/', { signedIn: false })
    await guest.page.getByText('a session of 8 hours').waitFor()
    assert.equal(await guest.page.getByRole('button', { name: 'E-mail' }).count(), 0)
    await guest.page.goto(`${browser.server.httpUrl}/invite#token`)
    await guest.page.getByText('No passwords are taken here').waitFor()
    await guest.page.context().close()
    await api(browser.server, 'PATCH', '/v1/settings', { session_hours: 12, password_sign_in: true })
    await page.context().close()
  })

  it('the audit log says who changed what from what to what, and goes back to the beginning', async () => {
    const notes = (owner: string) => ({ name: 'cart', owner, description: null })
    for (let at = 0; at < 100; at++) await api(browser.server, 'PUT', '/v1/services/notes', notes(`owner ${at}`))
    const visit = await browser.visit('/settings/audit')
    const { page } = visit
    const line = page.locator('.audit tbody tr')
    await line.first().filter({ hasText: 'service.note' }).waitFor()
    assert.match(await line.first().innerText(), /cart\s+owner owner 98 → owner 99/)
    assert.equal(await line.count(), 100)
    assert.equal(await line.filter({ hasText: 'user.disable' }).count(), 0, 'of the project')
    await page.getByRole('button', { name: 'Older' }).click()
    await line.filter({ hasText: 'member.set' }).first().waitFor()
    assert.equal(await page.getByRole('button', { name: 'Older' }).count(), 0)
    await page.getByRole('button', { name: 'The whole instance' }).click()
    await page.getByRole('button', { name: 'Older' }).click()
    await line.filter({ hasText: 'user.disable' }).waitFor()
    assert.match(page.url(), /of=all/)
    assert.deepEqual(await violations(visit), [])
    await line.filter({ hasText: 'project.update' }).first().scrollIntoViewIfNeeded()
    await shoot(page, 'settings_audit.png')
    await page.context().close()
  })

  for (const theme of ['dark', 'light'] as const) {
    it(`every tab is clean in ${theme}`, async () => {
      const visit = await browser.visit('/settings/project', { theme })
      const { page, errors } = visit
      for (const tab of ['Project', 'API keys', 'Members', 'Audit log', 'All projects', 'Users', 'Teams', 'Instance']) {
        await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: tab, exact: true }).click()
        await page.locator('.set-section').first().waitFor()
        await page.waitForLoadState('networkidle')
        assert.deepEqual(await violations(visit), [], tab)
        await shoot(page, `settings_${tab.toLowerCase().replace(' ', '_')}_${theme}.png`)
      }
      assert.deepEqual(errors, [])
      await page.context().close()
    })
  }
})
