import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { OperatorError } from '#pipeline/errors/errors.ts'
import { createDatabase } from '#pipeline/postgres/database.ts'
import { migrate } from '#pipeline/postgres/migrate.ts'
import { createTestPostgres, type TestPostgres } from '#pipeline/postgres/testing.ts'
import { cpuMs } from '#pipeline/testing/figures.ts'
import { until } from '#pipeline/testing/until.ts'
import { createStoredDirectory, type StoredDirectory } from './directory.ts'
import { ConflictError, NotFoundError } from './errors.ts'
import { ALL_SCOPES, createKey, listKeys, revokeKey } from './keys.ts'
import { createProject, deleteProject, listProjects, updateProject } from './projects.ts'

const MIGRATIONS = join(import.meta.dirname, '../../../schemas/postgres')

let postgres: TestPostgres
let folder: string
before(async () => {
  postgres = await createTestPostgres()
  folder = mkdtempSync(join(tmpdir(), 'millrace-directory-'))
})
after(async () => {
  await postgres.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await postgres.database.query('drop schema if exists millrace cascade')
  await migrate(postgres.database, MIGRATIONS)
})

const file = () => join(folder, 'directory.json')
const open = (apiKey?: string) => createStoredDirectory({ database: postgres.database, file: file(), apiKey }, true)
async function withDirectory(work: (directory: StoredDirectory) => Promise<void>, apiKey?: string): Promise<void> {
  const directory = await open(apiKey)
  try {
    await work(directory)
  } finally {
    await directory.close()
  }
}

describe('the directory', () => {
  it('makes project default and one key, once, however many start together', async () => {
    const opened = await Promise.all([open(), open(), open()])
    const keys = opened.map(({ firstKey }) => firstKey).filter((key) => key !== null)
    assert.equal(keys.length, 1)
    assert.match(keys[0], /^mr_[0-9A-Za-z]{32}$/)
    for (const directory of opened) {
      const principal = directory.authenticate(keys[0])!
      assert.equal(principal.projectName, 'default')
      assert.deepEqual(principal.scopes, ALL_SCOPES)
      assert.equal(directory.authenticate('mr_00000000000000000000000000000000'), null)
      assert.equal(directory.authenticate(`${keys[0]} `), null)
      await directory.close()
    }
  })

  it('makes no key where one is set, which is nowhere in the database', () =>
    withDirectory(async (directory) => {
      assert.equal(directory.firstKey, null)
      assert.equal(directory.authenticate('a key of the settings')?.keyId, 'MILLRACE_API_KEY')
      assert.deepEqual(await listKeys(postgres.database, directory.defaultProject.id), [])
      const [, user] = [directory.authenticate('a key of the settings'), directory.scramUser('default')]
      assert.equal(user.verifiers.length, 1)
    }, 'a key of the settings'))

  it('has neither key nor part of one in the database or the file', () =>
    withDirectory(async (directory) => {
      const key = directory.firstKey!
      const [{ dump }] = await postgres.database.query<{ dump: string }>(
        `select string_agg(t::text, '') as dump from (select * from api_keys) t`,
      )
      await until(() => existsSync(file()))
      for (const text of [dump, readFileSync(file(), 'utf8')]) {
        for (const part of [key, key.slice(3), key.slice(0, 12)]) assert.ok(!text.includes(part))
      }
      assert.equal(statSync(file()).mode & 0o777, 0o600)
    }))

  it('follows what others change: keys made, revoked, projects renamed and deleted', () =>
    withDirectory(async (directory) => {
      const { database } = postgres
      const project = await createProject(database, { name: 'shop', events_per_day: 1000 })
      const { key, stored } = await createKey(database, {
        projectId: project.id,
        name: 'web',
        scopes: ['ingest'],
        allowedOrigins: ['https://shop.example'],
      })
      await until(() => directory.authenticate(key) !== null)
      assert.deepEqual(directory.authenticate(key), {
        projectId: project.id,
        projectName: 'shop',
        keyId: stored.id,
        scopes: ['ingest'],
        allowedOrigins: ['https://shop.example'],
      })
      assert.equal(directory.project('shop')?.eventsPerDay, 1000)
      assert.equal(directory.scramUser('shop').verifiers.length, 1)
      await updateProject(database, project.id, { name: 'store' })
      await until(() => directory.authenticate(key)?.projectName === 'store')
      assert.equal(directory.project('shop'), null)
      assert.equal(directory.scramUser('shop').verifiers.length, 0)
      await revokeKey(database, project.id, stored.id)
      await until(() => directory.authenticate(key) === null)
      const second = await createKey(database, { projectId: project.id, name: '', scopes: ['read'] })
      await directory.refresh()
      assert.ok(directory.authenticate(second.key))
      await deleteProject(database, project.id)
      await until(() => directory.authenticate(second.key) === null && directory.project(project.id) === null)
    }))

  it('misses no change of transactions that end in another order than they began', () =>
    withDirectory(async (directory) => {
      const { database } = postgres
      const { id } = directory.defaultProject
      const first = Promise.withResolvers<void>()
      const made = database.transaction(async (transaction) => {
        const { key } = await createKey(transaction, { projectId: id, name: 'early', scopes: ['read'] })
        await first.promise
        return key
      })
      const later = createKey(database, { projectId: id, name: 'late', scopes: ['read'] })
      await directory.refresh()
      first.resolve()
      const keys = [await made, (await later).key]
      await directory.refresh()
      for (const key of keys) assert.ok(directory.authenticate(key))
    }))

  it('answers without a query, in microseconds', () =>
    withDirectory(async (directory) => {
      const key = directory.firstKey!
      const took = cpuMs(() => {
        for (let at = 0; at < 100_000; at++) directory.authenticate(key)
      })
      assert.ok(took < 300, `${(took / 100).toFixed(2)} µs a key`)
    }))

  it('starts from what it knew where PostgreSQL is away, and holds what it learns later', async () => {
    const first = await open()
    await first.close()
    const away = createDatabase({ connection: 'postgres://x@127.0.0.1:1/x' })
    const warnings: string[] = []
    const directory = await createStoredDirectory(
      { database: away, file: file(), warn: (message) => warnings.push(message) },
      false,
    )
    assert.ok(directory.authenticate(first.firstKey!))
    await until(() => warnings.length > 0)
    assert.match(warnings[0], /not up to date/)
    await directory.close()
    await away.close()
    writeFileSync(file(), 'broken')
    await assert.rejects(createStoredDirectory({ database: away, file: file() }, false), OperatorError)
  })
})

describe('projects and keys', () => {
  it('have names that are taken once, and a default that stays', () =>
    withDirectory(async ({ defaultProject }) => {
      const { database } = postgres
      const shop = await createProject(database, { name: 'shop' })
      await assert.rejects(createProject(database, { name: 'shop' }), ConflictError)
      await assert.rejects(updateProject(database, defaultProject.id, { name: 'other' }), ConflictError)
      await assert.rejects(deleteProject(database, defaultProject.id), ConflictError)
      assert.deepEqual(
        (await listProjects(database)).map(({ name }) => name),
        ['default', 'shop'],
      )
      await deleteProject(database, shop.id)
      assert.notEqual((await createProject(database, { name: 'shop' })).id, shop.id)
      await assert.rejects(createKey(database, { projectId: shop.id, name: '', scopes: ['read'] }), NotFoundError)
    }))

  it('are listed page by page, and revoked only within their project', () =>
    withDirectory(async ({ defaultProject: { id } }) => {
      const { database } = postgres
      for (let at = 0; at < 5; at++) await createKey(database, { projectId: id, name: `key ${at}`, scopes: ['read'] })
      const names: string[] = []
      for (let after: string | null = null; ; ) {
        const page = await listKeys(database, id, { after, limit: 2 })
        if (page.length === 0) break
        names.push(...page.map(({ name }) => name))
        after = page.at(-1)!.id
      }
      assert.deepEqual(names, ['first key', 'key 0', 'key 1', 'key 2', 'key 3', 'key 4'])
      const other = await createProject(database, { name: 'other' })
      const [{ id: keyId }] = await listKeys(database, id)
      await assert.rejects(revokeKey(database, other.id, keyId), NotFoundError)
      await revokeKey(database, id, keyId)
      await assert.rejects(revokeKey(database, id, keyId), NotFoundError)
    }))
})
