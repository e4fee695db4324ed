/** What the query process and its parent say to each other over IPC (structured clone: bigint and NaN survive). */
import type { Position } from '#pipeline/log/log.ts'
import type { QueryColumn, QueryProblem, QueryRow, StatementDescription } from '#schemas/query.ts'
import type { EngineRequest } from './engine.ts'

export type ToChild =
  | { readonly kind: 'start'; readonly config: ChildConfig }
  /** Read from other sources from now on; statements at work finish with those they began with. Answered by `using`. */
  | { readonly kind: 'use'; readonly settings: unknown }
  | { readonly kind: 'query'; readonly id: number; readonly request: EngineRequest }
  /** Answered by `description` or `problem`. */
  | { readonly kind: 'describe'; readonly id: number; readonly request: EngineRequest }
  /** One more page may be sent. */
  | { readonly kind: 'credit'; readonly id: number }
  | { readonly kind: 'cancel'; readonly id: number }

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'using' }
  /** The process cannot start; the sentence says what to do. */
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'columns'
      readonly id: number
      readonly columns: readonly QueryColumn[]
      readonly asOf: readonly Position[]
    }
  | { readonly kind: 'description'; readonly id: number; readonly description: StatementDescription }
  | { readonly kind: 'page'; readonly id: number; readonly rows: readonly QueryRow[] }
  | { readonly kind: 'end'; readonly id: number; readonly truncated: boolean }
  | { readonly kind: 'problem'; readonly id: number; readonly problem: QueryProblem }

/** Pages of a query that may be on the way to the parent and unread there. */
export const PAGES_IN_FLIGHT = 2

export interface ChildConfig {
  /** The module whose `createQuerySources(settings)` opens the log and the lake, as a file URL. */
  readonly sources: string
  /** Handed to that module as it is. */
  readonly settings: unknown
  /** Where the instances' temporary files go; emptied at start. */
  readonly tempDirectory: string
  /** DuckDB instances, one a project queried lately. */
  readonly maxInstances: number
  readonly instanceMemoryBytes: number
  readonly instanceTempBytes: number
  readonly instanceThreads: number
  /** See `TailOptions`. */
  readonly tailMaxBytes: number
  readonly tailMaxRecords: number
}
