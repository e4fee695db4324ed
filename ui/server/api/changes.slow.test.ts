/** Projects, keys, the audit log, and what all changes have in common. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { audited, listAudit } from '../directory/audit.ts'
import { answerOnce } from '../directory/idempotency.ts'
import { type ApiServer, createApiServer, type Who } from '../testing/api_server.ts'
import { ApiError } from './problem.ts'

let api: ApiServer
let operator: Who
before(async () => {
  api = await createApiServer()
  operator = { key: api.operatorKey }
})
after(() => api.close())

async function dump(): Promise<string> {
  const tables = await api.database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'millrace'`,
  )
  const texts = await Promise.all(
    tables.map(async ({ name }) => JSON.stringify(await api.database.query(`select t::text from ${name} t`))),
  )
  return texts.join('')
}

describe('keys', () => {
  it('are shown once, and then nowhere: not by the API, not in the database', async () => {
    const made = await api.ask(
      'POST',
      '/v1/keys',
      operator,
      { name: 'ci', scopes: ['read'] },
      { 'idempotency-key': 'k' },
    )
    assert.equal(made.statusCode, 201)
    const { id, key, ...rest } = made.json()
    assert.match(key, /^mr_[0-9A-Za-z]{32}$/)
    assert.deepEqual([rest.name, rest.scopes, rest.allowed_origins], ['ci', ['read'], []])
    assert.equal((await api.ask('POST', '/v1/query', { key }, { sql: 'select 1' })).statusCode, 200)
    const listed = (await api.ask('GET', '/v1/keys', operator)).body
    const audit = (await api.ask('GET', '/v1/audit', operator)).body
    for (const text of [listed, audit, await dump()]) {
      assert.ok(text.includes(id))
      assert.ok(!text.includes(key.slice(3)), 'the key is in there')
    }
  })

  it('revoked end at once: themselves and their sessions', async () => {
    const made = (await api.ask('POST', '/v1/keys', operator, { scopes: ['read'] })).json()
    const signedIn = await api.ask('POST', '/v1/session', null, { key: ` ${made.key}\n` })
    const session = { cookie: String(signedIn.headers['set-cookie']).split(';')[0] }
    assert.equal((await api.ask('GET', '/v1/session', session)).json().kind, 'key')
    assert.equal((await api.ask('DELETE', `/v1/keys/${made.id}`, operator)).statusCode, 204)
    for (const who of [{ key: made.key }, session])
      assert.equal((await api.ask('GET', '/v1/session', who)).statusCode, 401)
    assert.equal((await api.ask('DELETE', `/v1/keys/${made.id}`, operator)).statusCode, 404)
  })

  it('for browsers may send and nothing else, from the origins named', async () => {
    const origins = (allowed_origins: unknown, scopes = ['ingest']) =>
      api.ask('POST', '/v1/keys', operator, { scopes, allowed_origins })
    const made = (await origins(['https://shop.example'])).json()
    assert.deepEqual(api.directory.authenticate(made.key)?.allowedOrigins, ['https://shop.example'])
    for (const bad of ['shop.example', 'https://shop.example/', 'https://shop.example/x', '*', 'javascript:alert(1)'])
      assert.equal((await origins([bad])).statusCode, 400, bad)
    assert.equal((await origins(['https://shop.example'], ['ingest', 'read'])).statusCode, 400)
  })

  it('of one project are not there for another', async () => {
    const { id } = await api.project('mine')
    const mine = { key: await api.key(id, ['admin']) }
    const theirs = (await api.ask('POST', '/v1/keys', operator, { scopes: ['read'] })).json()
    assert.equal((await api.ask('DELETE', `/v1/keys/${theirs.id}`, mine)).statusCode, 404)
    assert.equal((await api.ask('DELETE', `/v1/keys/${theirs.id}?project=default`, mine)).statusCode, 404)
    assert.ok(!(await api.ask('GET', '/v1/keys', mine)).body.includes(theirs.id))
    assert.equal((await api.ask('POST', '/v1/query', { key: theirs.key }, { sql: '' })).statusCode, 200)
    const made = await api.ask('POST', '/v1/keys?project=mine', operator, { scopes: ['read'] })
    assert.equal(api.directory.authenticate(made.json().key)?.projectId, id)
  })
})

describe('projects', () => {
  it('are made, changed and deleted, and what they were is known', async () => {
    const made = await api.ask('POST', '/v1/projects', operator, { name: 'store', retention_days: 30 })
    const { id } = made.json()
    assert.deepEqual([made.statusCode, made.json().retention_days, made.json().events_per_day], [201, 30, null])
    assert.equal(api.directory.project('store')?.retentionDays, 30, 'is known when it is answered')
    const change = { retention_days: null, bytes_per_day: 1_000_000_000_000 }
    const changed = await api.ask('PATCH', '/v1/projects/store', operator, change)
    assert.deepEqual([changed.json().retention_days, changed.json().bytes_per_day], [null, 1_000_000_000_000])
    assert.equal((await api.ask('GET', `/v1/projects/${id}`, operator)).json().name, 'store')
    const key = await api.key(id, ['ingest', 'read'])
    assert.equal((await api.ask('DELETE', `/v1/projects/${id}`, operator)).statusCode, 204)
    assert.equal(api.directory.authenticate(key), null)
    assert.equal((await api.ask('GET', '/v1/projects/store', operator)).statusCode, 404)
    const { items } = (await api.ask('GET', '/v1/audit?limit=3', operator)).json()
    assert.deepEqual(
      items.map((each: Record<string, { retention_days: number }>) => [
        each.action,
        each.before?.retention_days,
        each.after?.retention_days,
      ]),
      [
        ['project.delete', null, undefined],
        ['project.update', 30, null],
        ['project.create', undefined, 30],
      ],
    )
    assert.deepEqual([items[0].actor_kind, items[0].project_id, items[0].subject], ['key', id, id])
  })

  it('have names that are free, and bounds that are numbers', async () => {
    for (const [body, status] of [
      [{ name: 'default' }, 409],
      [{ name: 'Upper' }, 400],
      [{ name: 'x', retention_days: 0 }, 400],
      [{ name: 'x', events_per_day: -1 }, 400],
      [{ name: 'x', colour: 'red' }, 400],
    ] as const)
      assert.equal((await api.ask('POST', '/v1/projects', operator, body)).statusCode, status, JSON.stringify(body))
    assert.equal((await api.ask('PATCH', '/v1/projects/default', operator, { name: 'other' })).statusCode, 409)
    assert.equal((await api.ask('DELETE', '/v1/projects/default', operator)).statusCode, 409)
  })

  it('are listed page by page, each caller theirs', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await api.project(name)
    const seen: string[] = []
    for (let query = '?limit=2'; ; ) {
      const { items, next } = (await api.ask('GET', `/v1/projects${query}`, operator)).json()
      assert.ok(items.length <= 2)
      seen.push(...items.map(({ name }: { name: string }) => name))
      if (next === null) break
      query = `?limit=2&cursor=${next}`
    }
    assert.deepEqual(seen, seen.toSorted())
    for (const name of ['default', 'page-a', 'page-b', 'page-c']) assert.ok(seen.includes(name))
    for (const query of ['?limit=0', '?limit=101', '?limit=x', '?cursor=x', '?page=2'])
      assert.equal((await api.ask('GET', `/v1/projects${query}`, operator)).statusCode, 400, query)
  })
})

describe('a change', () => {
  const make = (key: string, name: string, who = operator) =>
    api.ask('POST', '/v1/projects', who, { name }, { 'idempotency-key': key })

  it('repeated with its Idempotency-Key is made once, and answered alike', async () => {
    const first = await make('once', 'once')
    const second = await make('once', 'once')
    assert.deepEqual([first.statusCode, second.statusCode], [201, 201])
    assert.deepEqual(second.json(), first.json())
    assert.deepEqual(
      [first.headers['idempotency-replayed'], second.headers['idempotency-replayed']],
      [undefined, 'true'],
    )
    assert.equal((await make('once', 'twice')).statusCode, 422)
    assert.equal(api.directory.project('twice'), null)
  })

  it('repeated does not show a secret again', async () => {
    const ask = () => api.ask('POST', '/v1/keys', operator, { scopes: ['read'] }, { 'idempotency-key': 'secret' })
    const [first, second] = [(await ask()).json(), (await ask()).json()]
    assert.equal(second.id, first.id)
    assert.deepEqual([typeof first.key, second.key], ['string', undefined])
  })

  it('that failed may be tried again with the same key', async () => {
    assert.equal((await make('again', 'default')).statusCode, 409)
    assert.equal((await make('again', 'again')).statusCode, 201)
  })

  it('asked for by many at once with one key is made once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => make('many', 'many')))
    for (const { statusCode } of answers) assert.ok(statusCode === 201 || statusCode === 409, String(statusCode))
    const ids = new Set(answers.filter(({ statusCode }) => statusCode === 201).map((answer) => answer.json().id))
    assert.equal(ids.size, 1)
    const made = await api.database.query(`select 1 from audit_log where after->>'name' = 'many'`)
    assert.equal(made.length, 1)
  })

  it('is refused while another with its key is being made', async () => {
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const once = (work: () => Promise<unknown>) =>
      api.database.transaction((transaction) =>
        answerOnce(transaction, { actor: 'a', key: 'k', content: '', status: 200, shownOnce: [] }, work),
      )
    const first = once(async () => {
      begun.resolve()
      await goOn.promise
      return { made: 1 }
    })
    await begun.promise
    await assert.rejects(
      once(() => assert.fail('nothing is made')),
      (error: unknown) => error instanceof ApiError && error.status === 409,
    )
    goOn.resolve()
    assert.deepEqual(await first, { answer: { made: 1 }, repeated: false })
    const again = await once(() => assert.fail('nothing is made'))
    assert.deepEqual(again, { answer: { made: 1 }, repeated: true })
  })

  it('has keys of its own for each caller, for a day', async () => {
    const { id } = api.directory.defaultProject
    const other = { key: await api.key(id, ['admin']) }
    assert.equal((await make('shared', 'shared-a')).statusCode, 201)
    assert.equal((await make('shared', 'shared-b', other)).statusCode, 201)
    await api.database.query(`update idempotency_keys set created_at = now() - interval '25 hours'`)
    assert.equal((await make('shared', 'shared-c')).statusCode, 201)
    assert.equal((await api.database.query('select 1 from idempotency_keys')).length, 1)
  })

  it('that cannot be audited is not made', async () => {
    await api.database.query('alter table audit_log add constraint broken check (false) not valid')
    const { error } = console
    console.error = () => {}
    try {
      const answer = await api.ask('POST', '/v1/projects', operator, { name: 'unaudited' })
      assert.equal(answer.statusCode, 500)
      assert.doesNotMatch(answer.body, /broken|audit/, 'what broke is not told')
    } finally {
      console.error = error
      await api.database.query('alter table audit_log drop constraint broken')
    }
    assert.equal((await api.ask('GET', '/v1/projects/unaudited', operator)).statusCode, 404)
  })
})

describe('settings of the instance', () => {
  it('are changed by its admins, and have nothing else that is kept there', async () => {
    const get = async () => (await api.ask('GET', '/v1/settings', operator)).json()
    const before = { session_hours: 12, password_sign_in: true }
    assert.deepEqual(await get(), before)
    const changed = await api.ask('PATCH', '/v1/settings', operator, { session_hours: 1 })
    const after = { session_hours: 1, password_sign_in: true }
    assert.deepEqual([changed.json(), await get()], [after, after])
    const [entry] = (await api.ask('GET', '/v1/audit?limit=1', operator)).json().items
    assert.deepEqual([entry.action, entry.before, entry.after], ['settings.update', before, after])
    for (const bad of [{ scram_secret: 'x' }, { session_hours: 0 }, { session_hours: '1' }])
      assert.equal((await api.ask('PATCH', '/v1/settings', operator, bad)).statusCode, 400)
    await api.ask('PATCH', '/v1/settings', operator, before)
  })
})

describe('the audit log', () => {
  it('is of the project for its admins, of everything for those of the instance', async () => {
    const { id } = await api.project('audited')
    const admin = { key: await api.key(id, ['admin']) }
    await api.ask('POST', '/v1/keys', admin, { name: 'theirs', scopes: ['read'] })
    await api.ask('POST', '/v1/keys', operator, { name: 'ours', scopes: ['read'] })
    const of = async (who: Who, query = '') =>
      (await api.ask('GET', `/v1/audit?limit=100${query}`, who)).json().items as { project_id: string; id: number }[]
    for (const entries of [await of(admin), await of(operator, '&project=audited')])
      assert.deepEqual([...new Set(entries.map((entry) => entry.project_id))], [id])
    const all = await of(operator)
    assert.ok(new Set(all.map((entry) => entry.project_id)).size > 1)
    assert.deepEqual(
      all,
      all.toSorted((a, b) => b.id - a.id),
    )
  })
})

describe('an entry of the audit log', () => {
  it('has no secret in it, should it be handed one', async () => {
    const user = { email: 'a@example.com', password: 'p1', nested: { token: 't2', sha256: 'h3' }, key: 'k4' }
    await api.database.transaction((transaction) =>
      audited(
        transaction,
        { kind: 'system', id: '', name: '' },
        {
          ...{ action: 'test', subject: '', projectId: null },
          ...{ before: user, after: user },
        },
      ),
    )
    const [{ before, after }] = await listAudit(api.database, { projectId: null, limit: 1 })
    for (const kept of [before, after]) assert.deepEqual(kept, { email: 'a@example.com', nested: {} })
  })
})

describe('a request that is none', () => {
  it('is answered with a problem', async () => {
    const json = { 'content-type': 'application/json' }
    const post = (body: unknown, headers: Record<string, string> = json) =>
      api.ask('POST', '/v1/projects', operator, body, headers)
    for (const [answer, status] of [
      [await post('{'), 400],
      [await post('<a/>', { 'content-type': 'text/xml' }), 415],
      [await post(JSON.stringify('x'.repeat(1 << 20))), 413],
      [await post('{"name":"a\\u0000"}'), 400],
      [await post('{"__proto__":{"name":"x"}}'), 400],
      [await api.ask('GET', '/v1/nothing', operator), 404],
      [await api.ask('GET', '/v1/projects/%00', operator), 404],
      [await api.ask('GET', '/v1/users/1', operator), 400],
      [await post({ name: 'x' }, { 'idempotency-key': 'a b' }), 400],
    ] as const) {
      assert.equal(answer.statusCode, status, answer.body)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.deepEqual([answer.json().type, answer.json().status], ['about:blank', status])
    }
  })
})
