import { readFileSync } from 'node:fs'
import { after, before, describe } from 'node:test'
import { createTestPostgres, type TestPostgres } from '../postgres/testing.ts'
import { describeStateStore } from './conformance.ts'
import { createPostgresStateStore } from './postgres.ts'

const TABLES = readFileSync(new URL('../../schemas/postgres/0003_workers.sql', import.meta.url), 'utf8')

describe('stage state in PostgreSQL', () => {
  let postgres: TestPostgres
  before(async () => {
    postgres = await createTestPostgres()
    await postgres.database.query('create schema millrace')
    await postgres.database.query(TABLES)
  })
  after(() => postgres.close())

  describeStateStore('the state store in PostgreSQL', async () => ({
    states: createPostgresStateStore(postgres.database),
    reopen: async () => createPostgresStateStore(postgres.database),
    close: async () => void (await postgres.database.query('delete from stage_state')),
  }))
})
