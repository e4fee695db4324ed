/** Errors of statements that have nothing to do with what they ask. */
import { QueryError } from '#schemas/query.ts'

export function unavailable(code: string, message: string): QueryError {
  return new QueryError({ fault: 'unavailable', code, message })
}

export function cancelled(): QueryError {
  return new QueryError({ fault: 'cancelled', code: '57014', message: 'the statement was cancelled' })
}
