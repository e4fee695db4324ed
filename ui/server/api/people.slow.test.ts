/** Users, sessions, roles, teams and invitations. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Project } from '../directory/projects.ts'
import { type ApiServer, createApiServer, PASSWORD, sessionOf, type Who } from '../testing/api_server.ts'

let api: ApiServer
let operator: Who
let shop: Project
let other: Project
before(async () => {
  api = await createApiServer()
  operator = { key: api.operatorKey }
  shop = await api.project('shop')
  other = await api.project('other')
  await api.directory.refresh()
})
after(() => api.close())

const session = async (who: Who) => (await api.ask('GET', '/v1/session', who)).json()
const signIn = (body: object, headers = {}) => api.ask('POST', '/v1/session', null, body, headers)
async function signedIn(email: string, password = PASSWORD): Promise<Who> {
  const answer = await signIn({ email, password })
  assert.equal(answer.statusCode, 200, answer.body)
  return sessionOf(answer)
}

describe('signing in', () => {
  it('takes e-mail and password, and says the same of a wrong one and of nobody', async () => {
    await api.user('ada@example.com', shop.id, 'editor')
    const answer = await signIn({ email: 'Ada@Example.com', password: PASSWORD }, { origin: 'http://localhost:8080' })
    assert.equal(answer.statusCode, 200)
    assert.match(String(answer.headers['set-cookie']), /; HttpOnly; SameSite=Strict; Max-Age=2592000$/)
    const { kind, name, project, role, operator, projects, otlp } = await session(sessionOf(answer))
    assert.deepEqual([kind, name, project, role, operator], ['user', 'ada@example.com', 'shop', 'editor', false])
    assert.deepEqual(projects, [{ id: shop.id, name: 'shop', role: 'editor' }])
    assert.deepEqual(otlp, { grpc: 4317, http: 4318 })
    const wrong = await signIn({ email: 'ada@example.com', password: 'wrong' })
    const nobody = await signIn({ email: 'nobody@example.com', password: PASSWORD })
    assert.deepEqual([wrong.statusCode, nobody.statusCode], [401, 401])
    assert.equal(wrong.body, nobody.body)
  })

  it('takes a key that may read, and a code of one, once', async () => {
    const key = await api.key(shop.id, ['read'])
    assert.deepEqual((await signIn({ key: `${key}\n` })).json().project, 'shop')
    assert.match((await signIn({ key: 'nobody' })).json().detail, /not a key that is known/)
    const sender = await signIn({ key: await api.key(shop.id, ['ingest']) })
    assert.deepEqual([sender.statusCode, sender.headers['set-cookie']], [403, undefined])
    const { code } = (await api.ask('POST', '/v1/session/code', { key })).json()
    const first = await signIn({ code })
    assert.equal((await session(sessionOf(first))).project, 'shop')
    assert.equal((await signIn({ code })).statusCode, 401)
  })

  it('lasts as long, and takes passwords, as the settings say', async () => {
    const set = (body: object) => api.ask('PATCH', '/v1/settings', operator, body)
    await set({ session_hours: 2 })
    await signedIn('ada@example.com')
    const [{ hours }] = await api.database.query<{ hours: number }>(
      'select round(extract(epoch from expires_at - created_at) / 3600) as hours from sessions order by created_at desc limit 1',
    )
    assert.equal(hours, 2)
    await set({ password_sign_in: false })
    const refused = await signIn({ email: 'ada@example.com', password: PASSWORD })
    await set({ session_hours: 12, password_sign_in: true })
    assert.deepEqual([refused.statusCode, refused.headers['set-cookie']], [403, undefined])
  })

  it('refuses who is in no project', async () => {
    await api.user('lonely@example.com', null)
    const answer = await signIn({ email: 'lonely@example.com', password: PASSWORD })
    assert.deepEqual([answer.statusCode, answer.headers['set-cookie']], [403, undefined])
  })

  it('ends the session there was, and signing out ends it', async () => {
    const first = await signedIn('ada@example.com')
    const headers = { cookie: (first as { cookie: string }).cookie, 'sec-fetch-site': 'same-origin' }
    const second = sessionOf(await signIn({ email: 'ada@example.com', password: PASSWORD }, headers))
    assert.equal((await api.ask('GET', '/v1/session', first)).statusCode, 401)
    const out = await api.ask('DELETE', '/v1/session', second)
    assert.match(String(out.headers['set-cookie']), /=; .*Max-Age=0/)
    assert.equal((await api.ask('GET', '/v1/session', second)).statusCode, 401)
  })
})

describe('a user', () => {
  it('is made with a password shown once, changes it, and loses it to a reset', async () => {
    const made = await api.ask('POST', '/v1/users?project=shop', operator, { email: 'Bob@Example.com', role: 'admin' })
    const { id, email, password } = made.json()
    assert.deepEqual([made.statusCode, email], [201, 'bob@example.com'])
    const [mine, elsewhere] = [await signedIn(email, password), await signedIn(email, password)]
    assert.equal((await session(mine)).role, 'admin')
    const change = (current: string, next: string, who = mine) =>
      api.ask('POST', '/v1/session/password', who, { current, password: next })
    assert.equal((await change('wrong', 'a new long password')).statusCode, 401)
    assert.equal((await change(password, 'short')).statusCode, 400)
    const changed = await change(password, 'a new long password')
    assert.equal(changed.statusCode, 204)
    for (const who of [mine, elsewhere]) assert.equal((await api.ask('GET', '/v1/session', who)).statusCode, 401)
    const again = sessionOf(changed)
    assert.equal((await session(again)).name, email)
    const reset = await api.ask('POST', `/v1/users/${id}/password`, operator)
    assert.equal((await api.ask('GET', '/v1/session', again)).statusCode, 401)
    assert.equal((await signIn({ email, password: 'a new long password' })).statusCode, 401)
    await signedIn(email, reset.json().password)
    const listed = await api.ask('GET', '/v1/users', operator)
    const audit = await api.ask('GET', '/v1/audit', operator)
    for (const { body } of [listed, audit]) assert.doesNotMatch(body, /argon2|a new long/)
    assert.ok(!audit.body.includes(password) && !audit.body.includes(reset.json().password))
  })

  it('disabled is out at once, everywhere, and comes in again enabled', async () => {
    const user = await api.user('eve@example.com', shop.id)
    const who = await signedIn('eve@example.com')
    const set = (disabled: boolean) => api.ask('PATCH', `/v1/users/${user.id}`, operator, { disabled })
    assert.notEqual((await set(true)).json().disabled_at, null)
    assert.equal((await api.ask('GET', '/v1/session', who)).statusCode, 401)
    assert.equal((await signIn({ email: 'eve@example.com', password: PASSWORD })).statusCode, 401)
    assert.equal((await set(false)).json().disabled_at, null)
    assert.equal((await api.ask('GET', '/v1/session', who)).statusCode, 401, 'the session is not back')
    await signedIn('eve@example.com')
  })

  it('looks at the project they choose, of theirs', async () => {
    const user = await api.user('both@example.com', shop.id, 'viewer')
    const member = { role: 'admin' }
    await api.ask('PUT', `/v1/members/user/${user.id}?project=other`, operator, member)
    const who = await signedIn('both@example.com')
    assert.deepEqual((await session(who)).project, 'other', 'the first by name')
    const chosen = await api.ask('PATCH', '/v1/session', who, { project: 'shop' })
    assert.deepEqual([chosen.json().project, chosen.json().role], ['shop', 'viewer'])
    assert.equal((await api.ask('GET', '/v1/keys', who)).statusCode, 403)
    assert.equal((await api.ask('GET', '/v1/keys?project=other', who)).statusCode, 200)
    assert.equal((await api.ask('PATCH', '/v1/session', who, { project: 'default' })).statusCode, 404)
    assert.equal((await session(who)).project, 'shop')
    const { items } = (await api.ask('GET', '/v1/projects', who)).json()
    assert.deepEqual(
      items.map(({ name }: { name: string }) => name),
      ['other', 'shop'],
    )
  })
})

describe('a role', () => {
  it('ends at once with the membership', async () => {
    const user = await api.user('gone@example.com', shop.id)
    const who = await signedIn('gone@example.com')
    const query = () => api.ask('POST', '/v1/query', who, { sql: 'select 1' })
    assert.equal((await query()).statusCode, 200)
    await api.ask('DELETE', `/v1/members/user/${user.id}?project=shop`, operator)
    assert.equal((await query()).statusCode, 403)
    assert.deepEqual([(await session(who)).role, (await session(who)).projects], [null, []])
  })

  it('comes from teams, too; the highest counts', async () => {
    const user = await api.user('team@example.com', shop.id, 'viewer')
    const team = (await api.ask('POST', '/v1/teams', operator, { name: 'backend' })).json()
    const inTeam = (method: 'PUT' | 'DELETE') => api.ask(method, `/v1/teams/${team.id}/users/${user.id}`, operator)
    const joined = await inTeam('PUT')
    assert.deepEqual(joined.json().users, [{ id: user.id, email: 'team@example.com' }])
    for (const name of ['shop', 'other'])
      await api.ask('PUT', `/v1/members/team/${team.id}?project=${name}`, operator, { role: 'editor' })
    const who = await signedIn('team@example.com')
    assert.deepEqual(
      (await session(who)).projects.map((project: { name: string; role: string }) => [project.name, project.role]),
      [
        ['other', 'editor'],
        ['shop', 'editor'],
      ],
    )
    const { items } = (await api.ask('GET', '/v1/members?project=shop', operator)).json()
    assert.deepEqual([items[0].kind, items[0].name, items[0].role], ['team', 'backend', 'editor'])
    await inTeam('DELETE')
    assert.deepEqual(
      (await session(who)).projects.map((project: { role: string }) => project.role),
      ['viewer'],
    )
    await inTeam('PUT')
    assert.equal((await api.ask('DELETE', `/v1/teams/${team.id}`, operator)).statusCode, 204)
    assert.equal((await session(who)).projects.length, 1)
  })

  it('of admin in the project default is that of the instance, and no other is', async () => {
    await api.user('root@example.com', api.directory.defaultProject.id, 'admin')
    await api.user('boss@example.com', shop.id, 'admin')
    const [root, boss] = [await signedIn('root@example.com'), await signedIn('boss@example.com')]
    assert.equal((await api.ask('GET', '/v1/keys?project=other', root)).statusCode, 200)
    assert.equal((await api.ask('GET', '/v1/users', root)).statusCode, 200)
    assert.equal((await api.ask('GET', '/v1/keys?project=other', boss)).statusCode, 404)
    for (const [method, url] of [
      ['GET', '/v1/users'],
      ['POST', '/v1/projects'],
      ['POST', '/v1/teams'],
    ] as const)
      assert.equal((await api.ask(method, url, boss, { name: 'x' })).statusCode, 403, url)
  })
})

describe('an invitation', () => {
  const invite = async (email: string, role: string, who = operator) =>
    (await api.ask('POST', '/v1/invitations?project=shop', who, { email, role })).json()
  const accept = (token: string, password = PASSWORD) =>
    api.ask('POST', '/v1/invitations/accept', null, { token, password, name: 'New' })

  it('makes a user with the password they choose, once', async () => {
    const { token, id } = await invite('New@example.com', 'editor')
    assert.match(token, /^[\w-]{43}$/)
    assert.ok(!(await api.ask('GET', '/v1/invitations?project=shop', operator)).body.includes(token))
    const accepted = await accept(token)
    assert.deepEqual(accepted.json(), { email: 'new@example.com', role: 'editor' })
    assert.equal((await session(await signedIn('new@example.com'))).role, 'editor')
    assert.equal((await accept(token)).statusCode, 401)
    assert.equal((await api.ask('DELETE', `/v1/invitations/${id}?project=shop`, operator)).statusCode, 404)
    const [entry] = (await api.ask('GET', '/v1/audit?project=shop&limit=1', operator)).json().items
    assert.deepEqual([entry.action, entry.actor_name], ['invitation.accept', 'new@example.com'])
  })

  it('does not give the account of somebody who is here to who has the token', async () => {
    const victim = await api.user('root2@example.com', api.directory.defaultProject.id, 'admin')
    await api.user('mallory@example.com', shop.id, 'admin')
    const mallory = await signedIn('mallory@example.com')
    const { token } = await invite(victim.email, 'viewer', mallory)
    const taken = await accept(token, 'a password of mallory')
    assert.deepEqual([taken.statusCode, taken.headers['set-cookie']], [401, undefined])
    await signedIn(victim.email)
    assert.equal((await accept(token)).json().role, 'viewer', 'the owner may')
  })

  it('lets nobody guess the password of somebody who is here, from however many addresses', async () => {
    const strict = await createApiServer({ limits: { attempts: { burst: 3, perSecond: 0.001 } } })
    const key = { key: strict.operatorKey }
    await strict.user('here@example.com', null)
    const made = await strict.ask('POST', '/v1/invitations', key, { email: 'here@example.com', role: 'viewer' })
    const { token } = made.json()
    const statuses: number[] = []
    for (let at = 1; at <= 5; at++) {
      const { statusCode } = await strict.server.inject({
        ...{ method: 'POST', url: '/v1/invitations/accept', remoteAddress: `10.0.0.${at}` },
        headers: { host: 'localhost:8080' },
        payload: { token, password: `not the password ${at}` },
      })
      statuses.push(statusCode)
    }
    await strict.close()
    assert.deepEqual(statuses, [401, 401, 401, 429, 429])
  })

  it('takes no role away', async () => {
    await api.user('high@example.com', shop.id, 'admin')
    const { token } = await invite('high@example.com', 'viewer')
    assert.equal((await accept(token)).json().role, 'admin')
  })

  it('revoked or over is none', async () => {
    const [revoked, over] = [await invite('a@example.com', 'viewer'), await invite('b@example.com', 'viewer')]
    assert.equal((await api.ask('DELETE', `/v1/invitations/${revoked.id}?project=shop`, operator)).statusCode, 204)
    await api.database.query('update invitations set expires_at = now() where id = $1', [over.id])
    for (const token of [revoked.token, over.token, 'guessed']) assert.equal((await accept(token)).statusCode, 401)
    assert.equal(other.name, 'other')
  })
})
