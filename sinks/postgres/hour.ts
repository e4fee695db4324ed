const HOUR_MICROS = 3_600_000_000

/** The beginning of the hour (UTC) that a time is in. @param micros since 1970 */
export function hourOf(micros: number): number {
  return micros - (micros % HOUR_MICROS)
}
