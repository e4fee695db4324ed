/**
 * `->` and `->>` as PostgreSQL reads them. DuckDB's parser takes `->` for a lambda's arrow and binds both more loosely
 * than AND: `a OR b->>'c' = 'd'` becomes `((a OR b) ->> 'c') = 'd'`. So before parsing, `->>`, and `->` before a key,
 * are replaced by `~>>` and `~>`: operators nobody else uses, which bind as PostgreSQL's do. They have the same
 * length, so positions in errors stay true.
 */
import { skipQuoted } from './quoted.ts'

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
