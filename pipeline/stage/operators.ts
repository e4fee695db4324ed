/**
 * The ladder of power for stages without memory: use the lowest rung that works.
 * `mapColumn` → `mapEvents` → `mapBatch` (→ `stateful` → `withTimers` in `stateful.ts`).
 */
import { map, type OperatorFunction } from 'rxjs'
import { type Batch, emptied, type Rejection, reject, withColumns } from '../batch/batch.ts'
import { type Column, type ColumnType, columnOf, type Value, valueAt } from '../batch/column.ts'
import { InvariantError, TransientError } from '../errors/errors.ts'

/** Changes one column where a batch has it: its dictionary once, not every row. `null` removes it. */
export function mapColumn(
  name: string,
  change: (column: Column, batch: Batch) => Column | null,
): OperatorFunction<Batch, Batch> {
  return mapBatch((batch) => {
    const column = batch.columns.get(name)
    return column === undefined ? batch : withColumns(batch, [[name, change(column, batch)]])
  })
}

/** One event of a batch, read by column name. */
export interface EventView {
  readonly row: number
  /** `null` where the event, or the whole batch, has no such value. */
  get(name: string): Value
}

/** What is to become of an event. */
export type EventOutcome =
  | { readonly kind: 'keep'; readonly set?: Readonly<Record<string, Value>> }
  | { readonly kind: 'drop'; readonly code: string }
  | { readonly kind: 'deadLetter'; readonly code: string; readonly detail: string }

/** Lets the event go on, with these columns set to these values. */
export function keep(set?: Readonly<Record<string, Value>>): EventOutcome {
  return set === undefined ? KEEP : { kind: 'keep', set }
}
const KEEP: EventOutcome = { kind: 'keep' }

/** Takes the event out; it is counted under `dropped:<code>`. */
export function drop(code: string): EventOutcome {
  return { kind: 'drop', code }
}

/** Takes the event out and keeps it, with code and detail, in the dead letters of the topic it was read from. */
export function deadLetter(code: string, detail = ''): EventOutcome {
  return { kind: 'deadLetter', code, detail }
}

/** Treats events one by one. An event whose treatment throws becomes a dead letter (`stage_failed`); the others go on. */
export function mapEvents(treat: (event: EventView) => EventOutcome): OperatorFunction<Batch, Batch> {
  return mapBatch((batch) => {
    const rejections: Rejection[] = []
    const changes = new Map<string, Value[]>()
    for (let row = 0; row < batch.eventCount; row++) {
      const outcome = treatOne(treat, batch, row)
      if (outcome.kind !== 'keep') rejections.push({ row, ...outcome })
      else if (outcome.set !== undefined) {
        for (const [name, value] of Object.entries(outcome.set)) {
          let values = changes.get(name)
          if (values === undefined) {
            values = columnValues(batch, name)
            changes.set(name, values)
          }
          values[row] = value
        }
      }
    }
    const changed = [...changes].map(([name, values]) => [name, changedColumn(batch, name, values)] as const)
    return reject(changed.length === 0 ? batch : withColumns(batch, changed), rejections)
  })
}

function treatOne(treat: (event: EventView) => EventOutcome, batch: Batch, row: number): EventOutcome {
  try {
    return treat({
      row,
      get(name) {
        const column = batch.columns.get(name)
        return column === undefined ? null : valueAt(column, row)
      },
    })
  } catch (error) {
    return deadLetter('stage_failed', (error as Error).message)
  }
}

function columnValues(batch: Batch, name: string): Value[] {
  const column = batch.columns.get(name)
  return Array.from({ length: batch.eventCount }, (_, row) => (column === undefined ? null : valueAt(column, row)))
}

function changedColumn(batch: Batch, name: string, values: readonly Value[]): Column {
  const before = batch.columns.get(name)?.type
  const first = values.find((value) => value !== null)
  const type = before ?? typeOf(first ?? '')
  const odd = values.find((value) => value !== null && !fits(value, type))
  if (odd !== undefined) throw new TypeError(`column ${name} is ${type}; it cannot be set to a ${typeOf(odd)}`)
  return columnOf(type, values)
}

function fits(value: Value, type: ColumnType): boolean {
  const own = typeOf(value)
  if (own === 'text' && type === 'json') return true
  return own === type || (type === 'long' && Number.isSafeInteger(value))
}

function typeOf(value: Value): ColumnType {
  if (typeof value === 'bigint') return 'long'
  if (typeof value === 'number') return 'double'
  if (typeof value === 'boolean') return 'boolean'
  return value instanceof Uint8Array ? 'bytes' : 'text'
}

/**
 * Turns a whole batch into another. Where it throws, all events of the batch become dead letters (`stage_failed`) and
 * the flow goes on with an empty batch.
 */
export function mapBatch(treat: (batch: Batch) => Batch): OperatorFunction<Batch, Batch> {
  return map((batch) => {
    try {
      return treat(batch)
    } catch (error) {
      if (error instanceof TransientError || error instanceof InvariantError) throw error
      return failed(batch, (error as Error).message)
    }
  })
}

/** An empty batch in the place of one that could not be treated; all its events are dead letters. */
export function failed(batch: Batch, detail: string, code = 'stage_failed'): Batch {
  const rejections = Array.from({ length: batch.eventCount }, (_, row): Rejection => {
    return { row, kind: 'deadLetter', code, detail }
  })
  const rejected = reject(batch, rejections)
  return { ...emptied(rejected), deadLetters: rejected.deadLetters }
}
