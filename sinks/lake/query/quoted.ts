/** Where SQL text is not code: literals, quoted names, comments (PostgreSQL 18, chapter 4.1). */

/** The end of the literal, quoted name or comment that begins at `at`; `at` itself where none does. */
export function skipQuoted(sql: string, at: number): number {
  const after = (end: number, length: number) => (end < 0 ? sql.length : end + length)
  switch (sql[at]) {
    case "'": {
      const escapes = /[eE]/.test(sql[at - 1] ?? '') && !/[\w$]/.test(sql[at - 2] ?? '')
      return quoteEnd(sql, at, "'", escapes)
    }
    case '"':
      return quoteEnd(sql, at, '"', false)
    case '-':
      return sql[at + 1] === '-' ? after(sql.indexOf('\n', at), 1) : at
    case '/':
      return sql[at + 1] === '*' ? blockCommentEnd(sql, at) : at
    case '$': {
      if (/[\w$]/.test(sql[at - 1] ?? '')) return at
      const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(sql.slice(at, at + 100))?.[0]
      return tag === undefined ? at : after(sql.indexOf(tag, at + tag.length), tag.length)
    }
    default:
      return at
  }
}

/** A doubled quote is a quote; with `escapes` a backslash takes the next character along. */
function quoteEnd(sql: string, start: number, quote: string, escapes: boolean): number {
  let at = start + 1
  while (at < sql.length) {
    if (escapes && sql[at] === '\\') at += 2
    else if (sql[at] !== quote) at++
    else if (sql[at + 1] === quote) at += 2
    else return at + 1
  }
  return sql.length
}

/** Block comments nest. */
function blockCommentEnd(sql: string, start: number): number {
  let depth = 0
  let at = start
  while (at < sql.length) {
    if (sql.startsWith('/*', at)) {
      depth++
      at += 2
    } else if (sql.startsWith('*/', at)) {
      at += 2
      if (--depth === 0) return at
    } else at++
  }
  return sql.length
}

/**
 * Each piece of the text that is code, one after the other.
 * @param see told where a piece begins and ends
 */
export function forEachCode(sql: string, see: (start: number, end: number) => void): void {
  let start = 0
  let at = 0
  while (at < sql.length) {
    const end = skipQuoted(sql, at)
    if (end === at) {
      at++
      continue
    }
    if (at > start) see(start, at)
    start = at = end
  }
  if (at > start) see(start, at)
}
