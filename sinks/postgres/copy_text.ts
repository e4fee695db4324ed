/** Rows as `COPY … FROM STDIN` reads them: PostgreSQL, "COPY", text format. */
import type { ProjectionColumn, Value } from './projection.ts'

const CHUNK_CHARACTERS = 64 * 1024
const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** @param rows values in the order of the columns */
export function* copyText(
  columns: readonly Pick<ProjectionColumn, 'type'>[],
  rows: Iterable<readonly Value[]>,
): Iterable<string> {
  let chunk = ''
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) {
      if (at > 0) chunk += '\t'
      chunk += fieldOf(row[at], columns[at].type)
    }
    chunk += '\n'
    if (chunk.length < CHUNK_CHARACTERS) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

function fieldOf(value: Value, type: ProjectionColumn['type']): string {
  if (value === null) return '\\N'
  if (typeof value === 'string') {
    return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]) : value
  }
  return type === 'timestamptz' ? timestampOf(value as number) : String(value)
}

/** Years 1 to 9999: what ISO 8601 and PostgreSQL write alike. */
const FIRST_SECOND = -62_135_596_800
const LAST_SECOND = 253_402_300_799
/** Rows near each other are often of the same second: what making its text takes is half of the whole. */
let known = { second: 0, text: '1970-01-01T00:00:00' }

function timestampOf(micros: number): string {
  const second = Math.floor(micros / 1_000_000)
  if (second < FIRST_SECOND) return '-infinity'
  if (second > LAST_SECOND) return 'infinity'
  if (second !== known.second) known = { second, text: new Date(second * 1000).toISOString().slice(0, -5) }
  return `${known.text}.${String(micros - second * 1_000_000).padStart(6, '0')}Z`
}
