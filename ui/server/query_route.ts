/**
 * `POST /v1/query` `{"sql": …, "params": […]}` → `{"columns": [{"name", "type"}], "rows": [[…]], "truncated": false}`.
 *
 * Values as `schemas/query.ts` says, json columns as JSON. A number over 2^53 comes as a string; send one as a string,
 * too. What fails before the first rows is a problem (`api/problem.ts`) with its SQLSTATE and place; an answer that fails later is
 * cut off (the connection is reset), so that no reader takes a part for the whole.
 */
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { QueryColumn, QueryResult, QueryRow, QueryService, QueryValue } from '#schemas/query.ts'
import { projectQuery } from './api/fields.ts'
import { defineRoute, type Route } from './api/route.ts'

const MAX_PARAMS = 1000

const body = z.strictObject({
  sql: z.string().meta({ description: 'One SELECT statement.' }),
  params: z
    .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .max(MAX_PARAMS)
    .default([])
    .meta({ description: 'Values of $1, $2 …' }),
})

const answerSchema = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
  truncated: z.boolean(),
})

export function queryRoute(queries: QueryService): Route {
  return defineRoute({
    method: 'POST',
    path: '/v1/query',
    summary: 'Rows of a statement over the events of the project.',
    access: 'viewer',
    query: projectQuery,
    body,
    answers: { 200: answerSchema },
    async handle({ caller: { projectId, projectName }, body: statement, reply, signal }) {
      const result = await queries.query({ projectId, projectName, ...statement, signal })
      const text = answerText(result)
      const first = await text.next()
      return reply.type('application/json').send(Readable.from(joined(first, text), { objectMode: false }))
    },
  })
}

async function* joined(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
): AsyncGenerator<string> {
  if (!first.done) yield first.value
  yield* rest
}

/** The answer as JSON text; the first piece comes with the first rows. */
async function* answerText({ columns, pages }: QueryResult): AsyncGenerator<string, void> {
  const types = columns.map((column) => column.type)
  let begin = `{"columns":${JSON.stringify(columns satisfies readonly QueryColumn[])},"rows":[`
  try {
    for (;;) {
      const { done, value } = await pages.next()
      if (done) {
        yield `${begin.endsWith(',') ? '' : begin}],"truncated":${value.truncated}}`
        return
      }
      yield begin + value.map((row) => rowText(row, types)).join(',')
      begin = ','
    }
  } finally {
    await pages.return({ truncated: true })
  }
}

function rowText(row: QueryRow, types: readonly string[]): string {
  return `[${row.map((value, at) => valueText(value, types[at])).join(',')}]`
}

/** A value of a column's type as JSON text; json goes in as it is: parsing it would lose digits. */
export function valueText(value: QueryValue, type: string): string {
  if (value === null) return 'null'
  if (typeof value === 'object') {
    const element = type.replace(/\[\]$/, '')
    return `[${value.map((item) => valueText(item, element)).join(',')}]`
  }
  return type === 'json' ? String(value) : JSON.stringify(value)
}
