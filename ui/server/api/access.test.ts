import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Principal } from '#schemas/directory.ts'
import { callerOfKey, createAccess, foreignRequest, fromOurPage } from './access.ts'
import { type Caller, enforce } from './caller.ts'
import { cookieOf, isSecure, SESSION_COOKIE, sessionCookie } from './cookies.ts'
import { ApiError } from './problem.ts'

const key: Principal = { projectId: 'p1', projectName: 'shop', keyId: 'k1', scopes: ['read'] }
const user: Caller = {
  ...{ kind: 'user', id: 'u1', name: 'u@example.com', role: 'editor', operator: false },
  ...{ projectId: 'p1', projectName: 'shop' },
}
const sessions = { callerOf: async (token: string) => (token === 'good' ? user : null), userWithin: async () => null }
const directory = {
  authenticate: (given: string) => (given === 'mine' ? key : null),
  project: (name: string) => (name === 'other' ? { ...key, id: 'p2', name } : null) as never,
}
const access = createAccess({ directory, sessions })
const own = { host: 'localhost:8080', 'sec-fetch-site': 'same-origin' }

describe('who asks', () => {
  it('is whose key it is, in whichever header', async () => {
    for (const headers of [
      { authorization: 'Bearer mine' },
      { authorization: 'bearer  mine ' },
      { 'x-api-key': 'mine' },
      { 'sec-websocket-protocol': 'millrace.tail.v1, bearer.mine' },
    ])
      assert.equal((await access.identify({ headers }))?.id, 'k1', JSON.stringify(headers))
    for (const headers of [{}, { authorization: 'Bearer other' }, { authorization: 'Basic mine' }])
      assert.equal(await access.identify({ headers }), null)
  })

  it('is whose session it is, for our own page only', async () => {
    const asked = (headers: Record<string, string>) =>
      access.identify({ headers: { ...headers, cookie: `other=1; ${SESSION_COOKIE}=good; last=2` } })
    assert.equal((await asked(own))?.id, 'u1')
    for (const site of ['cross-site', 'same-site', 'none'])
      assert.equal(await asked({ ...own, 'sec-fetch-site': site }), null, site)
    assert.equal(await asked({ host: 'localhost:8080' }), null)
  })

  it('is not the session of a request with a key that is not one', async () => {
    const headers = { ...own, cookie: `${SESSION_COOKIE}=good`, authorization: 'Bearer revoked' }
    assert.equal(await access.identify({ headers }), null)
  })

  it('may be of another project where it is theirs', async () => {
    const caller = callerOfKey(key)
    assert.equal(await access.within(caller, 'shop'), caller)
    assert.equal(await access.within(caller, 'p1'), caller)
    assert.equal(await access.within(caller, 'other'), null)
    const operator = callerOfKey({ ...key, projectName: 'default', scopes: ['admin'] })
    assert.deepEqual(await access.within(operator, 'other'), { ...operator, projectId: 'p2', projectName: 'other' })
    assert.equal(await access.within(operator, 'nowhere'), null)
    assert.equal(await access.within(operator, 'o\0ther'), null)
  })
})

describe('a key', () => {
  for (const [scopes, role] of [
    [['ingest'], null],
    [['read'], 'viewer'],
    [['ingest', 'read'], 'viewer'],
    [['admin'], 'admin'],
    [['ingest', 'read', 'admin'], 'admin'],
  ] as const) {
    it(`of the scopes ${scopes} has the role ${role}`, () => {
      assert.equal(callerOfKey({ ...key, scopes }).role, role)
      assert.equal(callerOfKey({ ...key, scopes }).operator, false)
      assert.equal(callerOfKey({ ...key, projectName: 'default', scopes }).operator, role === 'admin')
    })
  }
})

describe('who may', () => {
  const status = (caller: Caller | null, requirement: Parameters<typeof enforce>[1]) => {
    try {
      enforce(caller, requirement)
      return 200
    } catch (error) {
      assert.ok(error instanceof ApiError)
      return error.status
    }
  }
  it('is decided by the role in the project, and nothing else', () => {
    for (const [role, expected] of [
      [null, [200, 403, 403, 403]],
      ['viewer', [200, 200, 403, 403]],
      ['editor', [200, 200, 200, 403]],
      ['admin', [200, 200, 200, 200]],
    ] as const) {
      const got = (['anyone signed in', 'viewer', 'editor', 'admin'] as const).map((requirement) =>
        status({ ...user, role }, requirement),
      )
      assert.deepEqual(got, expected, String(role))
      assert.equal(status({ ...user, role }, 'operator'), 403)
    }
    assert.equal(status({ ...user, operator: true }, 'operator'), 200)
    assert.equal(status(null, 'anyone signed in'), 401)
  })
})

describe('a request', () => {
  it('is of our page by Sec-Fetch-Site, or by Origin or Referer where there is none', () => {
    const host = 'mill.lan:8080'
    for (const headers of [
      { host, 'sec-fetch-site': 'same-origin' },
      { host, origin: `http://${host}` },
      { host, referer: `http://${host}/events` },
    ])
      assert.ok(fromOurPage({ headers }), JSON.stringify(headers))
    for (const headers of [{ host, origin: 'http://mill.lan:9999' }, { host, origin: 'null' }, { host }, {}])
      assert.ok(!fromOurPage({ headers }), JSON.stringify(headers))
  })

  it('is foreign by its Origin, and by a name that is not ours', () => {
    assert.equal(foreignRequest({ headers: { host: 'localhost:8080' } }, '127.0.0.1'), null)
    assert.equal(foreignRequest({ headers: { host: 'mill.example', origin: 'https://mill.example' } }, '0.0.0.0'), null)
    assert.match(foreignRequest({ headers: { host: 'evil.example' } }, '127.0.0.1')!, /not a name/)
    assert.match(foreignRequest({ headers: { host: 'localhost', origin: 'null' } }, '0.0.0.0')!, /may not ask/)
  })
})

describe('the cookie', () => {
  it('is one that no script reads and no other site sends', () => {
    const flags = 'Path=/; HttpOnly; SameSite=Strict'
    assert.equal(sessionCookie('id', true), `${SESSION_COOKIE}=id; ${flags}; Max-Age=2592000; Secure`)
    assert.equal(sessionCookie(null, false), `${SESSION_COOKIE}=; ${flags}; Max-Age=0`)
  })

  it('is found among others, and is Secure behind TLS', () => {
    const cookie = `x${SESSION_COOKIE}=no; ${SESSION_COOKIE}=yes`
    assert.equal(cookieOf({ headers: { cookie } }), 'yes')
    assert.equal(cookieOf({ headers: { cookie: `${SESSION_COOKIE}=` } }), null)
    assert.ok(isSecure({ headers: { origin: 'https://mill.example' } }))
    assert.ok(isSecure({ headers: { 'x-forwarded-proto': 'https' } }))
    assert.ok(!isSecure({ headers: { origin: 'http://mill.example' } }))
  })
})
