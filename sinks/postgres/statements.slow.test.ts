import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import fc from 'fast-check'
import { Fold } from './fold.ts'
import { createGeneration } from './generations.ts'
import { createPostgresWriter } from './postgres.ts'
import { arbitraryRow, batchWith, everyMerge } from './testing/every_merge.ts'
import { createProjectionsDatabase, emptyGeneration, type ProjectionsDatabase } from './testing/projections_database.ts'

let postgres: ProjectionsDatabase
before(async () => {
  postgres = await createProjectionsDatabase()
})
after(() => postgres.close())

const limits = { flushAgeMs: 3_600_000, idleFlushAgeMs: 3_600_000 }

it('PostgreSQL merges as the fold does, however rows are cut into flushes', async () => {
  const { database } = postgres
  const generation = await createGeneration(database, [everyMerge])
  const table = `every_merge_g${generation}`
  const micros = (name: string) => `(extract(epoch from ${name}) * 1000000)::bigint as ${name}`
  const read = `select name, part, total, highest, ${micros('latest')}, ${micros('earliest')}, day, opened, closed, ratio, version
    from ${table} order by name collate "C", part`
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(arbitraryRow, { maxLength: 8 }), { maxLength: 5 }), async (flushes) => {
      await emptyGeneration(database, [everyMerge], generation)
      const writer = await createPostgresWriter({ database, generation, projections: [everyMerge], limits })
      for (const [offset, rows] of flushes.entries()) {
        await writer.write(batchWith(offset, rows))
        await writer.flush()
      }
      await writer.close()
      const fold = new Fold(everyMerge)
      for (const row of flushes.flat()) fold.add(row)
      const expected = [...fold.rows()].sort(
        ([a, b], [c, d]) => Buffer.compare(Buffer.from(a as string), Buffer.from(c as string)) || Number(b) - Number(d),
      )
      assert.deepEqual((await database.query(read)).map(Object.values), expected)
    }),
    { numRuns: 40 },
  )
})
