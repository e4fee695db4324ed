import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Connection } from '#pipeline/postgres/database.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres, type TestPostgres } from '#pipeline/postgres/testing.ts'
import { createStoredDirectory, type StoredDirectory } from './directory.ts'
import { createKey, revokeKey } from './keys.ts'
import { removeMember, setMember } from './members.ts'
import { createProject } from './projects.ts'
import { createSessions, type SessionOf } from './sessions.ts'
import { createUser, type User } from './users.ts'

let postgres: TestPostgres
let directory: StoredDirectory
let folder: string
let user: User
let projectId: string
before(async () => {
  postgres = await createTestPostgres()
  folder = mkdtempSync(join(tmpdir(), 'millrace-sessions-'))
  const { database } = postgres
  await migrate(database, join(import.meta.dirname, '../../../schemas/postgres'))
  directory = await createStoredDirectory(
    { database, file: join(folder, 'd.json'), apiKey: 'a key of the settings' },
    true,
  )
  projectId = directory.defaultProject.id
  user = await createUser(database, { email: 'a@example.com', password: null })
  await setMember(database, projectId, { user: user.id }, 'viewer')
})
after(async () => {
  await directory.close()
  await postgres.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Sessions on a database that counts what it is asked, and can be away. */
function serving(options: { maxCached?: number } = {}) {
  const state = { now: 0, asked: 0, isAway: false, answers: Promise.resolve() }
  const database: Connection = {
    async query(sql, params) {
      if (state.isAway) throw new TransientError('PostgreSQL: away')
      const isAsked = /from sessions s\b/.test(sql)
      if (isAsked) state.asked++
      const rows = await postgres.database.query(sql, params)
      if (isAsked) await state.answers
      return rows as never
    },
  }
  return { state, sessions: createSessions({ database, directory, now: () => state.now, ...options }) }
}

const ofUser = (): SessionOf => ({ userId: user.id, projectId })

describe('a session', () => {
  it('is of a random token that is stored nowhere, and outlives us', async () => {
    const token = await serving().sessions.open(ofUser())
    assert.match(token, /^[\w-]{43}$/)
    const stored = JSON.stringify(await postgres.database.query('select t::text from sessions t'))
    assert.ok(!stored.includes(token) && !stored.includes(Buffer.from(token, 'base64url').toString('hex')))
    const caller = await serving().sessions.callerOf(token)
    assert.deepEqual([caller?.kind, caller?.name, caller?.role], ['user', 'a@example.com', 'viewer'])
    const other = `${token[0] === '_' ? '-' : '_'}${token.slice(1)}`
    for (const guessed of [other, '', 'x'.repeat(43), `${token} `])
      assert.equal(await serving().sessions.callerOf(guessed), null)
  })

  it('is what it was changed to, whatever was being asked meanwhile', async () => {
    const { state, sessions } = serving()
    const other = await createProject(postgres.database, { name: 'other' })
    await setMember(postgres.database, other.id, { user: user.id }, 'viewer')
    for (const [change, expected] of [
      [(token: string) => sessions.choose(token, other.id), other.id],
      [(token: string) => sessions.end(token), undefined],
    ] as const) {
      const token = await sessions.open(ofUser())
      const { promise, resolve } = Promise.withResolvers<void>()
      state.answers = promise
      const asking = sessions.callerOf(token)
      await postgres.database.query('select 1')
      await change(token)
      resolve()
      await asking
      assert.equal((await sessions.callerOf(token))?.projectId, expected)
    }
  })

  it('is asked for once a second, by many requests once', async () => {
    const { state, sessions } = serving()
    const token = await sessions.open(ofUser())
    await sessions.callerOf(token)
    state.now = 999
    for (let at = 0; at < 10; at++) await sessions.callerOf(token)
    assert.equal(state.asked, 1)
    state.now = 1000
    await Promise.all(Array.from({ length: 10 }, () => sessions.callerOf(token)))
    assert.equal(state.asked, 2)
  })

  it('means what is so a second later, and at once to whoever changed it', async () => {
    const { state, sessions } = serving()
    const token = await sessions.open(ofUser())
    assert.equal((await sessions.callerOf(token))?.role, 'viewer')
    await setMember(postgres.database, projectId, { user: user.id }, 'editor')
    assert.equal((await sessions.callerOf(token))?.role, 'viewer')
    sessions.forget()
    assert.equal((await sessions.callerOf(token))?.role, 'editor')
    await removeMember(postgres.database, projectId, { user: user.id })
    state.now = 1000
    assert.equal((await sessions.callerOf(token))?.role, null)
    await setMember(postgres.database, projectId, { user: user.id }, 'viewer')
  })

  it('asked for while something changes is asked for again', async () => {
    const { state, sessions } = serving()
    const token = await sessions.open(ofUser())
    const asking = sessions.callerOf(token)
    sessions.forget()
    await asking
    await sessions.callerOf(token)
    assert.equal(state.asked, 2)
  })

  it('ends with its time, its key, and when it is ended', async () => {
    const { database } = postgres
    const { state, sessions } = serving()
    const { key, stored } = await createKey(database, { projectId, name: 'ci', scopes: ['read'] })
    await directory.refresh()
    const principal = directory.authenticate(key)!
    const [ofKey, over, ended] = [
      await sessions.open({ principal, key }),
      await sessions.open(ofUser()),
      await sessions.open(ofUser()),
    ]
    assert.deepEqual([(await sessions.callerOf(ofKey))?.kind, (await sessions.callerOf(ofKey))?.name], ['key', 'ci'])
    for (const token of [over, ended]) assert.ok(await sessions.callerOf(token))
    await revokeKey(database, projectId, stored.id)
    await sessions.end(ended)
    state.now = 1000
    for (const token of [ofKey, ended]) assert.equal(await sessions.callerOf(token), null)
    assert.ok(await sessions.callerOf(over))
    await database.query(`update sessions set expires_at = now()`)
    state.now = 2000
    assert.equal(await sessions.callerOf(over), null)
    await sessions.open(ofUser())
    assert.equal((await database.query('select 1 from sessions')).length, 1, 'what is over is taken away')
  })

  it('of the key of the settings lasts as long as we and the key do', async () => {
    const { sessions } = serving()
    const key = 'a key of the settings'
    const token = await sessions.open({ principal: directory.authenticate(key)!, key })
    assert.equal((await sessions.callerOf(token))?.operator, true)
    assert.equal(await serving().sessions.callerOf(token), null)
    await sessions.end(token)
    assert.equal(await sessions.callerOf(token), null)
  })

  it('goes on for a minute where PostgreSQL is away, for who was known', async () => {
    const { state, sessions } = serving()
    const token = await sessions.open(ofUser())
    const other = await sessions.open(ofUser())
    await sessions.callerOf(token)
    state.isAway = true
    state.now = 60_000
    assert.equal((await sessions.callerOf(token))?.id, user.id)
    await assert.rejects(sessions.callerOf(other), TransientError)
    state.now = 61_001
    await assert.rejects(sessions.callerOf(token), TransientError)
    state.isAway = false
    assert.equal((await sessions.callerOf(token))?.id, user.id)
  })

  it('is one of a bounded number, in memory and of a user', async () => {
    const { sessions } = serving({ maxCached: 2 })
    const tokens = [await sessions.open(ofUser()), await sessions.open(ofUser()), await sessions.open(ofUser())]
    for (const token of tokens) assert.ok(await sessions.callerOf(token))
    assert.equal(sessions.size, 2)
    for (let at = 0; at < 100; at++) await sessions.open(ofUser())
    assert.equal((await postgres.database.query('select 1 from sessions')).length, 100)
    sessions.forget()
    assert.equal(await sessions.callerOf(tokens[0]), null)
  })
})
