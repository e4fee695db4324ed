/** What DuckDB says went wrong, as a problem with an SQLSTATE (PostgreSQL 18, appendix A). */
import { TransientError } from '#pipeline/errors/errors.ts'
import { QueryError, type QueryFault } from '#schemas/query.ts'

const KINDS: readonly (readonly [prefix: string, code: string, fault: QueryFault])[] = [
  ['Parser Error', '42601', 'user'],
  ['Binder Error', '42703', 'user'],
  ['Catalog Error', '42704', 'user'],
  ['Conversion Error', '22P02', 'user'],
  ['Out of Range Error', '22003', 'user'],
  ['Mismatch Type Error', '42804', 'user'],
  ['Invalid Type Error', '42804', 'user'],
  ['Invalid Input Error', '22023', 'user'],
  ['Syntax Error', '42601', 'user'],
  ['Not implemented Error', '0A000', 'user'],
  ['Constraint Error', '23000', 'user'],
  ['Parameter Not Resolved Error', '42P18', 'user'],
  ['Permission Error', '42501', 'user'],
  ['Out of Memory Error', '53200', 'user'],
]

/**
 * @param aborted why the statement was interrupted, if it was
 * @param character place in the user's statement from DuckDB's byte offset
 */
export function problemOf(
  cause: unknown,
  aborted: 'timeout' | 'cancelled' | null,
  afterMs: number,
  character: (byte: number) => number,
): QueryError {
  if (aborted === 'timeout') {
    return new QueryError({ fault: 'timeout', code: '57014', message: `the statement took longer than ${afterMs} ms` })
  }
  if (aborted === 'cancelled') {
    return new QueryError({ fault: 'cancelled', code: '57014', message: 'the statement was cancelled' })
  }
  if (cause instanceof QueryError) {
    const { position } = cause.problem
    return position === undefined ? cause : new QueryError({ ...cause.problem, position: character(position - 1) })
  }
  if (cause instanceof TransientError) {
    return new QueryError({ fault: 'unavailable', code: '57P03', message: cause.message })
  }
  const message = String((cause as Error)?.message ?? cause)
  const kind = KINDS.find(([prefix]) => message.startsWith(prefix))
  if (kind === undefined) return new QueryError({ fault: 'internal', code: 'XX000', message: firstPart(message) })
  return new QueryError({ fault: kind[2], code: kind[1], message: firstPart(message).slice(kind[0].length + 2) })
}

/** Without DuckDB's excerpt of the statement: it would show the rewritten text. */
function firstPart(message: string): string {
  return message.split(/\n\s*\n?LINE \d+:/)[0].trim()
}
