/** Asks a running millrace a question in SQL, over `POST /v1/query`. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { QueryColumn, QueryParameter, QueryRow } from '#schemas/query.ts'
import { callApi, RefusedError, type Target } from './api.ts'
import type { Rows } from './render.ts'

export interface Answer extends Rows {
  /** True where more rows exist than were given. */
  readonly truncated: boolean
}

interface Reply {
  readonly columns: readonly QueryColumn[]
  readonly rows: readonly QueryRow[]
  readonly truncated: boolean
}

/**
 * @param target where it listens, and a key with the scope `read`
 * @throws OperatorError with the server's sentence, and a mark under the place in the statement where it is known
 */
export async function ask(target: Target, sql: string, params: readonly QueryParameter[] = []): Promise<Answer> {
  try {
    return await callApi<Reply>(target, 'POST', '/v1/query', { body: { sql, params } })
  } catch (error) {
    if (!(error instanceof RefusedError) || error.position === undefined) throw error
    throw new OperatorError(`${error.message}${mark(sql, error.position)}`, { cause: error })
  }
}

/** The line of the statement with a caret under the place. @param position characters from 1 */
function mark(sql: string, position: number): string {
  const before = [...sql].slice(0, position - 1).join('')
  const line = before.split('\n').length - 1
  const column = [...before.split('\n').at(-1)!].length
  return `\n  ${sql.split('\n')[line]}\n  ${' '.repeat(column)}^`
}
