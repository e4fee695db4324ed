/**
 * Per-file statistics as JSON in an `add`.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
 */
import type { FileStatistics } from '../writer/file_statistics.ts'

/** Parsed statistics. Bounds are bounds: a reader may skip a file by them and conclude nothing else. */
export interface Stats {
  readonly numRecords: number
  readonly minValues: Readonly<Record<string, string | number | boolean>>
  readonly maxValues: Readonly<Record<string, string | number | boolean>>
  readonly nullCount: Readonly<Record<string, number>>
}

/** Columns that are worth bounds: what queries compare. Bounds on all hundred would be most of the log. */
const BOUNDED = new Set([
  'timestamp',
  'id',
  'parent_id',
  'kind',
  'name',
  'level',
  'status_code',
  'severity___severity_number',
  'duration',
  'context___trace_id',
  'context___span_id',
  'resource___service___name',
  'resource___deployment___environment___name',
  'attributes___http___response___status_code',
  'attributes___session___id',
  'attributes___user___id',
  'metric_name',
  'series_id',
  'value',
])
const TIMESTAMPS = new Set(['timestamp'])
/** ISO dates outside these years have a sign that not every reader parses. */
const MIN_MS = Date.UTC(1, 0, 1)
const MAX_MS = Date.UTC(9999, 11, 31)

export function statsOf({ rows, columns }: FileStatistics): Stats {
  const minValues: Record<string, string | number | boolean> = {}
  const maxValues: Record<string, string | number | boolean> = {}
  const nullCount: Record<string, number> = {}
  for (const [name, column] of columns) {
    if (!BOUNDED.has(name)) continue
    nullCount[name] = column.nullCount
    const min = jsonBound(name, column.min, 'min')
    const max = jsonBound(name, column.max, 'max')
    if (min !== undefined) minValues[name] = min
    if (max !== undefined) maxValues[name] = max
  }
  return { numRecords: rows, minValues, maxValues, nullCount }
}

function jsonBound(
  name: string,
  value: Uint8Array | bigint | number | undefined,
  side: 'min' | 'max',
): string | number | undefined {
  if (value === undefined) return undefined
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (TIMESTAMPS.has(name)) return timestampBound(Number(value), side)
  // JSON has no infinities, and readers differ in how they take integers beyond 2^53.
  const number = Number(value)
  const exact = typeof value === 'number' ? Number.isFinite(value) : Number.isSafeInteger(number)
  return exact ? number : undefined
}

/** Readers know milliseconds only: the minimum is rounded down, the maximum up. */
function timestampBound(micros: number, side: 'min' | 'max'): string | undefined {
  const ms = side === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000)
  return ms >= MIN_MS && ms <= MAX_MS ? new Date(ms).toISOString() : undefined
}

/** Statistics of the rows of several files together; a bound that one file lacks is unknown. */
export function mergeStats(files: readonly Stats[]): Stats {
  const columns = Object.keys(files[0]?.nullCount ?? {}).filter((name) => files.every((file) => name in file.nullCount))
  const bounds = (side: 'minValues' | 'maxValues') =>
    Object.fromEntries(
      columns.flatMap((name) => {
        // A file whose every value is null has no bounds and bounds nothing.
        const filled = files.filter((file) => file.nullCount[name] < file.numRecords)
        if (filled.length === 0 || filled.some((file) => file[side][name] === undefined)) return []
        return [[name, filled.map((file) => file[side][name]).reduce((a, b) => (beyond(a, b, side) ? a : b))]]
      }),
    )
  return {
    numRecords: files.reduce((sum, file) => sum + file.numRecords, 0),
    minValues: bounds('minValues'),
    maxValues: bounds('maxValues'),
    nullCount: Object.fromEntries(
      columns.map((name) => [name, files.reduce((sum, file) => sum + file.nullCount[name], 0)]),
    ),
  }
}

/** Text compares by UTF-8 bytes; JavaScript's own order of UTF-16 units differs from it. */
function beyond(a: string | number | boolean, b: string | number | boolean, side: 'minValues' | 'maxValues'): boolean {
  const order = typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : a < b ? -1 : 1
  return side === 'minValues' ? order < 0 : order > 0
}
