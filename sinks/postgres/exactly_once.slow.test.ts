/**
 * The sink against a real PostgreSQL, dying at every point where it waits for something, and read again from what its
 * group had committed: the projections are those of a run in which nothing happened.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Database } from '#pipeline/postgres/database.ts'
import { createGeneration } from './generations.ts'
import { createPostgresWriter } from './postgres.ts'
import { TELEMETRY_PROJECTIONS } from './telemetry_projections.ts'
import { createFaultyDatabase } from './testing/faulty_database.ts'
import {
  createProjectionsDatabase,
  emptyGeneration,
  type ProjectionsDatabase,
  rowsOf,
} from './testing/projections_database.ts'
import { sampleEvents } from './testing/sample_events.ts'
import type { PostgresWriter } from './writer.ts'

let postgres: ProjectionsDatabase
let database: Database
before(async () => {
  postgres = await createProjectionsDatabase()
  database = postgres.database
})
after(() => postgres.close())
afterEach(() => postgres.clear())

const limits = { flushAgeMs: 3_600_000, idleFlushAgeMs: 3_600_000 }
const PARTITIONS = [0, 1]

/** Batches of two partitions, in turn. */
function batchesUpTo(end: number): Batch[] {
  return Array.from({ length: end }, (_, offset) =>
    PARTITIONS.map((partition) => sampleEvents(offset, partition)),
  ).flat()
}

async function tables(generation?: number): Promise<object[][]> {
  return Promise.all(TELEMETRY_PROJECTIONS.map((projection) => rowsOf(database, projection, generation)))
}

async function positions(generation: number): Promise<object[]> {
  const sql = 'select log, topic, partition, reached from sink_positions where generation = $1 order by partition'
  return database.query(sql, [generation])
}

/** What a group has committed: of each partition, the offset its batches are read again after. */
type Committed = Map<number, number>

function commit(writer: PostgresWriter, committed: Committed): void {
  for (const partition of PARTITIONS) committed.set(partition, writer.storedUpTo(partition))
}

/** One life of a process. @param flushAfter batches between two flushes */
async function live(
  of: Database,
  generation: number,
  batches: readonly Batch[],
  committed: Committed,
  flushAfter: number,
): Promise<void> {
  const writer = await createPostgresWriter({ database: of, generation, limits })
  try {
    let written = 0
    for (const batch of batches) {
      if (batch.origin.offset <= (committed.get(batch.origin.partition) ?? -1)) continue
      await writer.write(batch)
      if (++written % flushAfter !== 0) continue
      await writer.flush()
      // The commit of the group comes behind, and is lost when we die before it.
      if (written % (flushAfter * 2) === 0) commit(writer, committed)
    }
    await writer.flush()
    commit(writer, committed)
  } finally {
    await writer.close()
  }
}

describe('projections after a crash', () => {
  it('at any point are those of a run without', async () => {
    const batches = batchesUpTo(4)
    const straight = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const run = createFaultyDatabase(database, () => false)
    await live(run, straight, batches, new Map(), 4)
    const expected = await tables(straight)
    assert.ok(expected.every((rows) => rows.length > 1))
    for (const name of [
      'before insert into sink_positions',
      'before update sink_positions set',
      'after copy',
      'after commit',
    ]) {
      assert.ok(run.points.includes(name), `${name} is among ${run.points}`)
    }
    const generation = await createGeneration(database, TELEMETRY_PROJECTIONS)
    for (const [point, name] of run.points.entries()) {
      await emptyGeneration(database, TELEMETRY_PROJECTIONS, generation)
      const committed: Committed = new Map()
      const dying = createFaultyDatabase(database, (at) => at === point)
      await assert.rejects(live(dying, generation, batches, committed, 4), TransientError, name)
      await live(database, generation, batches, committed, 3)
      assert.deepEqual(await tables(generation), expected, `point ${point}: ${name}`)
      assert.deepEqual(await positions(generation), await positions(straight), `point ${point}: ${name}`)
    }
  })

  it('and after many, at random, with flushes and commits at random, too', async () => {
    const batches = batchesUpTo(8)
    const straight = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await live(database, straight, batches, new Map(), 1000)
    const expected = await tables(straight)
    const generation = await createGeneration(database, TELEMETRY_PROJECTIONS)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ dies: fc.nat({ max: 90 }), flushAfter: fc.integer({ min: 1, max: 9 }) }), {
          maxLength: 4,
        }),
        async (lives) => {
          await emptyGeneration(database, TELEMETRY_PROJECTIONS, generation)
          const committed: Committed = new Map()
          for (const { dies, flushAfter } of lives) {
            const dying = createFaultyDatabase(database, (point) => point === dies)
            await live(dying, generation, batches, committed, flushAfter).catch((error) => {
              if (!(error instanceof TransientError)) throw error
            })
          }
          await live(database, generation, batches, committed, 3)
          assert.deepEqual(await tables(generation), expected)
        },
      ),
      { numRuns: 15, seed: 5 },
    )
  })
})

describe('two writers at the same place', () => {
  it('of one flush of both, one is stored; the other is told, and goes on from there', async () => {
    const generation = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const straight = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const batches = batchesUpTo(10)
    await live(database, straight, batches, new Map(), 1000)
    for (let round = 0; round < 5; round++) {
      const part = batches.slice(0, (round + 1) * 4)
      const pair = await Promise.all([1, 2].map(() => createPostgresWriter({ database, generation, limits })))
      for (const writer of pair) for (const batch of part) await writer.write(batch)
      const results = await Promise.allSettled(pair.map((writer) => writer.flush()))
      for (const writer of pair) await writer.close()
      const failed = results.filter((result) => result.status === 'rejected')
      assert.equal(failed.length, 1, 'one wins')
      assert.ok(failed[0].reason instanceof TransientError)
      assert.match(failed[0].reason.message, /another writer has moved the position of telemetry\.raw\.v1\/0/)
    }
    assert.deepEqual(await tables(generation), await tables(straight))
  })

  it('the one that was left behind stores nothing', async () => {
    const generation = await createGeneration(database, TELEMETRY_PROJECTIONS)
    const batches = batchesUpTo(4)
    await live(database, generation, batches.slice(0, 4), new Map(), 1000)
    const zombie = await createPostgresWriter({ database, generation, limits })
    for (const batch of batches) await zombie.write(batch)
    await live(database, generation, batches.slice(0, 6), new Map(), 1000)
    const before = await tables(generation)
    await assert.rejects(zombie.flush(), /another writer/)
    await zombie.close()
    assert.deepEqual(await tables(generation), before)
  })
})
