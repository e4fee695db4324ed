/** Times and days as text, the same in SQL's answers and in the live tail. */

const MICROS = 1_000_000n
const POSITIVE_INFINITY = 2n ** 63n - 1n

/** Microseconds since 1970 as ISO 8601 in UTC, always with six digits of the second: `2026-11-22T15:04:05.000123Z`. */
export function isoTimestamp(micros: bigint): string {
  // DuckDB's 'infinity'::timestamptz and its negative.
  if (micros === POSITIVE_INFINITY) return 'infinity'
  if (micros === -POSITIVE_INFINITY) return '-infinity'
  const fraction = ((micros % MICROS) + MICROS) % MICROS
  const milliseconds = Number((micros - fraction) / 1000n)
  if (Math.abs(milliseconds) > 8.64e15) return `${micros} microseconds since 1970`
  return `${new Date(milliseconds).toISOString().slice(0, -5)}.${String(fraction).padStart(6, '0')}Z`
}

/** Days since 1970-01-01 as `YYYY-MM-DD`. */
export function isoDate(days: number): string {
  const milliseconds = days * 86_400_000
  if (Math.abs(milliseconds) > 8.64e15) return days > 0 ? 'infinity' : '-infinity'
  return new Date(milliseconds).toISOString().replace(/T.*/, '')
}
