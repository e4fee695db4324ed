/** Errors as the API answers them: `application/problem+json` (RFC 9457), with our `code` and `position` besides. */
import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { TransientError } from '#pipeline/errors/errors.ts'
import { QueryError, type QueryFault } from '#schemas/query.ts'
import { ConflictError, NotFoundError } from '../directory/errors.ts'

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

export const problemSchema = z.strictObject({
  /** `about:blank`: the status says what kind it is (RFC 9457, section 4.2.1). */
  type: z.literal('about:blank'),
  title: z.string().meta({ description: "The status in words; those of HTTP's registry." }),
  status: z.int(),
  detail: z.string().meta({ description: 'A sentence for who made the request.' }),
  code: z.string().meta({ description: 'SQLSTATE, five characters (PostgreSQL 18, appendix A).' }),
  position: z.int().optional().meta({ description: 'Place in the statement, characters from 1, where known.' }),
})
export type Problem = z.output<typeof problemSchema>

/** Thrown to refuse a request. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly position: number | undefined
  readonly retryAfterSeconds: number | undefined
  constructor(
    status: number,
    code: string,
    detail: string,
    more: { readonly position?: number; readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause })
    this.status = status
    this.code = code
    this.position = more.position
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

/** What is not there, and what the caller may not know to be there. @param what like `key` */
export function notFound(what: string, name: string): ApiError {
  return new ApiError(404, '42704', `there is no ${what} ${name}`)
}

const QUERY_STATUS: Record<QueryFault, number> = {
  user: 400,
  cancelled: 408,
  overload: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
}
const RETRY_AFTER_SECONDS = 1

/** What a route threw as what is answered. @returns `null` for what is our own fault: to be logged, not told */
export function knownError(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error
  if (error instanceof QueryError) {
    const { fault, code, message, position } = error.problem
    const status = QUERY_STATUS[fault]
    const retryAfterSeconds = status === 429 || status === 503 ? RETRY_AFTER_SECONDS : undefined
    return new ApiError(status, code, message, { position, retryAfterSeconds })
  }
  if (error instanceof NotFoundError) return new ApiError(404, '42704', error.message)
  if (error instanceof ConflictError) return new ApiError(409, '55000', error.message)
  if (error instanceof TransientError) {
    const detail = 'what keeps projects, keys and users cannot be reached: try again in a moment'
    return new ApiError(503, '08006', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause: error })
  }
  const { statusCode, message } = error as { statusCode?: number; message: string }
  // What Fastify says of a body: not JSON, too large, of another type.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiError(statusCode, '22023', message)
  return null
}

export function problemOf(error: ApiError): Problem {
  const { status, message: detail, code, position } = error
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(position === undefined ? {} : { position }),
  }
}
