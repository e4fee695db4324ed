/** Signing in at a real OpenID provider. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createInvitation } from '../directory/invitations.ts'
import { updateUser } from '../directory/users.ts'
import { type ApiServer, createApiServer, PASSWORD, sessionOf, type Who } from '../testing/api_server.ts'
import { CLIENT_ID, CLIENT_SECRET, createOpenidProvider, type OpenidProvider } from '../testing/openid_provider.ts'
import { createOidc } from './oidc.ts'

let provider: OpenidProvider
let api: ApiServer
let defaultId: string
before(async () => {
  provider = await createOpenidProvider()
  const oidc = createOidc({ issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET })
  api = await createApiServer({ oidc })
  defaultId = api.directory.defaultProject.id
})
after(async () => {
  await api.close()
  await provider.close()
})

/** What a browser asks for on its way to us: another site's page sends it. */
const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }

async function begin(): Promise<{ readonly location: string; readonly cookie: string }> {
  const answer = await api.ask('GET', '/v1/session/oidc')
  assert.equal(answer.statusCode, 302)
  const set = String(answer.headers['set-cookie'])
  assert.match(set, /; HttpOnly; SameSite=Lax; Max-Age=600$/)
  return { location: String(answer.headers.location), cookie: set.split(';')[0] }
}

async function signIn(login: string, change: (callback: URL) => void = () => {}) {
  const { location, cookie } = await begin()
  const callback = await provider.signIn(location, login)
  change(callback)
  return api.ask('GET', callback.pathname + callback.search, null, undefined, { cookie, ...navigation })
}

function sessionIn(answer: Awaited<ReturnType<typeof signIn>>): Who {
  assert.equal(answer.statusCode, 302, answer.body)
  assert.equal(answer.headers.location, '/')
  const set = [answer.headers['set-cookie']].flat().find((line) => line?.startsWith('millrace_session='))
  return sessionOf({ headers: { 'set-cookie': set } } as typeof answer)
}

const account = (login: string, email_verified = true) => {
  provider.accounts.set(login, { email: `${login}@Example.com`, email_verified, name: login })
  return `${login.toLowerCase()}@example.com`
}
const members = () => api.database.query('select 1 from users')

describe('signing in at an OpenID provider', () => {
  it('lets in who is invited by their verified address, and knows them again under another', async () => {
    const email = account('invited')
    await createInvitation(api.database, { projectId: defaultId, email, role: 'editor', createdBy: 'test' })
    const who = sessionIn(await signIn('invited'))
    const session = (await api.ask('GET', '/v1/session', who)).json()
    assert.deepEqual([session.kind, session.name, session.role, session.project], ['user', email, 'editor', 'default'])
    provider.accounts.set('invited', { email: 'moved@example.com', email_verified: false })
    const again = (await api.ask('GET', '/v1/session', sessionIn(await signIn('invited')))).json()
    assert.equal(again.name, email)
    const audit = (await api.ask('GET', '/v1/audit', { key: api.operatorKey })).json()
    assert.deepEqual(
      audit.items.map(({ action }: { action: string }) => action),
      ['invitation.accept', 'user.link'],
    )
  })

  it('links a user of that address, whose earlier password and sessions end', async () => {
    const email = account('known')
    const user = await api.user(email, defaultId, 'viewer')
    const former = await api.signIn(user, defaultId)
    const who = sessionIn(await signIn('known'))
    assert.equal((await api.ask('GET', '/v1/session', who)).json().name, email)
    assert.equal((await api.ask('GET', '/v1/session', former)).statusCode, 401)
    assert.equal((await api.ask('POST', '/v1/session', null, { email, password: PASSWORD })).statusCode, 401)
    const change = await api.ask('POST', '/v1/session/password', who, { password: 'another long password' })
    assert.equal(change.statusCode, 204, 'who has none may set one')
  })

  it('refuses strangers, addresses that are not verified, and the disabled', async () => {
    const users = (await members()).length
    account('stranger')
    await api.user(account('unverified', false), defaultId)
    for (const [login, sentence] of [
      ['stranger', /ask an admin for an invitation/],
      ['unverified', /does not say that the e-mail address of this account is verified/],
    ] as const) {
      const answer = await signIn(login)
      assert.equal(answer.statusCode, 403)
      assert.match(answer.json().detail, sentence)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
    assert.equal((await members()).length, users + 1)
    const gone = await api.user(account('gone'), defaultId)
    sessionIn(await signIn('gone'))
    await updateUser(api.database, gone.id, { disabled: true })
    assert.equal((await signIn('gone')).statusCode, 403)
  })

  it('takes no answer to what this browser has not begun', async () => {
    account('careful')
    const tampered = await signIn('careful', (callback) => callback.searchParams.set('state', 'x'))
    const foreign = await signIn('careful', (callback) => callback.searchParams.set('iss', 'https://evil.example'))
    const { location } = await begin()
    const callback = await provider.signIn(location, 'careful')
    const path = callback.pathname + callback.search
    const without = await api.ask('GET', path)
    const another = await api.ask('GET', path, null, undefined, { cookie: (await begin()).cookie })
    const { cookie } = await begin()
    const none = await api.ask('GET', '/v1/session/oidc/callback', null, undefined, { cookie })
    const denied = await api.ask('GET', '/v1/session/oidc/callback?error=access_denied', null, undefined, { cookie })
    for (const answer of [tampered, foreign, without, another, none, denied]) {
      assert.deepEqual([answer.statusCode, answer.headers['set-cookie']], [401, undefined], answer.body)
    }
  })

  it('asks with PKCE, state and nonce', async () => {
    const { searchParams } = new URL((await begin()).location)
    assert.equal(searchParams.get('code_challenge_method'), 'S256')
    for (const name of ['code_challenge', 'state', 'nonce']) assert.ok(searchParams.get(name)!.length >= 43, name)
  })
})

it('where the provider is away, passwords and keys work', async () => {
  const away = await createApiServer({
    oidc: createOidc({ issuer: 'http://127.0.0.1:1', clientId: CLIENT_ID, clientSecret: undefined }),
  })
  try {
    const answer = await away.ask('GET', '/v1/session/oidc')
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '5'])
    assert.match(answer.json().detail, /sign in with a password or a key/)
    const user = await away.user('a@example.com', away.directory.defaultProject.id)
    const { email } = user
    assert.equal((await away.ask('POST', '/v1/session', null, { email, password: PASSWORD })).statusCode, 200)
    assert.equal((await away.ask('POST', '/v1/session', null, { key: away.operatorKey })).statusCode, 200)
  } finally {
    await away.close()
  }
})
