/**
 * `POST /v1/query` `{"sql": …, "params": […]}` → `{"columns": [{"name", "type"}], "rows": [[…]], "truncated": false}`.
 *
 * Values as `schemas/query.ts` says, json columns as JSON. A number over 2^53 comes as a string; send one as a string,
 * too. What fails before the first rows is a status and `{"code": SQLSTATE, "message", "position"?}`; an answer that
 * fails later is cut off (the connection is reset), so that no reader takes a part for the whole.
 */
import { Readable } from 'node:stream'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Directory } from '#schemas/directory.ts'
import {
  type QueryColumn,
  QueryError,
  type QueryFault,
  type QueryResult,
  type QueryRow,
  type QueryService,
  type QueryValue,
} from '#schemas/query.ts'
import { bearerKey, type RequestHead } from './server.ts'

export interface QueryRouteOptions {
  readonly directory: Directory
  readonly queries: QueryService
  /** The key behind a request that carries none itself: that of its session. */
  readonly sessionKey?: (request: RequestHead) => string | null
}

const MAX_PARAMS = 1000

const bodySchema = z.strictObject({
  sql: z.string(),
  params: z
    .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .max(MAX_PARAMS)
    .default([]),
})

const STATUS: Record<QueryFault, number> = {
  user: 400,
  cancelled: 408,
  overload: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
}
const RETRY_AFTER_SECONDS = 1

export function queryRoute({ directory, queries, sessionKey = () => null }: QueryRouteOptions): FastifyPluginAsync {
  return async (server) => {
    server.post('/v1/query', async (request, reply) => {
      const principal = directory.authenticate(bearerKey(request) ?? sessionKey(request) ?? '')
      if (principal === null) return refuse(reply, 401, '28000', 'This needs an API key: authorization: Bearer <key>')
      if (!principal.scopes.includes('read')) return refuse(reply, 403, '42501', 'The key does not have the scope read')
      const body = bodySchema.safeParse(request.body)
      if (!body.success) return refuse(reply, 400, '22023', z.prettifyError(body.error))
      const gone = new AbortController()
      reply.raw.on('close', () => gone.abort())
      try {
        const { projectId, projectName } = principal
        const result = await queries.query({ projectId, projectName, ...body.data, signal: gone.signal })
        const text = answerText(result)
        const first = await text.next()
        return await reply.type('application/json').send(Readable.from(joined(first, text), { objectMode: false }))
      } catch (cause) {
        if (!(cause instanceof QueryError)) throw cause
        const { fault, ...problem } = cause.problem
        const status = STATUS[fault]
        if (status === 429 || status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
        return await reply.code(status).send(problem)
      }
    })
  }
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ code, message })
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
