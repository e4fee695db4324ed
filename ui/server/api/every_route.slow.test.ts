/** Who gets what from every route: a route without a line here fails. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { createInvitation } from '../directory/invitations.ts'
import { setMember } from '../directory/members.ts'
import { createTeam } from '../directory/teams.ts'
import { createUser } from '../directory/users.ts'
import { type ApiServer, createApiServer, type Who } from '../testing/api_server.ts'

/** In the order of the columns below. All but `operator`, `stranger` are of project `shop`. */
const CALLERS = [
  'nobody',
  'ingest',
  'read',
  'adminKey',
  'stranger',
  'revoked',
  'viewer',
  'editor',
  'admin',
  'operator',
  'expired',
  'disabled',
  'foreign',
] as const
type CallerName = (typeof CALLERS)[number]

const PUBLIC = (status: number) => [...Array(12).fill(status), 403]
//                                          none ingest read adminKey stranger revoked viewer editor admin operator expired disabled foreign
const SIGNED_IN = (status: number) => [401, ...Array(4).fill(status), 401, ...Array(4).fill(status), 401, 401, 403]
const VIEWER = (status: number) => [
  401,
  403,
  status,
  status,
  status,
  401,
  status,
  status,
  status,
  status,
  401,
  401,
  403,
]
const ADMIN = (status: number, elsewhere = status) => [
  401,
  403,
  403,
  status,
  elsewhere,
  401,
  403,
  403,
  status,
  elsewhere,
  401,
  401,
  403,
]
const OPERATOR = (status: number) => [401, 403, 403, 403, 403, 401, 403, 403, 403, status, 401, 401, 403]
/** Of a project named in the path or query. */
const OF_SHOP = (status: number, reader = status) => [
  401,
  403,
  reader,
  status,
  404,
  401,
  reader,
  reader,
  status,
  status,
  401,
  401,
  403,
]

const EDITOR = (status: number) => [401, 403, 403, status, status, 401, 403, ...Array(3).fill(status), 401, 401, 403]

const NOTES = { name: 'cart', owner: 'ann', description: null }
const NOBODY = '00000000-0000-4000-8000-000000000000'

interface Line {
  readonly body?: unknown
  readonly url?: string
  readonly expected: readonly number[]
}

/** By method and path. A body that is not complete is refused with 400 by whoever may ask, and changes nothing. */
const LINES: Readonly<Record<string, Line | readonly Line[]>> = {
  'GET /healthz': { expected: PUBLIC(200) },
  'GET /readyz': { expected: PUBLIC(200) },
  'GET /metrics': { expected: PUBLIC(200) },
  'GET /v1/openapi.json': { expected: PUBLIC(200) },
  'GET /v1/topology': { expected: VIEWER(200) },
  'POST /v1/query': [
    { body: { sql: 'select 1' }, expected: VIEWER(200) },
    { url: '/v1/query?project=shop', body: { sql: 'select 1' }, expected: OF_SHOP(200) },
  ],
  'POST /v1/session': { body: {}, expected: PUBLIC(400) },
  // By a key only.
  'POST /v1/session/code': { expected: [401, 403, 200, 200, 200, 401, 403, 403, 403, 403, 401, 401, 403] },
  'GET /v1/session': { expected: SIGNED_IN(200) },
  'PATCH /v1/session': { body: {}, expected: SIGNED_IN(400) },
  'DELETE /v1/session': { url: '/v1/session?no', expected: SIGNED_IN(400) },
  'POST /v1/session/password': { body: {}, expected: SIGNED_IN(400) },
  'GET /v1/session/ways': { expected: PUBLIC(200) },
  'GET /v1/session/oidc': { expected: PUBLIC(404) },
  'GET /v1/session/oidc/callback': { expected: PUBLIC(404) },
  'GET /v1/projects': { expected: SIGNED_IN(200) },
  'POST /v1/projects': { body: {}, expected: OPERATOR(400) },
  'GET /v1/projects/:project': { url: '/v1/projects/shop', expected: OF_SHOP(200) },
  'PATCH /v1/projects/:project': { url: '/v1/projects/shop', body: {}, expected: OF_SHOP(200, 403) },
  'DELETE /v1/projects/:project': {
    url: '/v1/projects/shop?no',
    expected: [401, 403, 403, 403, 404, 401, 403, 403, 403, 400, 401, 401, 403],
  },
  'GET /v1/keys': [{ expected: ADMIN(200) }, { url: '/v1/keys?project=shop', expected: OF_SHOP(200, 403) }],
  'POST /v1/keys': [
    { body: { name: 'x', scopes: ['read'] }, expected: ADMIN(201) },
    { url: '/v1/keys?project=shop', body: { scopes: ['ingest'] }, expected: OF_SHOP(201, 403) },
  ],
  'DELETE /v1/keys/:key': [
    { url: '/v1/keys/key_of_nobody', expected: ADMIN(404) },
    { url: '/v1/keys/$key', expected: ADMIN(204, 404) },
    { url: '/v1/keys/$key?project=shop', expected: OF_SHOP(204, 403) },
  ],
  'GET /v1/members': [{ expected: VIEWER(200) }, { url: '/v1/members?project=shop', expected: OF_SHOP(200) }],
  'PUT /v1/members/:kind/:id': [
    { url: '/v1/members/user/$user', body: { role: 'viewer' }, expected: ADMIN(204) },
    { url: `/v1/members/team/${NOBODY}`, body: { role: 'viewer' }, expected: ADMIN(404) },
    { url: '/v1/members/user/$user?project=shop', body: { role: 'viewer' }, expected: OF_SHOP(204, 403) },
  ],
  'DELETE /v1/members/:kind/:id': [
    { url: '/v1/members/user/$member', expected: ADMIN(204, 404) },
    { url: '/v1/members/user/$member?project=shop', expected: OF_SHOP(204, 403) },
  ],
  'GET /v1/invitations': { expected: ADMIN(200) },
  'POST /v1/invitations': { body: { email: 'guest@example.com', role: 'viewer' }, expected: ADMIN(201) },
  'DELETE /v1/invitations/:invitation': [
    { url: '/v1/invitations/$invitation', expected: ADMIN(204, 404) },
    { url: '/v1/invitations/$invitation?project=shop', expected: OF_SHOP(204, 403) },
  ],
  'POST /v1/invitations/accept': { body: {}, expected: PUBLIC(400) },
  'GET /v1/users': { expected: OPERATOR(200) },
  'POST /v1/users': { body: {}, expected: OPERATOR(400) },
  'GET /v1/users/:user': { url: '/v1/users/$user', expected: OPERATOR(200) },
  'PATCH /v1/users/:user': { url: '/v1/users/$user', body: { disabled: true }, expected: OPERATOR(200) },
  'POST /v1/users/:user/password': { url: '/v1/users/$user/password', expected: OPERATOR(200) },
  'GET /v1/teams': { expected: OPERATOR(200) },
  'POST /v1/teams': { body: {}, expected: OPERATOR(400) },
  'GET /v1/teams/:team': { url: '/v1/teams/$team', expected: OPERATOR(200) },
  'DELETE /v1/teams/:team': { url: '/v1/teams/$team', expected: OPERATOR(204) },
  'PUT /v1/teams/:team/users/:user': { url: '/v1/teams/$team/users/$user', expected: OPERATOR(200) },
  'DELETE /v1/teams/:team/users/:user': { url: '/v1/teams/$team/users/$user', expected: OPERATOR(200) },
  'GET /v1/settings': { expected: OPERATOR(200) },
  'PATCH /v1/settings': { body: { session_hours: 12 }, expected: OPERATOR(200) },
  'GET /v1/services': [{ expected: VIEWER(200) }, { url: '/v1/services?project=shop', expected: OF_SHOP(200) }],
  'PUT /v1/services/notes': [
    { body: NOTES, expected: EDITOR(200) },
    {
      url: '/v1/services/notes?project=shop',
      body: NOTES,
      expected: [401, 403, 403, 200, 404, 401, 403, 200, 200, 200, 401, 401, 403],
    },
  ],
  'GET /v1/usage': [{ expected: VIEWER(200) }, { url: '/v1/usage?project=shop', expected: OF_SHOP(200) }],
  'GET /v1/ledger': [{ expected: VIEWER(200) }, { url: '/v1/ledger?project=shop', expected: OF_SHOP(200) }],
  'GET /v1/dead_letters': [{ expected: VIEWER(200) }, { url: '/v1/dead_letters?project=shop', expected: OF_SHOP(200) }],
  'GET /v1/dead_letters/rows': [
    { expected: VIEWER(200) },
    { url: '/v1/dead_letters/rows?project=shop', expected: OF_SHOP(200) },
  ],
  'POST /v1/dead_letters/requeue': [
    { body: { all: true }, expected: ADMIN(200) },
    { url: '/v1/dead_letters/requeue?project=shop', body: { code: 'malformed' }, expected: OF_SHOP(200, 403) },
  ],
  'POST /v1/dead_letters/discard': [
    { body: {}, expected: ADMIN(400) },
    { url: '/v1/dead_letters/discard?project=shop', body: { stage: 'normalize' }, expected: OF_SHOP(200, 403) },
  ],
  'POST /v1/dead_letters/accept': [
    { body: { stage: 'normalize' }, expected: OPERATOR(200) },
    { body: { stage: 'no_stage' }, expected: OPERATOR(404) },
  ],
  'GET /v1/replays': { expected: OPERATOR(200) },
  'POST /v1/replays/missing': { body: { kind: 'beginning' }, expected: OPERATOR(200) },
  'POST /v1/replays': { body: { begin: { kind: 'beginning' } }, expected: OPERATOR(409) },
  'POST /v1/replays/:generation/compare': { url: '/v1/replays/7/compare', expected: OPERATOR(404) },
  'POST /v1/replays/:generation/flip': { url: '/v1/replays/7/flip', body: {}, expected: OPERATOR(404) },
  'DELETE /v1/replays/:generation': { url: '/v1/replays/7', expected: OPERATOR(404) },
  'GET /v1/audit': [{ expected: ADMIN(200) }, { url: '/v1/audit?project=shop', expected: OF_SHOP(200, 403) }],
}

const NEW: Readonly<Record<string, () => Promise<string>>> = {
  async $key() {
    await api.key(shopId, ['read'], { name: 'to be revoked' })
    return newest('api_keys')
  },
  $user: async () => (await createUser(api.database, { email: `${randomUUID()}@example.com`, password: null })).id,
  async $member() {
    const { id } = await createUser(api.database, { email: `${randomUUID()}@example.com`, password: null })
    await setMember(api.database, shopId, { user: id }, 'viewer')
    return id
  },
  $team: async () => (await createTeam(api.database, randomUUID())).id,
  async $invitation() {
    const invited = { projectId: shopId, email: 'guest@example.com', role: 'viewer', createdBy: 'test' } as const
    return (await createInvitation(api.database, invited)).invitation.id
  },
}

async function newest(table: string): Promise<string> {
  const [{ id }] = await api.database.query<{ id: string }>(`select id from ${table} order by created_at desc limit 1`)
  return id
}

let api: ApiServer
let shopId: string
const who = {} as Record<CallerName, Who>

before(async () => {
  api = await createApiServer()
  const { id } = await api.project('shop')
  shopId = id
  const { id: otherId } = await api.project('other')
  const { id: defaultId } = api.directory.defaultProject
  const user = async (name: string, role: 'viewer' | 'editor' | 'admin', projectId = id) =>
    api.signIn(await api.user(`${name}@example.com`, projectId, role), projectId)
  who.nobody = null
  who.ingest = { key: await api.key(id, ['ingest']) }
  who.read = { key: await api.key(id, ['read']) }
  who.adminKey = { key: await api.key(id, ['admin']) }
  who.stranger = { key: await api.key(otherId, ['ingest', 'read', 'admin']) }
  who.revoked = { key: await api.key(id, ['admin'], { name: 'revoked' }) }
  who.viewer = await user('viewer', 'viewer')
  who.editor = await user('editor', 'editor')
  who.admin = await user('admin', 'admin')
  who.operator = await user('operator', 'admin', defaultId)
  who.expired = await user('expired', 'admin')
  who.disabled = await user('disabled', 'admin')
  who.foreign = who.operator
  await api.database.query(`update api_keys set revoked_at = now() where name = 'revoked'`)
  await api.database.query(
    `update sessions set expires_at = now() where user_id = (select id from users where email like 'expired@%')`,
  )
  await api.database.query(`update users set disabled_at = now() where email like 'disabled@%'`)
  await api.directory.refresh()
})
after(() => api.close())

/** With ids of what is made for this request, in project shop. */
async function fill(url: string): Promise<string> {
  let filled = url
  for (const [name, make] of Object.entries(NEW)) if (filled.includes(name)) filled = filled.replace(name, await make())
  return filled
}

describe('every route', () => {
  it('has its line', () => {
    assert.deepEqual(api.registered.toSorted(), Object.keys(LINES).toSorted())
  })

  it('is in the OpenAPI document', async () => {
    const { paths } = (await api.ask('GET', '/v1/openapi.json')).json()
    const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    )
    assert.deepEqual(described.toSorted(), api.registered.toSorted())
  })

  for (const [route, lines] of Object.entries(LINES)) {
    const [method, path] = route.split(' ')
    for (const { url = path, body, expected } of [lines].flat()) {
      it(`${method} ${url} ${body === undefined ? '' : JSON.stringify(body)}`, async () => {
        const got: Record<string, number> = {}
        for (const name of CALLERS) {
          const headers: Record<string, string> = name === 'foreign' ? { origin: 'https://evil.example' } : {}
          const answer = await api.ask(method as 'GET', await fill(url), who[name], body, headers)
          got[name] = answer.statusCode
          if (answer.statusCode < 400) continue
          assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
          const problem = answer.json()
          assert.deepEqual(
            [problem.status, typeof problem.detail, problem.code.length],
            [answer.statusCode, 'string', 5],
          )
        }
        assert.deepEqual(got, Object.fromEntries(CALLERS.map((name, at) => [name, expected[at]])))
      })
    }
  }
})
