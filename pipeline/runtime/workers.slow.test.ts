/** Processes hear of each other by a real PostgreSQL. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { createTestPostgres, type TestPostgres } from '../postgres/testing.ts'
import { until } from '../testing/until.ts'
import type { TopologyReport } from './report.ts'
import { createWorkers, liveWorkers } from './workers.ts'

const TABLES = readFileSync(new URL('../../schemas/postgres/0003_workers.sql', import.meta.url), 'utf8')

let postgres: TestPostgres
before(async () => {
  postgres = await createTestPostgres()
  await postgres.database.query('create schema millrace')
  await postgres.database.query(TABLES)
})
after(() => postgres.close())

function worker(role: string, log = 'log-1') {
  const report = async () => ({ name: 't', topics: [], parts: [] }) as unknown as TopologyReport
  const { database } = postgres
  return createWorkers({ database, log, roles: [role], reporter: { report }, warn: assert.fail })
}

it('those of one log are known to each other, until they go or fall silent', async () => {
  const [first, second, stranger] = [worker('ui'), worker('stages'), worker('lake', 'log-2')]
  const roles = async () => (await first.report()).workers!.flatMap((each) => each.roles)
  await until(async () => (await roles()).length === 2)
  assert.deepEqual(await roles(), ['ui', 'stages'])
  assert.equal((await liveWorkers(postgres.database, 'log-1')).length, 2)
  await second.close()
  assert.deepEqual(await roles(), ['ui'], 'it took its leave')
  assert.equal((await liveWorkers(postgres.database, 'log-1')).length, 1)
  const silent = worker('receive')
  await until(async () => (await roles()).length === 2)
  await silent.close()
  await postgres.database.query(
    `insert into workers (id, log, host, pid, roles, parts, seen_at)
    values (gen_random_uuid(), 'log-1', 'h', 1, '{receive}', '[]', now() - interval '11 seconds')`,
  )
  assert.deepEqual(await roles(), ['ui'], 'it has not been heard of for too long')
  await Promise.all([first.close(), stranger.close()])
})
