import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { OperatorError, TransientError } from '../errors/errors.ts'
import { createDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { createTestPostgres, type TestPostgres } from './testing.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await createTestPostgres()
})
after(() => postgres.close())

describe('a database', () => {
  it('gives bigint and numeric as numbers, dates as text', async () => {
    const sql = `select 9007199254740991::bigint as big, 1.5::numeric as number, date '2026-01-02' as day`
    assert.deepEqual(await postgres.database.query(sql), [{ big: 9007199254740991, number: 1.5, day: '2026-01-02' }])
  })

  it('keeps all of a transaction or nothing, COPY included', async () => {
    const { database } = postgres
    await database.query('create table public.numbers (number int check (number < 10), word text)')
    const chunks = ['1\tone\n2\t', 'two\\twords\n']
    const numbers = () => database.query('select * from public.numbers order by 1')
    await assert.rejects(
      database.transaction(async (transaction) => {
        await transaction.copy('copy public.numbers from stdin', chunks)
        await transaction.query('insert into public.numbers values (10)')
      }),
      /violates check constraint/,
    )
    assert.deepEqual(await numbers(), [])
    await database.transaction((transaction) => transaction.copy('copy public.numbers from stdin', chunks))
    assert.deepEqual(await numbers(), [
      { number: 1, word: 'one' },
      { number: 2, word: 'two\twords' },
    ])
  })

  it('hears notifications, and once at the beginning', async () => {
    const { database } = postgres
    let heard = 0
    const { promise: first, resolve: begun } = Promise.withResolvers<void>()
    const { promise: second, resolve: told } = Promise.withResolvers<void>()
    const stop = database.listen('news', () => (++heard === 1 ? begun() : told()))
    await first
    await database.query('notify news')
    await second
    stop()
    assert.equal(heard, 2)
  })

  it('says that the world failed where nobody is there, and what to do where it is refused', async () => {
    const nobody = createDatabase({ connection: 'postgres://x@127.0.0.1:1/x' })
    await assert.rejects(nobody.query('select 1'), TransientError)
    await assert.rejects(
      nobody.transaction(async () => {}),
      TransientError,
    )
    const { host } = postgres.server.connection
    const stranger = createDatabase({ connection: { host, user: 'stranger', database: 'millrace' } })
    await assert.rejects(stranger.query('select 1'), OperatorError)
    const slow = createDatabase({ connection: postgres.server.connection, timeoutMs: 50 })
    await assert.rejects(slow.query('select pg_sleep(10)'), TransientError)
    for (const database of [nobody, stranger, slow]) await database.close()
  })
})

describe('migrations', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-migrations-'))
    writeFileSync(join(folder, '0001_one.sql'), 'create table one (id int);')
    writeFileSync(join(folder, '0002_two.sql'), 'create table two (id int); insert into two values (1);')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('are applied once and in order, by whichever of those that start together', async () => {
    const { database } = postgres
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database, folder)))
    assert.deepEqual(applied.flat(), ['0001_one.sql', '0002_two.sql'])
    assert.deepEqual(await database.query('select * from two'), [{ id: 1 }])
    writeFileSync(join(folder, '0003_three.sql'), 'create table three (id int); select 1/0;')
    await assert.rejects(migrate(database, folder), /division by zero/)
    assert.deepEqual(await database.query(`select to_regclass('three') as three`), [{ three: null }])
    writeFileSync(join(folder, '0003_three.sql'), 'create table three (id int);')
    assert.deepEqual(await migrate(database, folder), ['0003_three.sql'])
  })

  it('are refused where an applied file has changed, and where the database is ahead', async () => {
    const { database } = postgres
    writeFileSync(join(folder, '0002_two.sql'), 'create table two (id bigint);')
    await assert.rejects(migrate(database, folder), /another 0002_two\.sql/)
    rmSync(join(folder, '0003_three.sql'))
    writeFileSync(join(folder, '0002_two.sql'), 'create table two (id int); insert into two values (1);')
    await assert.rejects(migrate(database, folder), /a newer millrace.*0003_three\.sql/)
  })
})
