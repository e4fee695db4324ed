/** Schemas that routes have in common. */
import { z } from 'zod'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../directory/passwords.ts'
import { PROJECT_NAME } from '../directory/projects.ts'
import { ROLES } from './caller.ts'
import { ApiError } from './problem.ts'

/** Text in somebody's words: one line, nothing that steers a terminal, nothing PostgreSQL refuses. */
export const text = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(/^\P{Cc}*$/u, 'has no control characters')

export const uuid = z.uuid()
export const role = z.enum(ROLES)
export const scopes = z.array(z.enum(['ingest', 'read', 'admin'])).min(1)
export const projectName = z
  .string()
  .regex(PROJECT_NAME, 'is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit')
export const email = z
  .email()
  .max(254)
  .transform((address) => address.toLowerCase())
  .pipe(z.string())
export const newPassword = z.string().min(MIN_PASSWORD_LENGTH).max(MAX_PASSWORD_LENGTH)
/** Of one that is tried: any may be wrong. */
export const password = z.string().max(MAX_PASSWORD_LENGTH)

/** RFC 3339, of a `Date` or as it was kept. */
export const timestamp = z.preprocess(
  (value) => (value instanceof Date ? value.toISOString() : value),
  z.iso.datetime(),
)

/** `?project=`, for routes whose path does not name the project asked about. */
export const projectQuery = z.strictObject({
  project: z.string().min(1).max(63).optional().meta({ description: 'A project of yours, by name or id.' }),
})

const MAX_PAGE = 100

/** `?cursor=&limit=`, of lists. */
export const pageQuery = projectQuery.extend({
  cursor: z.string().max(1024).optional().meta({ description: '`next` of the page before.' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
})

/** A page of a list; `next` is the cursor of the one after, `null` where there is none. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

/**
 * @param rows one more than `limit` where there are more
 * @param last what the next page begins after
 */
export function page<Row>(rows: readonly Row[], limit: number, last: (row: Row) => unknown) {
  const items = rows.slice(0, limit)
  const next = rows.length > limit ? Buffer.from(JSON.stringify(last(items[limit - 1]))).toString('base64url') : null
  return { items, next }
}

/** What {@link page} put into a cursor; `undefined` without one. @throws ApiError 400 where it is none of ours */
export function readCursor<T>(cursor: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    throw new ApiError(400, '22023', 'the cursor is not one of this list', { cause })
  }
}
