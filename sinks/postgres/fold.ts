/** Rows of one projection in memory, one for each key. Pure: nothing here knows PostgreSQL but for what it can store. */
import type { Merge, Projection, ProjectionColumn, Row, Value } from './projection.ts'

/** An index entry may have 2,704 bytes (PostgreSQL, "B-Tree"); longer texts are cut, in keys and elsewhere. */
export const MAX_TEXT = 256
/** What a row takes beside its texts, about. */
const ROW_BYTES = 160
const VALUE_BYTES = 16

type Rule = (first: readonly Value[], second: readonly Value[]) => Value

export class Fold {
  readonly #columns: readonly ProjectionColumn[]
  readonly #keyAt: readonly number[]
  readonly #rules: readonly (Rule | null)[]
  readonly #rows = new Map<string, Value[]>()
  #bytes = 0

  constructor(projection: Pick<Projection, 'columns' | 'key'>) {
    this.#columns = projection.columns
    this.#keyAt = projection.key.map((name) => positionOf(projection.columns, name))
    this.#rules = projection.columns.map(({ merge }, at) => (merge === null ? null : ruleOf(projection, merge, at)))
  }

  /** Rows, by distinct key. */
  get size(): number {
    return this.#rows.size
  }

  /** What the rows take in memory, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** Values in the order of the columns; keys in the order in which they first came. */
  rows(): Iterable<readonly Value[]> {
    return this.#rows.values()
  }

  add(row: Row): void {
    const values = this.#columns.map(({ name, type }) => storable(row[name], type === 'text'))
    // No text has a NUL in it.
    const key = this.#keyAt.map((at) => values[at]).join('\0')
    const before = this.#rows.get(key)
    if (before === undefined) {
      this.#rows.set(key, values)
      this.#bytes += ROW_BYTES + key.length * 2 + values.reduce<number>((sum, value) => sum + bytesOf(value), 0)
      return
    }
    const merged = this.#rules.map((rule, at) => (rule === null ? before[at] : rule(before, values)))
    for (let at = 0; at < merged.length; at++) {
      this.#bytes += bytesOf(merged[at]) - bytesOf(before[at])
      before[at] = merged[at]
    }
  }
}

function positionOf(columns: readonly ProjectionColumn[], name: string): number {
  return columns.findIndex((column) => column.name === name)
}

function ruleOf({ columns }: Pick<Projection, 'columns'>, merge: Merge, at: number): Rule {
  if (typeof merge === 'object') {
    const by = positionOf(columns, merge.last)
    return (first, second) => {
      const isLater = second[by] !== null && (first[by] === null || second[by] >= first[by]!)
      return isLater ? second[at] : first[at]
    }
  }
  const ofTwo = MERGES[merge]
  return (first, second) => {
    if (first[at] === null) return second[at]
    return second[at] === null ? first[at] : ofTwo(first[at], second[at])
  }
}

const MERGES: Readonly<
  Record<Extract<Merge, string>, (first: NonNullable<Value>, second: NonNullable<Value>) => Value>
> = {
  sum: (first, second) => (first as number) + (second as number),
  max: (first, second) => (second > first ? second : first),
  min: (first, second) => (second < first ? second : first),
  first: (first) => first,
  last: (_, second) => second,
}

/** PostgreSQL's text has no NUL and no half of a surrogate pair. */
function storable(value: Value | undefined, isText: boolean): Value {
  if (value === undefined) return null
  if (!isText || typeof value !== 'string') return value
  const text = value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole
}

function bytesOf(value: Value): number {
  return typeof value === 'string' ? VALUE_BYTES + value.length * 2 : VALUE_BYTES
}
