/**
 * A batch: events of one project and one signal, by column. The unit of everything between receiver and sink
 * (one log record is one batch).
 */
import { type Column, columnOf, rowCount, selectRows, type Value, valueAt } from './column.ts'

export type Signal = 'logs' | 'traces' | 'metrics'
export const SIGNALS: readonly Signal[] = ['logs', 'traces', 'metrics']

/** Where a batch came from in the order of its raw partition. Position only: what is stored once is decided by it. */
export interface Origin {
  /** Id of the log the raw topic lives in, minted when it was made. */
  readonly log: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The origin before this one in the partition; -1 where there is none. */
  readonly previous: number
}

/** The raw record whose bytes hold the events: from any stored row back to what was received. */
export interface Lineage {
  readonly log: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface Batch {
  /** Version of the column list. */
  readonly contract: number
  /** Empty for a tick. */
  readonly projectId: string
  readonly signal: Signal
  /** Microseconds since 1970, by the receiver's clock. The only clock a stage sees. */
  readonly receivedAt: number
  readonly eventCount: number
  /** What the events came as, uncompressed, those included that left the flow; duplicate exports are not. */
  readonly receivedBytes: number
  readonly origin: Origin
  readonly raw: Lineage
  /** Events that left the flow on the way here, by reason (`dropped:duplicate_export`, `dead_letter:malformed`). */
  readonly outcomes: ReadonlyMap<string, number>
  readonly columns: ReadonlyMap<string, Column>
  /**
   * Events that the stage just run could not treat, for the dead letters of the topic it read; a batch of the same
   * origin with the columns `dead_letter.code` and `dead_letter.detail`. Never part of the encoded batch.
   */
  readonly deadLetters?: Batch | undefined
  /** In an empty batch: events that are to be treated again, by one stage and those behind it. */
  readonly requeue?: Requeue | undefined
}

/** Events on their way to the stage that could not treat them: the stages before it pass them on unopened. */
export interface Requeue {
  /** The stage (or sink) that opens it. */
  readonly stage: string
  /** A record of the topic that stage reads, with the lineage the events had. */
  readonly record: Uint8Array
  /** Positions of its events that are meant; the others were treated before. None: all are meant. */
  readonly positions: readonly number[]
}

/** Position of an event in its raw record; a batch without this column has positions 0, 1, 2 … */
export const POSITION = 'position'
/** Columns of a dead letter beside those of its event: why, in a word and in a sentence; where, by which version … */
export const DEAD_LETTER_CODE = 'dead_letter.code'
export const DEAD_LETTER_DETAIL = 'dead_letter.detail'
/** The stage or sink, and the version of millrace it belongs to. */
export const DEAD_LETTER_STAGE = 'dead_letter.stage'
export const DEAD_LETTER_VERSION = 'dead_letter.version'
/** … and, of a record that is no event because it cannot be read, its bytes. */
export const DEAD_LETTER_BYTES = 'dead_letter.bytes'

/** True for a record that carries time and no events. */
export function isTick(batch: Batch): boolean {
  return batch.projectId === ''
}

/** The same batch with the given columns set (or, with `null`, removed). */
export function withColumns(batch: Batch, changes: Iterable<readonly [string, Column | null]>): Batch {
  const columns = new Map(batch.columns)
  for (const [name, column] of changes) {
    if (column === null) columns.delete(name)
    else {
      if (rowCount(column) !== batch.eventCount) {
        throw new RangeError(`column ${name} has ${rowCount(column)} rows, the batch has ${batch.eventCount} events`)
      }
      columns.set(name, column)
    }
  }
  return { ...batch, columns }
}

/** The chosen events of a batch, in the order given. Positions are kept. */
export function selectEvents(batch: Batch, rows: readonly number[]): Batch {
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) columns.set(name, selectRows(column, rows))
  if (!columns.has(POSITION)) columns.set(POSITION, columnOf('long', rows.map(BigInt)))
  return { ...batch, eventCount: rows.length, columns }
}

/** Adds to the counts of events that left the flow. */
export function countOutcome(batch: Batch, reason: string, count: number): Batch {
  if (count === 0) return batch
  const outcomes = new Map(batch.outcomes)
  outcomes.set(reason, (outcomes.get(reason) ?? 0) + count)
  return { ...batch, outcomes }
}

/** One event to leave out of a batch and why. `deadLetter` keeps it for people to look at, `drop` only counts it. */
export type Rejection =
  | { readonly row: number; readonly kind: 'drop'; readonly code: string }
  | { readonly row: number; readonly kind: 'deadLetter'; readonly code: string; readonly detail: string }

/** Takes events out of a batch: dropped ones are counted, dead letters are counted and kept in `deadLetters`. */
export function reject(batch: Batch, rejections: readonly Rejection[]): Batch {
  if (rejections.length === 0) return batch
  const gone = new Map(rejections.map((rejection) => [rejection.row, rejection]))
  const kept: number[] = []
  for (let row = 0; row < batch.eventCount; row++) if (!gone.has(row)) kept.push(row)
  let rest = selectEvents(batch, kept)
  for (const rejection of gone.values()) {
    const prefix = rejection.kind === 'drop' ? 'dropped' : 'dead_letter'
    rest = countOutcome(rest, `${prefix}:${rejection.code}`, 1)
  }
  const dead = [...gone.values()].filter((rejection) => rejection.kind === 'deadLetter')
  if (dead.length === 0) return rest
  return { ...rest, deadLetters: joinDeadLetters(batch.deadLetters, deadLetterBatch(batch, dead)) }
}

function deadLetterBatch(batch: Batch, dead: readonly Extract<Rejection, { kind: 'deadLetter' }>[]): Batch {
  const rows = dead.map((rejection) => rejection.row)
  const { deadLetters: _, ...events } = selectEvents(batch, rows)
  return withColumns(events, [
    [
      DEAD_LETTER_CODE,
      columnOf(
        'text',
        dead.map((rejection) => rejection.code),
      ),
    ],
    [
      DEAD_LETTER_DETAIL,
      columnOf(
        'text',
        dead.map((rejection) => rejection.detail),
      ),
    ],
  ])
}

function joinDeadLetters(first: Batch | undefined, second: Batch): Batch {
  if (first === undefined) return second
  const names = new Set([...first.columns.keys(), ...second.columns.keys()])
  const columns = new Map<string, Column>()
  for (const name of names) {
    const parts = [first, second].flatMap((part) => {
      const column = part.columns.get(name)
      const type = (column ?? first.columns.get(name) ?? second.columns.get(name)!).type
      const values: Value[] = []
      for (let row = 0; row < part.eventCount; row++) values.push(column === undefined ? null : valueAt(column, row))
      return [{ type, values }]
    })
    columns.set(
      name,
      columnOf(
        parts[0].type,
        parts.flatMap((part) => part.values),
      ),
    )
  }
  return { ...first, eventCount: first.eventCount + second.eventCount, columns }
}

const LAST_POSITION = 0xffff

/**
 * Adds events of a stage's own making behind those of the batch. Their positions, and so their ids, count down from the
 * last a raw record can have. A tick belongs to no project: it becomes a batch of `projectId`.
 * @param events by column; every column as long as the others
 * @throws RangeError where the batch is another project's: keep the events for one that is not
 */
export function addEvents(batch: Batch, projectId: string, events: ReadonlyMap<string, Column>): Batch {
  if (batch.projectId !== projectId && !isTick(batch))
    throw new RangeError(`a batch of ${batch.projectId}, not of ${projectId}`)
  const [first] = events.values()
  const added = first === undefined ? 0 : rowCount(first)
  if (added === 0) return batch
  const positions = Array.from({ length: batch.eventCount }, (_, row) => positionAt(batch, row))
  const lowest = Math.min(LAST_POSITION + 1, ...positions.filter((position) => position > LAST_POSITION / 2))
  const columns = new Map<string, Column>()
  for (const name of new Set([...batch.columns.keys(), ...events.keys()])) {
    const [before, behind] = [batch.columns.get(name), events.get(name)]
    const type = (behind ?? before)!.type
    columns.set(name, columnOf(type, [...valuesOf(before, batch.eventCount), ...valuesOf(behind, added)]))
  }
  for (let at = 0; at < added; at++) positions.push(lowest - 1 - at)
  columns.set(POSITION, columnOf('long', positions.map(BigInt)))
  return { ...batch, projectId, eventCount: batch.eventCount + added, columns }
}

function valuesOf(column: Column | undefined, rows: number): Value[] {
  return Array.from({ length: rows }, (_, row) => (column === undefined ? null : valueAt(column, row)))
}

/** The position of the event in row `row` within its raw record. */
export function positionAt(batch: Batch, row: number): number {
  const column = batch.columns.get(POSITION)
  return column?.type === 'long' ? Number(column.values[row]) : row
}

/** An empty batch that carries only time and position. */
export function emptied(batch: Batch): Batch {
  const { deadLetters: _, ...rest } = batch
  return { ...rest, eventCount: 0, columns: new Map() }
}
