/**
 * `->` and `->>` as PostgreSQL reads them. DuckDB's parser takes `->` for a lambda's arrow and binds both more loosely
 * than AND: `a OR b->>'c' = 'd'` becomes `((a OR b) ->> 'c') = 'd'`. So before parsing, `->>`, and `->` before a key,
 * are replaced by `~>>` and `~>`: operators nobody else uses, which bind as PostgreSQL's do. They have the same
 * length, so positions in errors stay true.
 */

/** What stands in the parsed tree for PostgreSQL's `->` and `->>`. */
export const JSON_ARROW = '~>'
export const TEXT_ARROW = '~>>'

const OPERATOR_CHARACTERS = '+-*/<>=~!@#%^&|`?'

/** The statement with its JSON arrows replaced; literals, quoted names and comments are left alone. */
export function replaceArrows(sql: string): string {
  let result = ''
  let copied = 0
  let at = 0
  while (at < sql.length) {
    const quoted = skipQuoted(sql, at)
    if (quoted > at) {
      at = quoted
      continue
    }
    if (!OPERATOR_CHARACTERS.includes(sql[at])) {
      at++
      continue
    }
    const end = operatorEnd(sql, at)
    // `->-1` is an arrow and a sign: an operator made of these characters cannot end in a minus.
    const arrow = sql.slice(at, end).replace(/^(->>?)-$/, '$1')
    if (arrow === '->>' || (arrow === '->' && isKeyAt(sql, at + 2))) {
      result += sql.slice(copied, at) + (arrow === '->' ? JSON_ARROW : TEXT_ARROW)
      copied = at + arrow.length
    }
    at = end
  }
  return result + sql.slice(copied)
}

/** A string, a number, a parameter or a parenthesis: what follows a JSON arrow but not a lambda's. */
function isKeyAt(sql: string, at: number): boolean {
  return /^(?:\s|\/\*.*?\*\/|--[^\n]*\n)*(?:'|[eE]'|-?\d|\$\d|\?|\()/s.test(sql.slice(at, at + 1000))
}

function operatorEnd(sql: string, start: number): number {
  let at = start
  while (at < sql.length && OPERATOR_CHARACTERS.includes(sql[at])) {
    if (at > start && isComment(sql, at)) break
    at++
  }
  return at
}

function isComment(sql: string, at: number): boolean {
  return sql.startsWith('--', at) || sql.startsWith('/*', at)
}

/** The end of the literal, quoted name or comment that begins at `at`; `at` itself where none does. */
function skipQuoted(sql: string, at: number): number {
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
