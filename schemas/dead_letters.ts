/** Dead letters as people see them, and the port to read and decide about them by. */
import type { Lineage, Origin, Signal } from '#pipeline/batch/batch.ts'
import type { Transaction } from '#pipeline/postgres/database.ts'
import type { QueryValue } from './query.ts'

/** `open` until somebody has decided. */
export const DEAD_LETTER_STATES = ['open', 'requeued', 'discarded'] as const
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number]

/** Whose: of a project; and, for who administers the instance, those of records that say no project any more. */
export interface DeadLetterScope {
  /** A UUID. */
  readonly projectId: string
  readonly unreadable: boolean
}

export interface DeadLetterFilter {
  readonly state: DeadLetterState
  readonly cause?: string | undefined
  /** The topic read, like `telemetry.raw.v1`. */
  readonly topic?: string | undefined
  readonly code?: string | undefined
  /** Or sink. */
  readonly stage?: string | undefined
  /** When they were received, microseconds since 1970: from, and before. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** Dead letters that died of the same. */
export interface DeadLetterGroup {
  /** Names the group: made of topic, code, stage and the detail with its numbers masked. */
  readonly cause: string
  readonly topic: string
  readonly code: string
  readonly stage: string
  /** Numbers in it are `#`. */
  readonly detail: string
  /** The detail of one of them, as it was. */
  readonly example: string
  readonly events: number
  readonly records: number
  /** When the first and the last were received, microseconds since 1970. */
  readonly firstSeen: number
  readonly lastSeen: number
  /** Some, where they say one. */
  readonly services: readonly string[]
  /** Of millrace. */
  readonly versions: readonly string[]
}

/** Bytes, as many of them as an answer may carry. */
export interface CutBytes {
  readonly size: number
  readonly base64: string
  readonly truncated: boolean
}

/** The export an event was received in. */
export interface RawExport {
  readonly contentType: string
  /** Microseconds since 1970. */
  readonly receivedAt: number
  readonly body: CutBytes
}

export interface DeadLetter {
  /** `topic/partition/offset/row` in the topic of dead letters. */
  readonly id: string
  readonly topic: string
  readonly code: string
  readonly stage: string
  readonly detail: string
  readonly version: string | null
  readonly state: DeadLetterState
  readonly signal: Signal
  /** Microseconds since 1970. */
  readonly receivedAt: number
  readonly origin: Origin
  /** The raw record, and the event's position in it. */
  readonly raw: Lineage & { readonly position: number }
  /** The id it has, or would have had, in SQL. */
  readonly eventId: string | null
  /** By column, as the stage read it; values as SQL gives them, long ones cut. */
  readonly event: Readonly<Record<string, QueryValue>>
  /** Columns of which only the beginning is there. */
  readonly truncated: readonly string[]
  /** Of a record that could not be read. */
  readonly bytes: CutBytes | null
  /** Where it was asked for and the raw topic still has it. */
  readonly rawExport: RawExport | null
}

/** Where a page of rows goes on. */
export interface RowCursor {
  readonly entry: number
  readonly row: number
}

export type Decision = 'requeue' | 'discard'

export interface Decided {
  readonly events: number
  readonly records: number
  /** Left as they were, and why. */
  readonly refused: readonly { readonly reason: string; readonly events: number }[]
}

/** All throw TransientError where PostgreSQL or the log is away. */
export interface DeadLetters {
  /** The last seen first. */
  groups(
    scope: DeadLetterScope,
    filter: DeadLetterFilter,
    page: {
      readonly after?: { readonly lastSeen: number; readonly cause: string } | undefined
      readonly limit: number
    },
  ): Promise<readonly DeadLetterGroup[]>
  /** The newest first. `next` is `null` at the end; a page may have fewer rows than asked for. */
  rows(
    scope: DeadLetterScope,
    filter: DeadLetterFilter,
    page: { readonly after?: RowCursor | undefined; readonly limit: number; readonly raw: boolean },
  ): Promise<{ readonly rows: readonly DeadLetter[]; readonly next: RowCursor | null }>
  /**
   * Decides about all that are open and match: once, however often it is asked. What is decided is carried out soon after
   * the transaction has ended, also where this process ends before.
   */
  decide(
    transaction: Transaction,
    scope: DeadLetterScope,
    filter: Omit<DeadLetterFilter, 'state'>,
    decision: Decision,
  ): Promise<Decided>
  /**
   * Lets a stage or sink fail at more than half of what it is given, until then: it puts aside what it fails at.
   * @param until ms since 1970
   * @returns false where there is none of that name
   */
  accept(transaction: Transaction, part: string, until: number): Promise<boolean>
}
