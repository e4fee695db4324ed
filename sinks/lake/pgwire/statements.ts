/** A query string cut into its statements. */
import { forEachCode } from '../query/quoted.ts'

export interface StatementText {
  readonly sql: string
  /** Characters before it in the query string. */
  readonly offset: number
}

/** Pieces between semicolons that are more than blanks and comments. */
export function splitStatements(sql: string): StatementText[] {
  const statements: StatementText[] = []
  let start = 0
  let hasCode = false
  let codeEnd = 0
  const cut = (end: number) => {
    if (hasCode) statements.push({ sql: sql.slice(start, end), offset: start })
    start = end + 1
    hasCode = false
  }
  forEachCode(sql, (from, to) => {
    // Between two pieces of code stands a literal, a quoted name or a comment.
    if (!isComment(sql, codeEnd, from)) hasCode = true
    for (let at = from; at < to; at++) {
      if (sql[at] === ';') cut(at)
      else if (sql[at].trim() !== '') hasCode = true
    }
    codeEnd = to
  })
  if (!isComment(sql, codeEnd, sql.length)) hasCode = true
  cut(sql.length)
  return statements
}

function isComment(sql: string, start: number, end: number): boolean {
  return start === end || sql.startsWith('--', start) || sql.startsWith('/*', start)
}
