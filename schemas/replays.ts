/** Replays and generations as those see them who list and steer them: the command line, the API, the page. */

/** See `postgres/0005_replay.sql`. */
export type GenerationState =
  | 'running'
  | 'caught_up'
  | 'flipping'
  | 'discarding'
  | 'live'
  | 'retired'
  | 'discarded'
  | 'failed'

/** Where a replay begins: with everything there is, at a raw offset (of every partition), or at a time received. */
export type BeginWith =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'offset'; readonly offset: number }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly timeMs: number }

export interface ReplayProgress {
  readonly records: number
  readonly recordsTotal: number
  /** Since the process that runs it began. */
  readonly events: number
  readonly deadLetters: number
  readonly eventsPerSecond: number
  /** `null` where it cannot be told. */
  readonly secondsLeft: number | null
  /** What it does: `carrying over`, `replaying`, `keeping up`, or why it waits. */
  readonly doing: string
}

export interface Generation {
  readonly generation: number
  readonly state: GenerationState
  readonly reason: string | null
  /** The numbers its lake and its projections have: its own, or those of an earlier one that it goes on with. */
  readonly lake: number
  readonly projections: number
  readonly beginWith: BeginWith | null
  /** What made it: stages and settings, hashed. `null` for what was not made by a replay. */
  readonly stages: string | null
  readonly progress: ReplayProgress | null
  readonly comparison: Comparison | null
  readonly createdAt: Date
  readonly liveAt: Date | null
  readonly retiredAt: Date | null
  /** Of its lake; `null` where it has not been counted. */
  readonly sizeBytes: number | null
}

/** Rows of one project, table and day: how many, and a hash of them all that does not depend on their order. */
export interface DayComparison {
  readonly projectId: string
  readonly table: string
  /** `YYYY-MM-DD`; empty for a projection, which is compared as a whole. */
  readonly day: string
  readonly liveRows: number
  readonly rows: number
  readonly isEqual: boolean
}

export interface RowDifference {
  readonly projectId: string
  readonly table: string
  readonly day: string
  /** Of the event, or the key of a projection's row. */
  readonly id: string
  readonly kind: 'missing' | 'added' | 'changed'
  /** Columns that differ, with what they are live and in the new generation, as text. */
  readonly columns: readonly { readonly name: string; readonly live: string | null; readonly next: string | null }[]
}

export interface Comparison {
  /** ISO time. */
  readonly comparedAt: string
  readonly days: readonly DayComparison[]
  /** Examples. */
  readonly differences: readonly RowDifference[]
}

export interface StartReplay {
  readonly beginWith: BeginWith
  /** The operator knows that what is named as missing will not be in the new generation. */
  readonly acceptMissing: boolean
}

/**
 * The port to replays. Errors are OperatorErrors with a sentence for who asked, and TransientErrors.
 */
export interface Replays {
  /** Newest first; those that are gone are left out. */
  list(): Promise<readonly Generation[]>
  /** What a replay that begins so would leave out; empty where nothing. */
  missing(beginWith: BeginWith): Promise<readonly string[]>
  /** Begins one. @throws OperatorError where one runs already, or something would be missing and that is not accepted */
  start(request: StartReplay): Promise<Generation>
  /** Compares with the live generation; what it finds is kept with the generation. */
  compare(generation: number): Promise<Generation>
  /** Makes it the live one. Resolves when it is. @param keep generations that were live before: more are discarded */
  flip(generation: number, keep?: number): Promise<Generation>
  /** Takes its storage away. One that was live goes a little later: statements may still read it. */
  discard(generation: number): Promise<void>
}
