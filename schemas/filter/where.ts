/** A filter as the condition of a WHERE: what SQL over the lake (`sinks/lake/query`) takes. */
import { isoDate, isoTimestamp } from '../tables/time_text.ts'
import type { Filter, Literal, Operand } from './filter.ts'
import { escapeRegex, parseLike } from './like.ts'

/** SQL text, safe to stand between parentheses: every text in it is quoted. */
export function toWhere(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.map((term) => `(${toWhere(term)})`).join(filter.kind === 'and' ? ' AND ' : ' OR ')
    case 'not':
      return `NOT (${toWhere(filter.term)})`
    case 'is_null':
      return `${operandSql(filter.operand)} IS NULL`
    case 'compare':
      return `${operandSql(filter.operand)} ${filter.comparator} ${literalSql(filter.value)}`
    case 'in':
      return `${operandSql(filter.operand)} IN (${filter.values.map(literalSql).join(', ')})`
    case 'match':
      return matchSql(operandSql(filter.operand), filter.matcher, filter.pattern)
    case 'any':
      return `${quotedText(filter.value)} = ANY(${operandSql(filter.operand)})`
    case 'text': {
      const regex = quotedText(`(?is)${escapeRegex(filter.phrase)}`)
      return filter.columns
        .map(({ name, type }) => (type === 'json' ? textOfJson(name) : name))
        .map((text) => `coalesce(regexp_matches(${text}, ${regex}), false)`)
        .join(' OR ')
    }
  }
}

function matchSql(text: string, matcher: 'like' | 'ilike' | 'regex', pattern: string): string {
  switch (matcher) {
    case 'like':
      // Without ESCAPE DuckDB has fast ways for prefixes and the like.
      return `${text} LIKE ${quotedText(pattern)}${pattern.includes('\\') ? " ESCAPE '\\'" : ''}`
    case 'ilike':
      // DuckDB's own ILIKE compares lower cases, which is not case folding: it tells ſ from s and µ from μ.
      return `regexp_matches(${text}, ${quotedText(`(?is)${parseLike(pattern).regex}`)})`
    case 'regex':
      return `regexp_matches(${text}, ${quotedText(pattern)})`
  }
}

function textOfJson(name: string): string {
  return `CASE WHEN json_type(${name}) = 'VARCHAR' THEN json_extract_string(${name}, '$') ELSE CAST(${name} AS text) END`
}

/** Column names are those of the table: plain words, some of which SQL reserves. */
function operandSql(operand: Operand): string {
  if (operand.kind === 'column') return `"${operand.column.name}"`
  const steps = operand.keys.map((key, at) => {
    const arrow = at === operand.keys.length - 1 ? '->>' : '->'
    return arrow + (typeof key === 'number' ? key : quotedText(key))
  })
  return `(${operand.column.name}${steps.join('')})`
}

function literalSql(literal: Literal): string {
  switch (literal.type) {
    case 'text':
      return quotedText(literal.value)
    case 'long':
      return `CAST('${literal.value}' AS bigint)`
    case 'double':
      return `CAST('${literal.value}' AS double precision)`
    case 'boolean':
      return String(literal.value)
    case 'timestamptz':
      return `CAST('${isoTimestamp(literal.value)}' AS timestamptz)`
    case 'date':
      return `CAST('${isoDate(Number(literal.value))}' AS date)`
  }
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
