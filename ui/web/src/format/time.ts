/** Times of day and ranges. Everything is UTC unless it says otherwise. */

const two = (value: number) => String(value).padStart(2, '0')

/** `14:32:05` */
export function clock(ms: number): string {
  const at = new Date(ms)
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
}

/** `14:32:05.016` */
export const clockMs = (ms: number): string => `${clock(ms)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`

/** `2026-11-22 14:32:05`; the day only where it is not today's. */
export function dayAndClock(ms: number, now: number): string {
  const day = new Date(ms).toISOString().slice(0, 10)
  return day === new Date(now).toISOString().slice(0, 10) ? clock(ms) : `${day} ${clock(ms)}`
}

/** `0.2 s ago`, `41 s ago`, `7 min ago`; the time itself from an hour on. */
export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, (now - ms) / 1000)
  if (seconds < 10) return `${seconds.toFixed(1)} s ago`
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  return dayAndClock(ms, now)
}

const SPANS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const WORDS: Readonly<Record<string, string>> = { s: 's', m: 'min', h: 'h', d: 'd', w: 'wk' }

/** A time range: the last so many milliseconds, or from one moment to another (Unix milliseconds). */
export type Range = { readonly lastMs: number } | { readonly from: number; readonly to: number }

/** Both ends of a range, Unix milliseconds. @param end where a relative range ends */
export function bounds(range: Range, end: number): { readonly from: number; readonly to: number } {
  return 'lastMs' in range ? { from: end - range.lastMs, to: end } : range
}

const DAY_MS = 86_400_000
const TIME = String.raw`(?:(today|yesterday|\d{4}-\d\d-\d\d)\s+)?(\d\d?):(\d\d)(?::(\d\d))?`
const FROM_TO = new RegExp(`^${TIME}\\s*(?:to|until|-|–|→)\\s*(?:${TIME}|now)$`, 'i')

/**
 * What a person types: `14:28 to now`, `yesterday 9:00 to 9:30`, `2026-11-22 9:00 to 2026-11-23 17:00`, or whatever
 * {@link parseRange} reads; UTC. A time without a day is the last that has been. `null` for anything else.
 * @param now Unix milliseconds
 */
export function typedRange(text: string, now: number): Range | null {
  const found = FROM_TO.exec(text.trim())
  if (found === null) return parseRange(text)
  const dayOf = (day: string | undefined): number | undefined => {
    const today = Math.floor(now / DAY_MS) * DAY_MS
    if (day === undefined) return undefined
    if (/^today$/i.test(day)) return today
    return /^yesterday$/i.test(day) ? today - DAY_MS : Date.parse(day)
  }
  const inDay = (parts: readonly (string | undefined)[]) => {
    const [hours, minutes, seconds] = parts.map((part) => Number(part ?? 0))
    return hours < 24 && minutes < 60 && seconds < 60 ? ((hours * 60 + minutes) * 60 + seconds) * 1000 : Number.NaN
  }
  const lastTime = (ms: number) => Math.floor((now - ms) / DAY_MS) * DAY_MS
  const fromTime = inDay(found.slice(2, 5))
  const fromDay = dayOf(found[1]) ?? lastTime(fromTime)
  const to = found[6] === undefined ? now : (dayOf(found[5]) ?? fromDay) + inDay(found.slice(6, 9))
  const from = fromDay + fromTime
  return from < to ? { from, to } : null
}

/** `-15m`, `-2h`, or two ISO times with a slash between (ISO 8601 interval). `null` for anything else. */
export function parseRange(text: string): Range | null {
  const relative = /^-?(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)$/.exec(text.trim())
  if (relative !== null) return { lastMs: Number(relative[1]) * SPANS_MS[relative[2][0]] }
  const [from, to] = text.split('/').map((part) => Date.parse(part))
  return to !== undefined && from < to ? { from, to } : null
}

export function rangeText(range: Range): string {
  if (!('lastMs' in range)) return `${new Date(range.from).toISOString()}/${new Date(range.to).toISOString()}`
  const [unit, size] = unitOf(range.lastMs)
  return `-${range.lastMs / size}${unit}`
}

/** `Last 15 min`. */
export function rangeWords(range: Range): string {
  if (!('lastMs' in range)) return 'From'
  const [unit, size] = unitOf(range.lastMs)
  return `Last ${range.lastMs / size} ${WORDS[unit]}`
}

function unitOf(ms: number): [unit: string, size: number] {
  return Object.entries(SPANS_MS).findLast(([, size]) => ms >= size && ms % size === 0) ?? ['s', 1_000]
}
