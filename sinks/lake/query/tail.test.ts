import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { columnOf } from '#pipeline/batch/column.ts'
import { QueryError } from '#schemas/query.ts'
import { createTail } from './tail.ts'
import { batchOf, createQueryFixture, micros, OTHER_PROJECT, PROJECT, type QueryFixture } from './testing/fixture.ts'

const LOGS = 'otel_logs_and_spans'
const batch = (offset: number, extra: Partial<Parameters<typeof batchOf>[1]> = {}) =>
  batchOf([{ timestamp: micros('2026-11-22T10:00:00Z'), name: `e${offset}` }], { offset, ...extra })

async function withFixture(use: (fixture: QueryFixture) => Promise<void>, options: { maxBytes?: number } = {}) {
  const fixture = await createQueryFixture({ ...options, partitions: 2 })
  try {
    await use(fixture)
  } finally {
    await fixture.close()
  }
}

const names = async (fixture: QueryFixture, projectId = PROJECT) =>
  (await fixture.query('SELECT name FROM otel_logs_and_spans ORDER BY name', [], projectId)).map((row) => row.name)

describe('the tail', () => {
  it('leaves out what the snapshot has, by the origin of each partition', () =>
    withFixture(async (fixture) => {
      const zero = [0, 1, 2].map((offset) => batch(offset))
      const one = [3, 4].map((offset) => batch(offset, { partition: 1 }))
      await fixture.append(...zero, ...one)
      await fixture.lake.commit([zero[0], zero[1]])
      assert.deepEqual(await names(fixture), ['e0', 'e1', 'e2', 'e3', 'e4'])
    }))

  it('counts a redelivered record once', () =>
    withFixture(async (fixture) => {
      await fixture.append(batch(0), batch(1), batch(0), batch(1), batch(2), batch(2))
      assert.deepEqual(await names(fixture), ['e0', 'e1', 'e2'])
    }))

  it('knows a redelivered record also where it lies before the position it starts from', () =>
    withFixture(async (fixture) => {
      await fixture.append(batch(0), batch(1), batch(1), batch(2))
      // Before its first look the lake had committed two records; the third repeats the second.
      await fixture.lake.commit([batch(0), batch(1)])
      await fixture.commitPosition({ partition: 0, offset: 2, reached: { 0: 1 } })
      assert.deepEqual(await names(fixture), ['e0', 'e1', 'e2'])
    }))

  it('shows a project its own events, of the table it asks', () =>
    withFixture(async (fixture) => {
      const metric = batchOf([{ timestamp: 0n, metric_name: 'm', date: 0n }], { offset: 2, signal: 'metrics' })
      await fixture.append(batch(0), batch(1, { projectId: OTHER_PROJECT }), metric)
      assert.deepEqual(await names(fixture), ['e0'])
      assert.deepEqual(await names(fixture, OTHER_PROJECT), ['e1'])
      const sql = 'SELECT (SELECT count(*) FROM otel_metrics) AS m, (SELECT count(*) FROM otel_logs_and_spans) AS l'
      assert.deepEqual(await fixture.query(sql), [{ m: 1, l: 1 }])
    }))

  it('does not show what the lake will put aside, and shows the rest', () =>
    withFixture(async (fixture) => {
      const odd = batch(1)
      const level = columnOf('long', [3n])
      await fixture.append(batch(0), { ...odd, columns: new Map([...odd.columns, ['level', level]]) }, batch(2))
      assert.deepEqual(await fixture.query('SELECT name, level FROM otel_logs_and_spans ORDER BY name'), [
        { name: 'e0', level: null },
        { name: 'e2', level: null },
      ])
    }))

  it('lets go of batches once the lake group has passed them', () =>
    withFixture(async (fixture) => {
      await fixture.append(batch(0), batch(1))
      await names(fixture)
      const full = fixture.tail.cachedBytes
      await fixture.lake.commit([batch(0)])
      await fixture.commitPosition({ partition: 0, offset: 1, reached: { 0: 0 } })
      assert.deepEqual(await names(fixture), ['e0', 'e1'])
      assert.ok(fixture.tail.cachedBytes < full)
      await fixture.lake.commit([batch(1)])
      await fixture.commitPosition({ partition: 0, offset: 2, reached: { 0: 1 } })
      assert.deepEqual(await names(fixture), ['e0', 'e1'])
      assert.equal(fixture.tail.cachedBytes, 0)
    }))

  it('sees every commit whole, wherever it falls between the reads', async () => {
    // The lake commits files, then its position, at a random moment between the steps of a read.
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 6 }), fc.nat(5), async (sizes, moment) => {
        await withFixture(async (fixture) => {
          let offset = 0
          const appended: string[] = []
          let pending: ReturnType<typeof batch>[] = []
          const flush = async () => {
            if (pending.length === 0) return
            await fixture.lake.commit(pending)
            await fixture.commitPosition({ partition: 0, offset, reached: { 0: offset - 1 } })
            pending = []
          }
          for (const size of sizes) {
            for (let count = 0; count < size; count++) {
              const next = batch(offset++)
              appended.push(`e${next.origin.offset}`)
              await fixture.append(next)
              pending.push(next)
            }
            const view = await fixture.tail.read(PROJECT, [LOGS], async () => {
              if (moment % 2 === 0) await flush()
              const snapshot = await fixture.lake.snapshot(PROJECT, LOGS)
              if (moment % 2 === 1) await flush()
              return snapshot
            })
            const stored = view.snapshots.get(LOGS)!.files.reduce((sum, file) => sum + file.numRecords, 0)
            assert.equal(stored + view.batches.get(LOGS)!.length, appended.length)
            if (moment % 3 === 0) await flush()
          }
        })
      }),
      { numRuns: 15 },
    )
  })

  it('keeps within its bytes by reading again what it dropped', () =>
    withFixture(async (fixture) => {
      await fixture.append(batch(0), batch(1, { projectId: OTHER_PROJECT }))
      const [record] = await fixture.log.read('telemetry.events.v1', 0, 0, { maxBytes: 1 })
      const maxBytes = record.value.length + 10
      const tail = createTail({ ...fixture.tailOptions, maxBytes })
      const read = (projectId: string) =>
        tail.read(projectId, [LOGS], (table) => fixture.lake.snapshot(projectId, table))
      for (const projectId of [PROJECT, OTHER_PROJECT, PROJECT]) {
        assert.equal((await read(projectId)).batches.get(LOGS)!.length, 1)
        assert.ok(tail.cachedBytes <= maxBytes, `${tail.cachedBytes} bytes`)
      }
    }))

  it('fails rather than leave rows out: over its bytes, over its records', () =>
    withFixture(async (fixture) => {
      await fixture.append(batch(0), batch(1))
      const [record] = await fixture.log.read('telemetry.events.v1', 0, 0, { maxBytes: 1 })
      const size = record.value.length
      const read = (bounds: { maxBytes: number; maxRecords: number }) =>
        createTail({ ...fixture.tailOptions, ...bounds }).read(PROJECT, [LOGS], () =>
          fixture.lake.snapshot(PROJECT, LOGS),
        )
      assert.equal((await read({ maxBytes: 2 * size, maxRecords: 2 })).batches.get(LOGS)!.length, 2)
      for (const bounds of [
        { maxBytes: 2 * size - 1, maxRecords: 2 },
        { maxBytes: 2 * size, maxRecords: 1 },
      ]) {
        await assert.rejects(read(bounds), (cause) => {
          assert.ok(cause instanceof QueryError)
          assert.equal(cause.problem.fault, 'overload')
          return true
        })
      }
    }))
})
