/**
 * `time_bucket(width, ts)` as integer arithmetic on microseconds: over 24 M rows DuckDB's own took 2.1 s, this 0.46 s
 * (two threads). Buckets are counted from Monday 2000-01-03 00:00 UTC, as TimescaleDB's and DuckDB's are.
 */
import { call, cast, integer, isCall, isColumn, operator, type TreeNode, textConstant } from './sql_tree.ts'

const ORIGIN_MICROS = BigInt(Date.UTC(2000, 0, 3)) * 1000n

/** Our timestamptz columns: of those alone the type is certain before binding. */
const TIMESTAMP_COLUMNS = new Set([
  'timestamp',
  'observed_timestamp',
  'start_time',
  'end_time',
  'start_timestamp',
  'ingested_at',
])

const UNIT_MICROS: ReadonlyMap<string, bigint> = new Map([
  ...names(1n, 'microsecond', 'us', 'usec'),
  ...names(1000n, 'millisecond', 'ms', 'msec'),
  ...names(1_000_000n, 'second', 's', 'sec'),
  ...names(60_000_000n, 'minute', 'm', 'min'),
  ...names(3_600_000_000n, 'hour', 'h', 'hr'),
  ...names(86_400_000_000n, 'day', 'd'),
  ...names(604_800_000_000n, 'week', 'w'),
])

function names(micros: bigint, ...units: string[]): [string, bigint][] {
  return units.flatMap((unit) => [[unit, micros] as [string, bigint], [`${unit}s`, micros] as [string, bigint]])
}

/** Microseconds of an interval like `5 minutes`; undefined for months and what is no such text. */
export function intervalMicros(text: string): bigint | undefined {
  const [, count, unit] = /^\s*(\d{1,9})\s*([a-z]+)\s*$/i.exec(text) ?? []
  const micros = unit === undefined ? undefined : UNIT_MICROS.get(unit.toLowerCase())
  const width = micros === undefined ? 0n : BigInt(count) * micros
  return width > 0n ? width : undefined
}

/** The bucket of a call `time_bucket('5 minutes', timestamp)`, or undefined: then DuckDB's own does it. */
export function bucketed(node: TreeNode): TreeNode | undefined {
  if (!isCall(node, 'time_bucket') || node.children.length !== 2) return undefined
  const [widthText, time] = node.children
  const width = intervalMicros(textConstant(widthText) ?? '')
  if (width === undefined) {
    // PostgreSQL takes text for the interval; DuckDB's own wants the type.
    const text = textConstant(widthText)
    return text === undefined ? undefined : { ...node, children: [cast(widthText, 'interval'), time] }
  }
  if (!isColumn(time) || !TIMESTAMP_COLUMNS.has(time.column_names.at(-1)!.toLowerCase())) {
    return { ...node, children: [cast(widthText, 'interval'), time] }
  }
  const micros = call('epoch_us', time)
  // Integer remainders take the sign of the dividend: adding the width once more makes the floor of times before 2000.
  const shifted = operator(
    '+',
    operator('%', operator('-', micros, integer(ORIGIN_MICROS)), integer(width)),
    integer(width),
  )
  return call('make_timestamptz', operator('-', micros, operator('%', shifted, integer(width))))
}
