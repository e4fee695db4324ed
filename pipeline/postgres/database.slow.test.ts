import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { InvariantError, OperatorError, TransientError } from '../errors/errors.ts'
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

  it('gives what the work throws as it is, whatever code it has', async () => {
    const { database } = postgres
    for (const error of [
      Object.assign(new Error('refused'), { code: '28000' }),
      Object.assign(new Error('a file of ours'), { code: 'ENOENT' }),
      new Error('a timeout of ours'),
    ]) {
      const thrown = await database.transaction(() => Promise.reject(error)).catch((each: unknown) => each)
      assert.equal(thrown, error)
    }
  })

  it('does not say that a transaction was kept where its work hid a failure', async () => {
    const { database } = postgres
    await database.query('create table public.kept (number int)')
    const work = database.transaction(async (transaction) => {
      await transaction.query('insert into public.kept values (1)')
      await transaction.query('select 1/0').catch(() => {})
    })
    await assert.rejects(work, InvariantError)
    assert.deepEqual(await database.query('select * from public.kept'), [])
  })

  it('takes a server that has become a standby for one that is away', async () => {
    const writing = postgres.database.transaction(async (transaction) => {
      await transaction.query('set transaction read only')
      await transaction.query('create table public.never ()')
    })
    await assert.rejects(writing, TransientError)
  })

  it('waits for a server that does not answer once, and leaves no connection to it behind', async () => {
    const relay = await createRelay(postgres.server.connection.host)
    const url = `postgres://millrace@127.0.0.1:${relay.port}/millrace`
    const database = createDatabase({ connection: url, timeoutMs: 100, queryTimeoutMs: 200 })
    const heard = Promise.withResolvers<void>()
    database.listen('nothing', heard.resolve)
    await heard.promise
    const asked: string[] = []
    const frozen = database.transaction(async (transaction) => {
      await transaction.query('select 1')
      relay.freeze((text) => asked.push(text))
      await transaction.query('select 2')
    })
    await assert.rejects(frozen, TransientError)
    assert.ok(asked.some((text) => text.includes('select 2')))
    assert.ok(!asked.some((text) => text.includes('rollback')))
    await database.close()
    await relay.left.finally(relay.close)
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

/** A way to the server on which, once frozen, nothing is answered and nothing is closed. */
async function createRelay(host: string) {
  const sockets = new Set<Socket>()
  let swallowed: ((text: string) => void) | null = null
  const left = Promise.withResolvers<void>()
  const prodding: NodeJS.Timeout[] = []
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect(join(host, '.s.PGSQL.5432'))
    sockets.add(client)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.on('error', () => {})
      from.on('data', (chunk) => (swallowed === null ? to.write(chunk) : swallowed(chunk.toString('latin1'))))
    }
    client.on('end', () => {
      upstream.destroy()
      // Half of a notice: a socket that is still there takes it, one that was destroyed has it refused.
      client.write('N\0\0\x7f\xff')
      prodding.push(setInterval(() => client.write('x'), 20))
    })
    client.on('close', () => {
      sockets.delete(client)
      if (sockets.size === 0) left.resolve()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    port: (server.address() as AddressInfo).port,
    freeze(tell: (text: string) => void) {
      swallowed = tell
    },
    /** Resolves when nobody is connected any more. */
    left: left.promise,
    close() {
      for (const timer of prodding) clearInterval(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

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
