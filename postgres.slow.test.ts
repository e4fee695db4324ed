import assert from 'node:assert/strict'
import { it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { createTestPostgres } from '#pipeline/postgres/testing.ts'
import { until } from '#pipeline/testing/until.ts'
import { openPostgres } from './postgres.ts'

it('lets nobody at a database that came late before it is of this version', async () => {
  const test = await createTestPostgres()
  const { host, user, database: name } = test.server.connection
  const url = `postgres://${user}@/${name}?host=${encodeURIComponent(host)}`
  const { promise: brought, resolve: bring } = Promise.withResolvers<void>()
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>()
  // Nobody else is let in, as if nobody were there.
  await test.database.query(`alter database ${name} connection limit 0`)
  await test.database.query(`create role stranger login`)
  const opened = await openPostgres({
    url: url.replace(user, 'stranger'),
    directory: '/nowhere',
    warn: () => {},
  })
  assert.equal(opened.reachable, false)
  const migrating = test.database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [0x6d696c6c])
    isHeld()
    await brought
  })
  await held
  await test.database.query(`alter role stranger superuser`)
  await test.database.query(`alter database ${name} connection limit -1`)
  const waiting = () =>
    test.database.query(`select 1 from pg_stat_activity where usename = 'stranger' and wait_event_type = 'Lock'`)
  await until(async () => (await waiting()).length > 0)
  await assert.rejects(opened.database.query('select * from generations'), TransientError)
  await assert.rejects(
    opened.database.transaction(async () => {}),
    TransientError,
  )
  bring()
  await migrating
  await until(async () => {
    const rows = await opened.database.query('select * from generations').catch((error: unknown) => {
      assert.ok(error instanceof TransientError, String(error))
      return null
    })
    return rows !== null
  })
  await opened.close()
  await test.close()
})
