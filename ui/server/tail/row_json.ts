/**
 * Events as JSON objects `{"column": value}`, columns without a value left out. Values are those of `POST /v1/query`
 * (`schemas/query.ts`, json as JSON), so a row from SQL and the same row live are equal. A row is written once for
 * all who watch the same columns.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { entryText, isDictionary, isPresent } from '#pipeline/batch/column.ts'
import type { QueryColumn, QueryRow } from '#schemas/query.ts'
import { storedColumn } from '#schemas/tables/stored.ts'
import type { SqlType, TableColumn } from '#schemas/tables/tables.ts'
import { isoDate, isoTimestamp } from '#schemas/tables/time_text.ts'
import { valueText } from '../query_route.ts'
import { wholeObjects } from './whole_objects.ts'

/** Rows of an answer, in its order. */
export function rowOfAnswer(columns: readonly QueryColumn[], row: QueryRow): string {
  const members = columns.flatMap(({ name, type }, at) =>
    row[at] === null ? [] : [`${JSON.stringify(name)}:${valueText(row[at], type)}`],
  )
  return `{${members.join(',')}}`
}

/** Writes rows of batches; give everybody who wants the same columns the same writer. */
export class RowWriter {
  readonly #columns: readonly TableColumn[]
  readonly #written = new WeakMap<
    Batch,
    { readonly members: readonly Member[]; readonly rows: (string | undefined)[] }
  >()

  /** @param columns of the batches' table, all stored */
  constructor(columns: readonly TableColumn[]) {
    this.#columns = columns
  }

  write(batch: Batch, rows: readonly number[]): readonly string[] {
    let known = this.#written.get(batch)
    if (known === undefined) {
      const members = this.#columns.flatMap((column) => memberOf(batch, column) ?? [])
      known = { members, rows: [] }
      this.#written.set(batch, known)
    }
    const { members, rows: texts } = known
    return rows.map((row) => (texts[row] ??= rowText(members, row)))
  }
}

/** `,"name":value` of a row, or nothing. */
type Member = (row: number) => string

function rowText(members: readonly Member[], row: number): string {
  let text = ''
  for (const member of members) text += member(row)
  return `{${text.slice(1)}}`
}

function memberOf(batch: Batch, { name, type }: TableColumn): Member | null {
  const isObject = name === 'attributes' || name === 'resource'
  const column = isObject ? wholeObjects(batch, name) : storedColumn(batch, name)
  if (column === null) return null
  const head = `,${JSON.stringify(name)}:`
  if (isDictionary(column)) {
    const written: string[] = ['']
    const isText = type === 'text'
    return (row) => {
      const index = column.indexes[row]
      if (written[index] === undefined) {
        const text = entryText(column, index - 1)
        written[index] = head + (isText ? JSON.stringify(text) : text)
      }
      return written[index]
    }
  }
  const write = scalarWriter(type)
  return (row) => (isPresent(column, row) ? head + write(column.values[row]) : '')
}

function scalarWriter(type: SqlType): (value: bigint | number) => string {
  switch (type) {
    case 'timestamptz':
      return (value) => `"${isoTimestamp(value as bigint)}"`
    case 'date':
      return (value) => `"${isoDate(Number(value))}"`
    case 'boolean':
      return (value) => (value === 1 ? 'true' : 'false')
    case 'double precision':
      return (value) => (Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`)
    default:
      return (value) => (Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`)
  }
}
