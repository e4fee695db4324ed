/** The port to SQL over one project's events: the HTTP route and pgwire ask it, the query process answers. */
import type { Position } from '#pipeline/log/log.ts'
import type { SqlType } from './tables/tables.ts'

export type QueryParameter = string | number | boolean | null

export interface QueryRequest {
  /** UUID of the one project the statement may see. */
  readonly projectId: string
  /** A name that stands for the UUID wherever the statement compares `project_id` with it. */
  readonly projectName: string
  /** One SELECT statement. */
  readonly sql: string
  /** Values of `$1`, `$2` …; one whose type the statement does not tell is text. */
  readonly params?: readonly QueryParameter[]
  /**
   * Types of `$1`, `$2` … where the client said them or {@link StatementService.describe} did: the value, given as text
   * (arrays as JSON), is read as that type. `null`, or none at all: the statement tells.
   */
  readonly parameterTypes?: readonly (string | null)[]
  /** At most this many rows are returned; the service's own bound holds besides. */
  readonly maxRows?: number
  /** Time from the request, waiting in the queue included, to the last row; at most the service's own bound. */
  readonly timeoutMs?: number
  /** Aborted when nobody waits for the answer any more: the statement is interrupted. */
  readonly signal?: AbortSignal
}

export interface QueryColumn {
  readonly name: string
  /** A type of the contract, or DuckDB's name in lower case where a statement made another (`interval`, `hugeint`). */
  readonly type: SqlType | (string & {})
}

/**
 * A value as JSON can hold it. json columns are JSON **text**, verbatim; timestamptz is ISO 8601 in UTC with
 * microseconds; date is `YYYY-MM-DD`; int64 is a number up to 2^53 in magnitude, else its digits in a string; NaN and
 * the infinities are the strings "NaN", "Infinity", "-Infinity"; lists are arrays; everything else is text.
 */
export type QueryValue = string | number | boolean | null | readonly QueryValue[]
export type QueryRow = readonly QueryValue[]

export interface QueryResult {
  readonly columns: readonly QueryColumn[]
  /**
   * Where the answer stands, a position a partition of `telemetry.events.v1`: it knows every record before, none from
   * there on. Empty for a statement that reads no events.
   */
  readonly asOf: readonly Position[]
  /**
   * Pages of rows, a bounded number in flight; returning early interrupts the statement.
   * Ends with whether rows were left out because of `maxRows`. @throws QueryError
   */
  readonly pages: AsyncGenerator<readonly QueryRow[], { readonly truncated: boolean }, void>
}

export interface QueryService {
  /** Resolves once the statement was accepted and its columns are known. @throws QueryError */
  query(request: QueryRequest): Promise<QueryResult>
}

/** What a statement takes and gives, before its parameters have values. */
export interface StatementDescription {
  readonly columns: readonly QueryColumn[]
  /** Types of `$1`, `$2` … as columns name theirs; one that nothing tells is `text`. */
  readonly parameters: readonly string[]
}

/** What pgwire needs besides: statements are described before they are run. */
export interface StatementService extends QueryService {
  /** Checks a statement as `query` would and runs nothing. @throws QueryError */
  describe(request: Omit<QueryRequest, 'params' | 'maxRows'>): Promise<StatementDescription>
}

/** Whose turn it is: `user` the statement is wrong, the others may be tried again later. */
export type QueryFault = 'user' | 'timeout' | 'cancelled' | 'overload' | 'unavailable' | 'internal'

/** Why a statement has no answer. Plain data, so that it crosses the border of a process. */
export interface QueryProblem {
  readonly fault: QueryFault
  /** SQLSTATE, five characters (PostgreSQL 18, appendix A). */
  readonly code: string
  readonly message: string
  /** Place in the statement, characters from 1, where known. */
  readonly position?: number
}

export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly problem: QueryProblem
  constructor(problem: QueryProblem) {
    super(problem.message)
    this.problem = problem
  }
}

/** A fault of the statement. @param position characters from 1 */
export function userError(code: string, message: string, position?: number): QueryError {
  return new QueryError({ fault: 'user', code, message, ...(position === undefined ? {} : { position }) })
}
