/**
 * A filter: a condition on one event, as the parser made it. Every name in it is resolved and every value has the type of
 * what it is compared with, so the two compilers (`predicate.ts`, `where.ts`) have nothing left to refuse.
 */
import type { TableColumn } from '../tables/tables.ts'

/** A value to compare with. Times are microseconds since 1970, dates are days since 1970-01-01. */
export type Literal =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'long' | 'timestamptz' | 'date'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }

/** What a condition looks at: a column, or the text at a path in a json column (`attributes->'a'->>'b'`). */
export type Operand =
  | { readonly kind: 'column'; readonly column: TableColumn }
  | { readonly kind: 'path'; readonly column: TableColumn; readonly keys: readonly (string | number)[] }

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Matcher = 'like' | 'ilike' | 'regex'

/**
 * `is_null` and `text` are true or false; everything else is NULL where its operand is, and NULL goes through `not`, `and`
 * and `or` as in SQL. An event passes where the whole is true.
 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | { readonly kind: 'is_null'; readonly operand: Operand }
  | { readonly kind: 'compare'; readonly operand: Operand; readonly comparator: Comparator; readonly value: Literal }
  | { readonly kind: 'in'; readonly operand: Operand; readonly values: readonly Literal[] }
  | { readonly kind: 'match'; readonly operand: Operand; readonly matcher: Matcher; readonly pattern: string }
  /** `'value' = ANY(column)`, the column a list of texts. */
  | { readonly kind: 'any'; readonly operand: Operand; readonly value: string }
  /** A word or phrase somewhere in one of `columns`, upper and lower case alike. */
  | { readonly kind: 'text'; readonly columns: readonly TableColumn[]; readonly phrase: string }

/** Why a text is no filter. `message` says what and where. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  /** Place in the text, characters (UTF-16 units) from 1. */
  readonly position: number
  constructor(message: string, position: number) {
    super(`${message}, at ${position}`)
    this.position = position
  }
}
