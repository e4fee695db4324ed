/**
 * Nested objects as Parquet columns: Dremel's record shredding, for the few rows of a Delta checkpoint. Events never
 * come this way.
 * https://research.google/pubs/dremel-interactive-analysis-of-web-scale-datasets-2/
 */
import type { LeafData, LeafValues } from './leaf_data.ts'
import { type Field, type Leaf, leavesOf } from './schema.ts'

type Scalar = string | number | boolean

/** Levels and values of one leaf while rows are being read. */
interface Shreds {
  readonly leaf: Leaf
  readonly definitions: number[]
  readonly repetitions: number[]
  readonly values: Scalar[]
}

/** Lists are arrays, maps are objects; what is `undefined` is null. One item for each leaf, in the schema's order. */
export function shred(fields: readonly Field[], rows: readonly object[]): LeafData[] {
  const shreds = leavesOf(fields).map((leaf): Shreds => ({ leaf, definitions: [], repetitions: [], values: [] }))
  for (const row of rows) shredFields(fields, row, 0, 0, 0, shreds, 0)
  return shreds.map(toLeafData)
}

/** @returns the number of the leaf after the last one of `fields` */
function shredFields(
  fields: readonly Field[],
  row: object | null,
  repetition: number,
  definition: number,
  depth: number,
  shreds: readonly Shreds[],
  firstLeaf: number,
): number {
  let leaf = firstLeaf
  for (const field of fields) {
    const value = (row as Record<string, unknown> | null)?.[field.name] ?? null
    leaf = shredField(field, value, repetition, definition, depth, shreds, leaf)
  }
  return leaf
}

function shredField(
  field: Field,
  value: unknown,
  repetition: number,
  definition: number,
  depth: number,
  shreds: readonly Shreds[],
  leaf: number,
): number {
  if (field.repetition === 'repeated') {
    const items = (value as readonly object[] | null) ?? []
    if (items.length === 0) return shredFields(field.children!, null, repetition, definition, depth, shreds, leaf)
    let end = leaf
    items.forEach((item, at) => {
      const level = at === 0 ? repetition : depth + 1
      end = shredFields(field.children!, item, level, definition + 1, depth + 1, shreds, leaf)
    })
    return end
  }
  const present = value !== null && field.repetition === 'optional' ? 1 : 0
  if (field.children !== undefined) {
    const group = value === null ? null : groupOf(field, value as object)
    return shredFields(field.children, group, repetition, definition + present, depth, shreds, leaf)
  }
  const target = shreds[leaf]
  target.repetitions.push(repetition)
  target.definitions.push(definition + present)
  if (value !== null) target.values.push(value as Scalar)
  return leaf + 1
}

/** What the schema calls the items of a list or map. */
function groupOf(field: Field, value: object): object {
  if (field.logical === 'list') return { list: (value as unknown[]).map((element) => ({ element })) }
  if (field.logical === 'map') return { key_value: Object.entries(value).map(([key, item]) => ({ key, value: item })) }
  return value
}

function toLeafData({ leaf, definitions, repetitions, values }: Shreds): LeafData {
  return {
    levels: definitions.length,
    definitions: Uint8Array.from(definitions),
    repetitions: leaf.maxRepetition === 0 ? null : Uint8Array.from(repetitions),
    values: toLeafValues(leaf, values),
    ordered: false,
  }
}

function toLeafValues({ type }: Leaf, values: readonly Scalar[]): LeafValues {
  switch (type) {
    case 'bytes': {
      const bytes = values.map((value) => Buffer.from(value as string))
      const offsets = new Uint32Array(bytes.length + 1)
      bytes.forEach((value, at) => {
        offsets[at + 1] = offsets[at] + value.length
      })
      return { type, data: Buffer.concat(bytes), offsets, entries: Uint32Array.from(bytes.keys()) }
    }
    case 'int32':
      return { type, values: Int32Array.from(values as number[]) }
    case 'int64':
      return { type, values: BigInt64Array.from(values as number[], BigInt) }
    case 'double':
      return { type, values: Float64Array.from(values as number[]) }
    case 'boolean':
      return { type, values: Uint8Array.from(values, Number) }
  }
}
