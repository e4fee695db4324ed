/** Times as people write them in a filter: the parts of ISO 8601 that PostgreSQL reads too. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i

/** Days since 1970-01-01 of `YYYY-MM-DD`; null where the text is no such day. */
export function parseDate(text: string): number | null {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number)
  if (year === undefined || year < 1) return null
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / 86_400_000 : null
}

/** Microseconds since 1970; a time without a zone is UTC, a date its midnight. Null where the text is no time. */
export function parseTimestamp(text: string): bigint | null {
  const match = TIME.exec(text)
  if (match === null) return null
  const [, date, hours = '0', minutes = '0', seconds = '0', fraction = '', zone = 'Z'] = match
  const days = parseDate(date)
  if (days === null || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null
  const offset = zoneSeconds(zone)
  if (offset === null) return null
  const whole = days * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) - offset
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds since 1970 of `-15m` (s, m, h, d) before `nowMs`, 0 for what lies before; null where the text is no such time. */
export function parseAgo(text: string, nowMs: number): number | null {
  const [, amount, unit] = /^-(\d{1,9})([smhd])$/.exec(text) ?? []
  return unit === undefined ? null : Math.max(0, nowMs - Number(amount) * UNITS_MS[unit])
}

function zoneSeconds(zone: string): number | null {
  if (/^z$/i.test(zone)) return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  if (hours > 15 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60)
}
