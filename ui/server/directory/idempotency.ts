/**
 * `Idempotency-Key`: a change repeated with the same key is made once. The answer is kept in the transaction of the
 * change, so there is never one without the other; what failed is not kept, and may be tried again with the same key.
 */
import { hash } from 'node:crypto'
import type { Transaction } from '#pipeline/postgres/database.ts'
import { ApiError } from '../api/problem.ts'

const MAX_LENGTH = 255
const KEPT = '1 day'

/** What a request was answered with, or the first of its key was. */
export interface Once {
  readonly answer: unknown
  readonly repeated: boolean
}

export interface OnceRequest {
  /** Keys are of whoever sent them. */
  readonly actor: string
  readonly key: string
  /** All that makes it the same request. */
  readonly content: string
  readonly status: number
  /** Parts of the answer that are not kept. */
  readonly shownOnce: readonly string[]
}

/** @returns `null` where there is no header @throws ApiError 400 where it is not a key */
export function idempotencyKey(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null
  if (typeof header === 'string' && header.length <= MAX_LENGTH && /^[\x21-\x7e]+$/.test(header)) return header
  throw new ApiError(400, '22023', `Idempotency-Key is 1 to ${MAX_LENGTH} visible ASCII characters`)
}

/** @throws ApiError 409 while another is at it, 422 where the key was another request's; and what `work` throws */
export async function answerOnce(
  transaction: Transaction,
  { actor, key, content, status, shownOnce }: OnceRequest,
  work: () => Promise<unknown>,
): Promise<Once> {
  const [{ mine }] = await transaction.query<{ mine: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as mine',
    [`idempotency ${actor} ${key}`],
  )
  if (!mine) throw new ApiError(409, '55006', 'a request with this Idempotency-Key is being answered')
  await transaction.query(
    `delete from idempotency_keys where ctid = any(array(
      select ctid from idempotency_keys where created_at < now() - interval '${KEPT}' for update skip locked limit 1000))`,
  )
  const sha256 = hash('sha256', content, 'buffer')
  const [known] = await transaction.query<{ request_sha256: Buffer; answer: unknown }>(
    `select request_sha256, answer from idempotency_keys
      where actor = $1 and key = $2 and created_at >= now() - interval '${KEPT}'`,
    [actor, key],
  )
  if (known !== undefined) {
    if (known.request_sha256.equals(sha256)) return { answer: known.answer, repeated: true }
    throw new ApiError(422, '22023', 'this Idempotency-Key was used for another request')
  }
  const answer = await work()
  await transaction.query(
    'insert into idempotency_keys (actor, key, request_sha256, status, answer) values ($1, $2, $3, $4, $5)',
    [actor, key, sha256, status, answer === undefined ? null : JSON.stringify(without(answer as object, shownOnce))],
  )
  return { answer, repeated: false }
}

function without(answer: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !names.includes(name)))
}
