/** PostgreSQL's `to_char` patterns for times as `strftime` formats. */
import { userError } from '#schemas/query.ts'

// PostgreSQL 18, table 9.31. The longest patterns first: `HH24` before `HH`.
const PATTERNS: readonly (readonly [string, string])[] = [
  ['YYYY', '%Y'],
  ['YY', '%y'],
  ['MM', '%m'],
  ['DDD', '%j'],
  ['DD', '%d'],
  ['HH24', '%H'],
  ['HH12', '%I'],
  ['HH', '%I'],
  ['MI', '%M'],
  ['SS', '%S'],
  ['MS', '%g'],
  ['US', '%f'],
  ['AM', '%p'],
  ['PM', '%p'],
  ['Mon', '%b'],
  ['Dy', '%a'],
  ['IYYY', '%G'],
  ['IW', '%V'],
  ['ID', '%u'],
  ['TZ', '%Z'],
]

/** @throws QueryError 0A000 where the pattern holds letters we have no format for */
export function strftimeFormat(pattern: string): string {
  let format = ''
  let at = 0
  while (at < pattern.length) {
    const rest = pattern.slice(at)
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(rest)
    if (quoted !== null) {
      format += quoted[1].replaceAll(/\\(.)/g, '$1').replaceAll('%', '%%')
      at += quoted[0].length
      continue
    }
    const known = PATTERNS.find(([name]) => rest.startsWith(name))
    if (known !== undefined) {
      format += known[1]
      at += known[0].length
      continue
    }
    if (/[A-Za-z]/.test(rest[0])) {
      throw userError('0A000', `to_char: the pattern ${JSON.stringify(rest)} is not supported; quote literal text`)
    }
    format += rest[0] === '%' ? '%%' : rest[0]
    at++
  }
  return format
}
