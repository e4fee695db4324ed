/** Numbers for people: thousands with commas; durations with three digits and a unit. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export const count = (value: number): string => whole.format(value)

/** @param perSecond events per second: `0.4/s`, `1,284/s` */
export const rate = (perSecond: number): string =>
  `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)}/s`

/** As {@link rate}, by the minute or hour where it is so little: `12/min`, `3/h`. */
export function slowRate(perSecond: number): string {
  if (perSecond === 0 || perSecond >= 0.95) return rate(perSecond)
  const perHour = perSecond * 3600
  return perHour >= 59.5 ? `${count(perHour / 60)}/min` : `${Math.max(1, Math.round(perHour))}/h`
}

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
  ['µs', 0.001],
  ['ns', 0.000_001],
]

/** `1.84 s`, `41.2 ms`, `7.00 min`. */
export function duration(ms: number): string {
  if (ms === 0) return '0 ms'
  // A value that would round up to 1000 of a unit is one of the next.
  const found = UNITS.find(([, size]) => Math.abs(ms) >= size * 0.9995) ?? UNITS.at(-1)!
  return `${(ms / found[1]).toPrecision(Math.abs(ms / found[1]) >= 999.5 ? 4 : 3)} ${found[0]}`
}

/** `3.1 MB`, in thousands as disks and networks count. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  const scaled = value / 1000 ** power
  return `${power === 0 ? scaled : scaled.toPrecision(3)} ${units[power]}`
}
