/**
 * A projection: what a batch says, as rows of a table; and how two rows of the same key become one. The same rule folds
 * rows in memory (`fold.ts`) and into the table (`statements.ts`), so how batches are cut into flushes changes nothing.
 */
import type { Batch } from '#pipeline/batch/batch.ts'

/**
 * As JavaScript has them: text a string; bigint a safe integer; timestamptz microseconds since 1970; date `YYYY-MM-DD`.
 */
export type ColumnType = 'text' | 'bigint' | 'double precision' | 'boolean' | 'timestamptz' | 'date'
export type Value = string | number | boolean | null

/**
 * How a column of two rows becomes one, the second having come later. Null is no value: it adds nothing, and anything
 * replaces it. `{ last: column }` is the column of that row whose `column` is greater (of equal ones, of the second),
 * null or not: such columns stay together, and the order in which partitions are read does not matter.
 */
export type Merge = 'sum' | 'max' | 'min' | 'first' | 'last' | { readonly last: string }

export interface ProjectionColumn {
  readonly name: string
  readonly type: ColumnType
  /** `null` for a column of the key. */
  readonly merge: Merge | null
}

export type Row = Readonly<Record<string, Value>>

/** The name of a projection's table in a generation. */
export type TableOf = (projection: string) => string

export interface Projection {
  readonly name: string
  readonly columns: readonly ProjectionColumn[]
  /** Names of columns, none of them null. */
  readonly key: readonly string[]
  /** Never asked about ticks. */
  rows(batch: Batch): Iterable<Row>
  /** What readers use: a SELECT by the name of the view. */
  readonly views: Readonly<Record<string, (table: TableOf) => string>>
}

type ValueOf<Type extends ColumnType> = Type extends 'text' | 'date'
  ? string
  : Type extends 'boolean'
    ? boolean
    : number

type RowOf<Columns extends Record<string, ColumnType>, Key> = {
  readonly [Name in keyof Columns]: ValueOf<Columns[Name]> | (Name extends Key ? never : null)
}

export interface ProjectionDefinition<Columns extends Record<string, ColumnType>, Key extends keyof Columns & string> {
  /** Of the table and, where there are no others, of the view. */
  readonly name: string
  readonly columns: Columns
  readonly key: readonly Key[]
  /** For every column that is not of the key. */
  readonly merge: { readonly [Name in Exclude<keyof Columns, Key>]: Merge }
  readonly rows: (batch: Batch) => Iterable<RowOf<Columns, Key>>
  readonly views?: Projection['views']
}

const NAME = /^[a-z][a-z0-9_]{0,39}$/
/** Adding doubles depends on the order; texts compare differently in JavaScript and in each collation. */
const ORDERED: readonly ColumnType[] = ['bigint', 'timestamptz', 'date']

/** @throws RangeError where a name is no plain identifier, or a merge is not exact for its column's type */
export function defineProjection<const Columns extends Record<string, ColumnType>, Key extends keyof Columns & string>(
  definition: ProjectionDefinition<Columns, Key>,
): Projection {
  const { name, key } = definition
  const merges = definition.merge as Readonly<Record<string, Merge>>
  for (const each of [name, ...Object.keys(definition.columns)]) {
    if (!NAME.test(each)) throw new RangeError(`${each} is not a name for a table or column`)
  }
  const columns = Object.entries(definition.columns).map(([column, type]): ProjectionColumn => {
    if ((key as readonly string[]).includes(column)) return { name: column, type, merge: null }
    const merge = merges[column]
    const isExact =
      merge === 'sum' ? type === 'bigint' : merge === 'max' || merge === 'min' ? ORDERED.includes(type) : true
    if (!isExact) throw new RangeError(`${name}.${column}: ${merge} of ${type} is not exact`)
    if (typeof merge === 'object' && merges[merge.last] !== 'max') {
      throw new RangeError(`${name}.${column}: ${merge.last}, which decides which is the last, must be merged by max`)
    }
    return { name: column, type, merge }
  })
  const views = definition.views ?? { [name]: (table) => `select * from ${table(name)}` }
  return { name, columns, key, rows: definition.rows, views }
}
