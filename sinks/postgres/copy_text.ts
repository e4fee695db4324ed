/** Rows as `COPY … FROM STDIN` reads them: PostgreSQL, "COPY", text format. */
import { isoTimestamp } from '#schemas/tables/time_text.ts'
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
  return type === 'timestamptz' ? isoTimestamp(BigInt(value)) : String(value)
}
