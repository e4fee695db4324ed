/** What was there before: the newest events that pass a filter, from SQL, and where in the log that answer stands. */
import type { Position } from '#pipeline/log/log.ts'
import { toWhere } from '#schemas/filter/where.ts'
import type { QueryRequest, QueryService } from '#schemas/query.ts'
import type { TailRequest } from './request.ts'
import { rowOfAnswer } from './row_json.ts'

export interface History {
  /** JSON objects, oldest first. */
  readonly rows: readonly string[]
  /** The rows are of what lies before, and live goes on from here. */
  readonly asOf: readonly Position[]
}

/** @param maxRows the newest are given where there are more @throws QueryError */
export async function readHistory(
  queries: QueryService,
  { projectId, projectName }: Pick<QueryRequest, 'projectId' | 'projectName'>,
  request: TailRequest,
  maxRows: number,
  signal: AbortSignal,
): Promise<History> {
  const { columns, pages, asOf } = await queries.query({
    projectId,
    projectName,
    sql: historySql(request, maxRows),
    maxRows,
    signal,
  })
  const rows: string[] = []
  for await (const page of pages) for (const row of page) rows.push(rowOfAnswer(columns, row))
  return { rows: rows.reverse(), asOf }
}

function historySql({ table, columns, filter, from }: TailRequest, maxRows: number): string {
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const conditions = [`timestamp >= '${from}'`, ...(filter === null ? [] : [`(${toWhere(filter)})`])]
  return `SELECT ${names} FROM ${table.name} WHERE ${conditions.join(' AND ')} ORDER BY timestamp DESC LIMIT ${maxRows}`
}
