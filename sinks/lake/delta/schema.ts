/**
 * A table's schema as Delta has it.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { SqlType, Table } from '#schemas/tables/tables.ts'
import type { Metadata, Protocol } from './actions.ts'

/** The lowest versions there are: no feature of the table needs more, so every Delta reader opens it. */
export const PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

const list = (elementType: string) => ({ type: 'array', elementType, containsNull: true })

const DELTA_TYPES: Record<SqlType, unknown> = {
  text: 'string',
  json: 'string',
  date: 'date',
  timestamptz: 'timestamp',
  integer: 'integer',
  bigint: 'long',
  'double precision': 'double',
  boolean: 'boolean',
  'text[]': list('string'),
  'bigint[]': list('long'),
  'double precision[]': list('double'),
}

interface DeltaField {
  readonly name: string
  readonly type: unknown
  readonly nullable: boolean
  readonly metadata: object
}

/** Every column may be null: a non-null column is an invariant that all writers would have to check. */
function fieldsOf(table: Table): DeltaField[] {
  return table.stored.map(({ name, type }) => ({ name, type: DELTA_TYPES[type], nullable: true, metadata: {} }))
}

function schemaString(fields: readonly DeltaField[]): string {
  return JSON.stringify({ type: 'struct', fields })
}

/**
 * The metadata with the columns added that the table has not yet; `null` where it has all.
 * @param key the table's key, for messages
 * @throws OperatorError where a column or the partitioning is another than ours
 */
export function evolvedMetadata(key: string, table: Table, metadata: Metadata): Metadata | null {
  if (metadata.partitionColumns.join() !== 'date') {
    throw new OperatorError(`${key} is partitioned by ${metadata.partitionColumns.join()}, not by date`)
  }
  const { fields } = JSON.parse(metadata.schemaString) as { fields: DeltaField[] }
  const types = new Map(fields.map((field) => [field.name, field.type]))
  const missing: DeltaField[] = []
  for (const field of fieldsOf(table)) {
    const type = types.get(field.name)
    if (type === undefined) missing.push(field)
    else if (!isDeepStrictEqual(type, field.type)) {
      throw new OperatorError(
        `${key}: column ${field.name} is ${JSON.stringify(type)}, this version writes ${JSON.stringify(field.type)}`,
      )
    }
  }
  return missing.length === 0 ? null : { ...metadata, schemaString: schemaString([...fields, ...missing]) }
}

/** Metadata of a new table. @param nowMs milliseconds since 1970 */
export function newMetadata(table: Table, nowMs: number): Metadata {
  return {
    id: randomUUID(),
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(fieldsOf(table)),
    partitionColumns: ['date'],
    configuration: {},
    createdTime: nowMs,
  }
}
