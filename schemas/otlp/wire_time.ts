/**
 * Nanoseconds since 1970 as OTLP has them (64 bits, unsigned) into the microseconds of SQL timestamps and the 0–999 ns
 * they leave out, in number arithmetic: no bigint but for times past 2262.
 */
import type { LongBuilder } from '#pipeline/batch/builder.ts'
import type { ColumnSet } from '#pipeline/batch/column_set.ts'
import { unsignedBigint } from './wire.ts'

/** From here the microseconds may exceed 2^53. */
const FAR_FUTURE_HIGH = 0x7d000000

/** A timestamp column in microseconds with its column of remaining nanoseconds, which is null where they are 0. */
export class TimeColumns {
  readonly #micros: LongBuilder
  readonly #nanos: LongBuilder

  constructor(columns: ColumnSet, microsName: string, nanosName: string) {
    this.#micros = columns.long(microsName)
    this.#nanos = columns.long(nanosName)
  }

  /** @param low, high the halves of nanoseconds since 1970 */
  set(row: number, low: number, high: number): void {
    // high · 2^32 + low = high · 4294967 · 1000 + (high · 296 + low): every term stays below 2^53.
    const rest = high * 296 + low
    const restMicros = Math.floor(rest / 1000)
    const nanos = rest - restMicros * 1000
    if (high < FAR_FUTURE_HIGH) this.#micros.setNumber(row, high * 4294967 + restMicros)
    else this.#micros.set(row, unsignedBigint(low, high) / 1000n)
    if (nanos !== 0) this.#nanos.setNumber(row, nanos)
  }

  /** @param micros microseconds since 1970 */
  setMicros(row: number, micros: number): void {
    this.#micros.setNumber(row, micros)
  }
}

/** Nanoseconds since 1970 as ISO 8601 text in UTC with nine decimals, `2026-01-02T03:04:05.000000006Z`. */
export function isoNanos(low: number, high: number): string {
  const nanos = unsignedBigint(low, high)
  const seconds = nanos / 1_000_000_000n
  const fraction = String(nanos % 1_000_000_000n).padStart(9, '0')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}

/** The reverse of {@link isoNanos}: nanoseconds since 1970 as decimal text. */
export function nanosOfIso(iso: string): string {
  const seconds = BigInt(Date.parse(`${iso.slice(0, 19)}Z`)) / 1000n
  return String(seconds * 1_000_000_000n + BigInt(iso.slice(20, 29)))
}

/** Sets the row to end minus start in nanoseconds; leaves it null where that is no int64. May be negative. */
export function nanosBetween(
  builder: LongBuilder,
  row: number,
  startLow: number,
  startHigh: number,
  endLow: number,
  endHigh: number,
): void {
  const highs = endHigh - startHigh
  // Below 2^21 · 2^32 = 2^53 (104 days) numbers are exact.
  if (highs > -0x1fffff && highs < 0x1fffff) {
    builder.setNumber(row, highs * 4294967296 + (endLow - startLow))
    return
  }
  const nanos = unsignedBigint(endLow, endHigh) - unsignedBigint(startLow, startHigh)
  if (BigInt.asIntN(64, nanos) === nanos) builder.set(row, nanos)
}
