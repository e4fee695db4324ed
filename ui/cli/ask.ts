/** Asks a running millrace a question in SQL, over `POST /v1/query`. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { QueryColumn, QueryParameter, QueryRow } from '#schemas/query.ts'
import type { Rows } from './render.ts'

export interface Answer extends Rows {
  /** True where more rows exist than were given. */
  readonly truncated: boolean
}

interface Reply {
  readonly columns?: readonly QueryColumn[]
  readonly rows?: readonly QueryRow[]
  readonly truncated?: boolean
  /** Of a problem (RFC 9457). */
  readonly detail?: string
  readonly position?: number
}

/**
 * @param target where it listens, and a key with the scope `read`
 * @throws OperatorError with the server's sentence, and a mark under the place in the statement where it is known
 */
export async function ask(
  target: { readonly url: string; readonly key: string },
  sql: string,
  params: readonly QueryParameter[] = [],
): Promise<Answer> {
  const response = await fetch(`${target.url}/v1/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql, params }),
  }).catch((cause) => {
    throw new OperatorError(`millrace does not answer at ${target.url}: ${(cause as Error).message}`, { cause })
  })
  const reply = (await response.json()) as Reply
  if (!response.ok || reply.columns === undefined || reply.rows === undefined) {
    throw new OperatorError(`${reply.detail ?? `answered ${response.status}`}${mark(sql, reply.position)}`)
  }
  return { columns: reply.columns, rows: reply.rows, truncated: reply.truncated ?? false }
}

/** The line of the statement with a caret under the place. @param position characters from 1 */
function mark(sql: string, position: number | undefined): string {
  if (position === undefined) return ''
  const before = [...sql].slice(0, position - 1).join('')
  const line = before.split('\n').length - 1
  const column = [...before.split('\n').at(-1)!].length
  return `\n  ${sql.split('\n')[line]}\n  ${' '.repeat(column)}^`
}
