/** `POST /v1/query`: the only way the page reads events. */
import type { QueryColumn, QueryParameter } from '#schemas/query.ts'
import { Problem, postJson } from './problem.ts'
import { sessionEnded } from './session.ts'

export interface Answer {
  readonly columns: readonly QueryColumn[]
  readonly rows: readonly (readonly unknown[])[]
  /** Whether the server left rows out because of its own bound. */
  readonly truncated: boolean
}

export type Row = Readonly<Record<string, unknown>>

/** @throws Problem; DOMException `AbortError` */
export async function ask(sql: string, params: readonly QueryParameter[] = [], signal?: AbortSignal): Promise<Answer> {
  try {
    return await postJson<Answer>('/v1/query', { sql, params }, signal)
  } catch (error) {
    if (error instanceof Problem && error.status === 401) sessionEnded()
    throw error
  }
}

/** Rows as objects by column name. */
export async function askRows(
  sql: string,
  params: readonly QueryParameter[] = [],
  signal?: AbortSignal,
): Promise<Row[]> {
  const { columns, rows } = await ask(sql, params, signal)
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]])))
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
