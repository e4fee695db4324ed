/** The two compilers of the filter language agree: what the predicate passes is what the WHERE finds, in DuckDB itself. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '#pipeline/batch/batch.ts'
import { type Value, valueAt } from '#pipeline/batch/column.ts'
import { parseFilter } from '#schemas/filter/parser.ts'
import { compilePredicate } from '#schemas/filter/predicate.ts'
import { toWhere } from '#schemas/filter/where.ts'
import { storedColumn, storedDates } from '#schemas/tables/stored.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import { isoDate } from '#schemas/tables/time_text.ts'
import { batchOf, createQueryFixture, type QueryFixture } from '#sinks/lake/query/testing/fixture.ts'
import { events, filters } from './testing/filters.ts'

/** Events and filters meet in groups of this many: a batch serves many filters, a filter sees many events. */
const FILTERS_PER_BATCH = 12
const RUNS = Number(process.env.FILTER_RUNS ?? 25)

describe('a filter', () => {
  let fixture: QueryFixture
  let offset = 0
  before(async () => {
    fixture = await createQueryFixture()
  })
  after(() => fixture.close())

  for (const signal of ['logs', 'metrics'] as const) {
    it(`passes the same ${signal} as predicate and as WHERE`, { timeout: 120_000 }, () =>
      fc.assert(
        fc.asyncProperty(
          events(signal),
          fc.array(filters(signal), { minLength: FILTERS_PER_BATCH, maxLength: FILTERS_PER_BATCH }),
          async (rows, texts) => {
            const projectId = `project-${offset}`
            // One row in a file: a file has one date, whatever its rows' times.
            const stored = batchOf(rows.slice(0, 1), { offset: offset++, projectId, signal })
            const tail = batchOf(rows.slice(1), { offset: offset++, projectId, signal })
            await fixture.lake.commit([stored], isoDate(storedDates(stored)[0]))
            await fixture.append(tail)
            for (const text of texts) await agree(text, [stored, tail], projectId)
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      ),
    )
  }

  async function agree(text: string, batches: readonly Batch[], projectId: string): Promise<void> {
    const table = tableOf(batches[0].signal)
    const filter = parseFilter(text, table)!
    const passes = compilePredicate(filter)
    const expected = batches.flatMap((batch) => passes(batch).map((row) => idOf(batch, row)))
    const where = toWhere(filter)
    const found = await fixture.query(`SELECT id FROM ${table.name} WHERE ${where} ORDER BY id`, [], projectId)
    assert.deepEqual(
      expected.sort(),
      found.map((row) => row.id as Value),
      `${text}\n${where}\n${batches.map(shown).join('\n')}`,
    )
  }
})

function idOf(batch: Batch, row: number): Value {
  return valueAt(storedColumn(batch, 'id')!, row)
}

function shown(batch: Batch): string {
  const columns = [...batch.columns].map(([name, column]) => {
    const values = Array.from({ length: batch.eventCount }, (_, row) => valueAt(column, row))
    return values.some((value) => value !== null) ? `  ${name}: ${values.map(String).join(' | ')}` : ''
  })
  return columns.filter((line) => line !== '').join('\n')
}
