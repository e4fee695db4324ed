import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Batch } from '#pipeline/batch/batch.ts'
import { InvariantError, OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import { createDatabase, type Database } from '#pipeline/postgres/database.ts'
import { batchOf } from '#pipeline/testing/samples.ts'
import { createPostgresWriter, definePostgres } from './postgres.ts'
import { createProjectionsDatabase, type ProjectionsDatabase, rowsOf } from './testing/projections_database.ts'
import { usage } from './usage.ts'

let postgres: ProjectionsDatabase
let database: Database
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
})
after(() => postgres.close())
afterEach(() => postgres.clear())

const projections = [usage]
/** Nothing is stored but by `flush`. */
const PATIENT = { flushAgeMs: 3_600_000, idleFlushAgeMs: 3_600_000 }

function exportOf(offset: number, changes: Partial<Batch> = {}): Batch {
  return batchOf(offset, { body: ['json', ['1', '2']] }, { receivedBytes: 10, ...changes })
}

async function usageEvents(): Promise<number[]> {
  const rows = (await rowsOf(database, usage)) as { events: number }[]
  return rows.map(({ events }) => events)
}

describe('the PostgreSQL sink', () => {
  it('stores what batches add to a projection, and says how far it has come', async () => {
    const writer = await createPostgresWriter({ database, projections, limits: { flushAgeMs: 1 } })
    assert.equal(writer.storedUpTo(0), -1)
    await writer.write(exportOf(0))
    await writer.write(exportOf(1))
    while (writer.storedUpTo(0) < 1) await writer.progress()
    await writer.write(exportOf(2))
    await writer.flush()
    assert.equal(writer.storedUpTo(0), 2)
    await writer.close()
    const [row] = (await rowsOf(database, usage)) as Record<string, unknown>[]
    assert.deepEqual(row, {
      project_id: 'project',
      signal: 'logs',
      hour: new Date('2026-01-01T00:00:00Z'),
      events: 6,
      bytes: 30,
    })
  })

  it('begins where PostgreSQL stands and skips what is there', async () => {
    const first = await createPostgresWriter({ database, projections, limits: PATIENT })
    for (const offset of [0, 1]) await first.write(exportOf(offset))
    await first.flush()
    await first.close()
    const second = await createPostgresWriter({ database, projections, limits: PATIENT })
    assert.equal(second.storedUpTo(0), 1)
    for (const offset of [0, 1, 2]) await second.write(exportOf(offset))
    await second.write(exportOf(2))
    await second.flush()
    await second.close()
    assert.deepEqual(await usageEvents(), [6])
  })

  it('carries ticks and empty batches as positions', async () => {
    const writer = await createPostgresWriter({ database, projections, limits: PATIENT })
    await writer.write(batchOf(0, {}, { projectId: '' }))
    await writer.write(batchOf(1))
    await writer.flush()
    await writer.close()
    assert.deepEqual(await rowsOf(database, usage), [])
    const positions = await database.query('select topic, partition, reached from sink_positions')
    assert.deepEqual(positions, [{ topic: 'test.raw.v1', partition: 0, reached: 1 }])
  })

  it('stops where batches are missing', async () => {
    const writer = await createPostgresWriter({ database, projections, limits: PATIENT })
    await writer.write(exportOf(0))
    await assert.rejects(writer.write(exportOf(2)), InvariantError)
    await writer.close()
  })

  it('says so where it begins in the middle', async () => {
    const warnings: string[] = []
    const warn = (message: string) => warnings.push(message)
    const writer = await createPostgresWriter({ database, projections, limits: PATIENT, warn })
    await writer.write(exportOf(7))
    await writer.write(exportOf(8))
    await writer.flush()
    await writer.close()
    assert.match(warnings.join('\n'), /^.*begin at origin 7 of test\.raw\.v1\/0.*$/)
    assert.deepEqual(await usageEvents(), [4])
  })

  it('refuses another log, and says what to do', async () => {
    const first = await createPostgresWriter({ database, projections, limits: PATIENT })
    await first.write(exportOf(0))
    await first.flush()
    await first.close()
    const second = await createPostgresWriter({ database, projections, limits: PATIENT })
    const origin = { ...exportOf(0).origin, log: 'another' }
    const expected = (error: Error) =>
      error instanceof OperatorError &&
      /5eed0000.*another.*back to its log, give it another database, or build them anew/.test(error.message)
    await assert.rejects(second.write(exportOf(0, { origin })), expected)
    await second.close()
  })

  it('is of the topic of events; one of a certain generation reads it by itself', () => {
    assert.equal(definePostgres({ database }).name, 'postgres')
    assert.equal(definePostgres({ database, generation: 3 }).name, 'postgres_3')
    assert.equal(definePostgres({ database }).consumes.name, 'telemetry.events.v1')
  })
})

describe('the PostgreSQL sink while PostgreSQL', () => {
  /** A database whose transactions wait until they are let go. */
  function heldBack(): { database: Database; letGo(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const transaction: Database['transaction'] = async (work) => {
      await promise
      return database.transaction(work)
    }
    return { database: { ...database, transaction }, letGo: resolve }
  }

  async function writerOf(limits: { maxBytes?: number; maxBatches?: number }) {
    await (await createPostgresWriter({ database, projections })).close()
    const held = heldBack()
    // The generation is there: only flushes wait.
    const [{ generation }] = await database.query<{ generation: number }>('select generation from generations')
    const settings = { database: held.database, projections, generation, limits: { ...PATIENT, ...limits } }
    return { writer: await createPostgresWriter(settings), letGo: held.letGo }
  }

  it('is slow takes so many batches and no more', async () => {
    const { writer, letGo } = await writerOf({ maxBatches: 5 })
    for (let offset = 0; offset < 5; offset++) await writer.write(exportOf(offset))
    let taken = false
    const sixth = writer.write(exportOf(5)).then(() => (taken = true))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(taken, false)
    assert.equal(writer.held.batches, 5)
    letGo()
    await sixth
    await writer.flush()
    await writer.close()
    assert.deepEqual(await usageEvents(), [12])
  })

  it('is slow holds so many bytes and one batch', async () => {
    const maxBytes = 4000
    const { writer, letGo } = await writerOf({ maxBytes })
    let taken = 0
    const all = (async () => {
      for (let offset = 0; offset < 100; offset++) {
        await writer.write(exportOf(offset, { projectId: `project ${offset}` }))
        taken++
      }
    })()
    while (writer.held.bytes < maxBytes) await new Promise((resolve) => setImmediate(resolve))
    const { bytes } = writer.held
    assert.ok(bytes < maxBytes + 500, `${bytes} bytes`)
    assert.ok(taken < 30, `${taken} taken`)
    letGo()
    await all
    await writer.flush()
    await writer.close()
    assert.equal((await usageEvents()).length, 100)
  })

  it('is away fails with the kind of error that is tried again', async () => {
    const nobody = createDatabase({ connection: 'postgres://x@127.0.0.1:1/x' })
    await assert.rejects(createPostgresWriter({ database: nobody, projections }), TransientError)
    await nobody.close()
    await (await createPostgresWriter({ database, projections })).close()
    const gone: Database = {
      ...database,
      async transaction() {
        throw new TransientError('gone')
      },
    }
    const [{ generation }] = await database.query<{ generation: number }>('select generation from generations')
    const limits = { ...PATIENT, maxBatches: 1 }
    const writer = await createPostgresWriter({ database: gone, projections, generation, limits })
    await writer.write(exportOf(0))
    await assert.rejects(writer.write(exportOf(1)), TransientError)
    await assert.rejects(writer.progress(), TransientError)
    await assert.rejects(writer.flush(), TransientError)
    await writer.close()
  })
})
