/** A row of the live tail is the row that SQL gives of the same event, whatever it holds. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { QueryColumn, QueryRow } from '#schemas/query.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import { batchOf, createQueryFixture, type QueryFixture } from '#sinks/lake/query/testing/fixture.ts'
import { RowWriter, rowOfAnswer } from '#ui/server/tail/row_json.ts'
import { events } from './testing/filters.ts'

describe('a row', () => {
  let fixture: QueryFixture
  let offset = 0
  before(async () => {
    fixture = await createQueryFixture()
  })
  after(() => fixture.close())

  for (const signal of ['logs', 'metrics'] as const) {
    it(`of ${signal} is the same live and from SQL`, () =>
      fc.assert(
        fc.asyncProperty(events(signal), async (rows) => {
          const projectId = `project-${offset}`
          // A value that did not fit its promoted column: a text beside the integer.
          const odd = rows.map((row, at) => ({
            ...row,
            'attributes.http.response.status_code': at % 2 === 0 ? '0200' : null,
          }))
          const batch = batchOf(odd, { offset: offset++, projectId, signal })
          await fixture.append(batch)
          const { name, stored } = tableOf(signal)
          const writer = new RowWriter(stored)
          const live = writer.write(batch, Array.from(rows.keys()))
          const columns = stored.map((column) => `"${column.name}"`).join(', ')
          const answer = await answerOf(`SELECT ${columns} FROM ${name} ORDER BY id`, projectId)
          assert.deepEqual(
            live.map((text) => JSON.parse(text)),
            answer.map((text) => JSON.parse(text)),
          )
        }),
        { numRuns: 60, endOnFailure: true },
      ))
  }

  async function answerOf(sql: string, projectId: string): Promise<string[]> {
    const texts: string[] = []
    let columns: readonly QueryColumn[] = []
    const sink = {
      columns(given: readonly QueryColumn[]) {
        columns = given
      },
      async page(rows: readonly QueryRow[]) {
        texts.push(...rows.map((row) => rowOfAnswer(columns, row)))
      },
    }
    const request = { projectId, projectName: 'p', sql, params: [], maxRows: 100, timeoutMs: 10_000 }
    await fixture.engine.run(request, sink, new AbortController().signal)
    return texts
  }
})
