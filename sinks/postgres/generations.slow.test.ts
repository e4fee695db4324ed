import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import {
  compareGeneration,
  createGeneration,
  dropGeneration,
  listGenerations,
  prepareProjections,
  swapGeneration,
} from './generations.ts'
import { createPostgresWriter } from './postgres.ts'
import { defineProjection, type Projection } from './projection.ts'
import { readServices, readUsage } from './read.ts'
import { TELEMETRY_PROJECTIONS } from './telemetry_projections.ts'
import { createProjectionsDatabase, type ProjectionsDatabase } from './testing/projections_database.ts'
import { sampleEvents } from './testing/sample_events.ts'
import { usage } from './usage.ts'

let postgres: ProjectionsDatabase
let database: Database
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
})
after(() => postgres.close())
afterEach(() => postgres.clear())

const limits = { flushAgeMs: 3_600_000, idleFlushAgeMs: 3_600_000 }

async function writeUpTo(end: number, generation?: number, projections = TELEMETRY_PROJECTIONS): Promise<void> {
  const writer = await createPostgresWriter({ database, projections, generation, limits })
  for (let offset = 0; offset < end; offset++) await writer.write(sampleEvents(offset))
  await writer.flush()
  await writer.close()
}

/** As a later version might have it: the events of each project alone. */
const totals: Projection = defineProjection({
  name: 'usage',
  columns: { project_id: 'text', events: 'bigint' },
  key: ['project_id'],
  merge: { events: 'sum' },
  *rows({ projectId, eventCount }) {
    yield { project_id: projectId, events: eventCount }
  },
})

describe('the first generation', () => {
  it('is made once, by whichever of those that start together', async () => {
    const made = await Promise.all([1, 2, 3].map(() => prepareProjections(database, TELEMETRY_PROJECTIONS)))
    assert.equal(new Set(made).size, 1)
    const generations = await listGenerations(database)
    assert.deepEqual(
      generations.map(({ generation, live }) => [generation, live]),
      [[made[0], true]],
    )
  })

  it('of another version of millrace is not written to', async () => {
    await prepareProjections(database, [usage])
    await assert.rejects(createPostgresWriter({ database, projections: [totals] }), (error: Error) => {
      return (
        error instanceof OperatorError &&
        /generation \d+\).*use that version, or build them anew with: millrace replay start/.test(error.message)
      )
    })
  })

  it('gets the views of a version whose tables are the same', async () => {
    await prepareProjections(database, [usage])
    const views = { usage_of_all: () => 'select 1 as one' }
    await prepareProjections(database, [{ ...usage, views }])
    assert.deepEqual(await database.query('select * from usage_of_all'), [{ one: 1 }])
    await assert.rejects(database.query('select * from usage'), /does not exist/)
  })
})

describe('another generation', () => {
  it('is built beside the live one, compared, and becomes the live one', async () => {
    await writeUpTo(6)
    const [{ generation: first }] = await listGenerations(database)
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await writeUpTo(3, second)
    const [of] = await compareGeneration(database, TELEMETRY_PROJECTIONS, second)
    assert.equal(of.projection, 'services')
    assert.ok(of.rows > 0 && of.rows < of.liveRows, JSON.stringify(of))
    const before = await readUsage(database, 'project-0')
    await assert.rejects(swapGeneration(database, TELEMETRY_PROJECTIONS, second), (error: Error) => {
      return error instanceof TransientError && /stands at origin 2 of .*, the live one at 5/.test(error.message)
    })
    await writeUpTo(6, second)
    for (const { rows, liveRows } of await compareGeneration(database, TELEMETRY_PROJECTIONS, second)) {
      assert.equal(rows, liveRows)
    }
    await swapGeneration(database, TELEMETRY_PROJECTIONS, second)
    assert.deepEqual(await readUsage(database, 'project-0'), before)
    await database.query(`update usage_g${second} set events = 1000`)
    assert.equal((await readUsage(database, 'project-0'))[0].events, 1000, 'readers have the new one')
    await dropGeneration(database, first)
    assert.deepEqual(
      (await listGenerations(database)).map(({ generation, live }) => [generation, live]),
      [[second, true]],
    )
    assert.deepEqual(await database.query(`select to_regclass('usage_g${first}') as old`), [{ old: null }])
  })

  it('cannot become the live one before it has begun', async () => {
    await writeUpTo(2)
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await assert.rejects(swapGeneration(database, TELEMETRY_PROJECTIONS, second), /origin none/)
  })

  it('may be of another log, where the old one is gone', async () => {
    await writeUpTo(6)
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const writer = await createPostgresWriter({ database, generation: second, limits })
    const batch = sampleEvents(0)
    await writer.write({ ...batch, origin: { ...batch.origin, log: 'new' } })
    await writer.flush()
    await writer.close()
    await swapGeneration(database, TELEMETRY_PROJECTIONS, second)
  })

  it('is gone on with by who wrote the one before, exactly', async () => {
    const writer = await createPostgresWriter({ database, limits })
    for (let offset = 0; offset < 4; offset++) await writer.write(sampleEvents(offset))
    await writer.flush()
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await writeUpTo(5, second)
    await swapGeneration(database, TELEMETRY_PROJECTIONS, second)
    await writer.write(sampleEvents(4))
    await assert.rejects(writer.flush(), TransientError)
    await writer.close()
    await writeUpTo(6)
    const found = await readUsage(database, 'project-1')
    const straight = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await writeUpTo(6, straight)
    await swapGeneration(database, TELEMETRY_PROJECTIONS, straight)
    assert.deepEqual(found, await readUsage(database, 'project-1'))
  })

  it('may have other columns, unless a view of somebody needs those that go', async () => {
    await writeUpTo(3, undefined, [usage])
    const second = await createGeneration(database, [totals])
    await writeUpTo(3, second, [totals])
    await database.query('create view hours as select hour from usage')
    await assert.rejects(swapGeneration(database, [totals], second), (error: Error) => {
      return error instanceof OperatorError && /view hours depends on view usage/.test(error.message)
    })
    await database.query('drop view hours')
    await swapGeneration(database, [totals], second)
    assert.deepEqual(Object.keys((await database.query('select * from usage'))[0]), ['project_id', 'events'])
  })

  it('cannot be dropped while it is live, nor written to once dropped', async () => {
    const live = await prepareProjections(database, TELEMETRY_PROJECTIONS)
    await assert.rejects(dropGeneration(database, live), /flip to another/)
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const writer = await createPostgresWriter({ database, generation: second, limits })
    await writer.write(sampleEvents(1))
    await dropGeneration(database, second)
    await assert.rejects(writer.flush(), OperatorError)
    await writer.close()
    await assert.rejects(dropGeneration(database, second), /there is no generation/)
    assert.ok((await createGeneration(database, TELEMETRY_PROJECTIONS)) > second, 'numbers are not used again')
  })

  it('keeps what people wrote', async () => {
    await writeUpTo(6)
    const [service] = await readServices(database, 'project-1')
    await database.query(
      `insert into service_notes (project_id, service_namespace, service_name, owner, description) values ($1, $2, $3, 'Ada', 'sells')`,
      ['project-1', service.namespace, service.name],
    )
    const [noted] = await readServices(database, 'project-1')
    assert.deepEqual([noted.owner, noted.description], ['Ada', 'sells'])
    const second = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await writeUpTo(6, second)
    await swapGeneration(database, TELEMETRY_PROJECTIONS, second)
    const [rebuilt] = await readServices(database, 'project-1')
    assert.deepEqual(
      { ...rebuilt, eventsPerSecond: 0, errorsPerSecond: 0 },
      { ...noted, eventsPerSecond: 0, errorsPerSecond: 0 },
    )
    await database.query('delete from service_notes')
  })
})
