/**
 * The part of Parquet's schema language that we write.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */
import type { ThriftStruct } from './thrift.ts'

export type PhysicalType = 'boolean' | 'int32' | 'int64' | 'double' | 'bytes'
export type LogicalType = 'string' | 'json' | 'timestamp_micros' | 'list' | 'map'
export type Repetition = 'required' | 'optional' | 'repeated'

/** A column where it has a type, a group where it has children. */
export interface Field {
  readonly name: string
  readonly repetition: Repetition
  readonly type?: PhysicalType
  readonly logical?: LogicalType
  readonly children?: readonly Field[]
}

/** A column with its place in the tree: what Dremel's levels count. */
export interface Leaf {
  readonly path: readonly string[]
  readonly type: PhysicalType
  readonly logical: LogicalType | undefined
  readonly maxDefinition: number
  readonly maxRepetition: number
}

export const PHYSICAL: Record<PhysicalType, number> = { boolean: 0, int32: 1, int64: 2, double: 5, bytes: 6 }
const REPETITION: Record<Repetition, number> = { required: 0, optional: 1, repeated: 2 }
/** The older annotation, for readers that do not know logical types. */
const CONVERTED: Record<LogicalType, number> = { string: 0, map: 1, list: 3, timestamp_micros: 10, json: 19 }

export function optional(name: string, type: PhysicalType, logical?: LogicalType): Field {
  return { name, repetition: 'optional', type, logical }
}

/** The standard three-level list: null, empty and null elements are all told apart. */
export function listOf(name: string, type: PhysicalType, logical?: LogicalType): Field {
  const list: Field = { name: 'list', repetition: 'repeated', children: [optional('element', type, logical)] }
  return { name, repetition: 'optional', logical: 'list', children: [list] }
}

export function leavesOf(
  fields: readonly Field[],
  path: readonly string[] = [],
  definition = 0,
  repetition = 0,
): Leaf[] {
  return fields.flatMap((field) => {
    const here = [...path, field.name]
    const maxDefinition = definition + (field.repetition === 'required' ? 0 : 1)
    const maxRepetition = repetition + (field.repetition === 'repeated' ? 1 : 0)
    if (field.children !== undefined) return leavesOf(field.children, here, maxDefinition, maxRepetition)
    return [{ path: here, type: field.type!, logical: field.logical, maxDefinition, maxRepetition }]
  })
}

/** The tree depth first, as the footer lists it; the root has no repetition. */
export function schemaElements(fields: readonly Field[]): readonly Partial<Field>[] {
  const flat = (field: Field): Field[] => [field, ...(field.children ?? []).flatMap(flat)]
  return [{ name: 'schema', children: fields }, ...fields.flatMap(flat)]
}

export function writeSchemaElement(struct: ThriftStruct, field: Partial<Field>): void {
  struct
    .i32(1, field.type === undefined ? undefined : PHYSICAL[field.type])
    .i32(3, field.repetition === undefined ? undefined : REPETITION[field.repetition])
    .binary(4, field.name)
    .i32(5, field.children?.length)
    .i32(6, field.logical === undefined ? undefined : CONVERTED[field.logical])
  if (field.logical !== undefined) struct.struct(10, (union) => writeLogicalType(union, field.logical!))
}

function writeLogicalType(union: ThriftStruct, logical: LogicalType): void {
  const empty = () => {}
  switch (logical) {
    case 'string':
      union.struct(1, empty)
      break
    case 'map':
      union.struct(2, empty)
      break
    case 'list':
      union.struct(3, empty)
      break
    case 'timestamp_micros':
      union.struct(8, (timestamp) => timestamp.bool(1, true).struct(2, (unit) => unit.struct(2, empty)))
      break
    case 'json':
      union.struct(12, empty)
  }
}
