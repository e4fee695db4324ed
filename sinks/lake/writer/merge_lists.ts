/** Columns of JSON arrays as Parquet lists: the three-level list of {@link listOf}, whose elements may be null. */
import { invariant } from '#pipeline/errors/errors.ts'
import { type LeafData, type LeafValues, nulls } from '../parquet/leaf_data.ts'
import { type ColumnPart, mergeText } from './merge_columns.ts'

export type ElementType = 'bytes' | 'int64' | 'double'

/** Definition levels of `optional list { repeated { optional element } }`. */
const EMPTY = 1
const NULL_ELEMENT = 2
const ELEMENT = 3

/** Every different array is parsed once. @param rows as in `mergeColumn` */
export function mergeLists(parts: readonly ColumnPart[], rows: Uint32Array | null, type: ElementType): LeafData {
  const { data, offsets, indexes } = mergeText(parts, rows)
  if (offsets.length === 1) return nulls(type, indexes.length)
  const elements = new ElementTable(type)
  const decoder = new TextDecoder()
  const lists = Array.from({ length: offsets.length - 1 }, (_, at) =>
    elements.parse(decoder.decode(data.subarray(offsets[at], offsets[at + 1]))),
  )
  let levels = 0
  for (const index of indexes) levels += index === 0 ? 1 : Math.max(1, lists[index - 1].length)
  const definitions = new Uint8Array(levels)
  const repetitions = new Uint8Array(levels)
  const entries = new Uint32Array(levels)
  let at = 0
  let count = 0
  for (const index of indexes) {
    const list = index === 0 ? [] : lists[index - 1]
    if (list.length === 0) definitions[at++] = index === 0 ? 0 : EMPTY
    list.forEach((element, position) => {
      repetitions[at] = position === 0 ? 0 : 1
      definitions[at++] = element === null ? NULL_ELEMENT : ELEMENT
      if (element !== null) entries[count++] = element
    })
  }
  return { levels, definitions, repetitions, values: elements.values(entries.subarray(0, count)), ordered: false }
}

/** The different elements of all lists; lists name them by number. */
class ElementTable {
  readonly #type: ElementType
  readonly #elements: (string | bigint | number)[] = []
  readonly #numbers = new Map<string, number>()

  constructor(type: ElementType) {
    this.#type = type
  }

  parse(json: string): readonly (number | null)[] {
    // Integers beyond 2^53 would lose digits in JSON.parse; an array of integers is simple enough to split.
    const list: unknown = this.#type === 'int64' ? integerTokens(json) : JSON.parse(json)
    invariant(Array.isArray(list), `not a JSON array: ${json.slice(0, 80)}`)
    return list.map((element) => (element === null ? null : this.#number(element)))
  }

  #number(element: unknown): number {
    // -0 and 0 are told apart by their text; 1 and "1" never meet in one column.
    const key = Object.is(element, -0) ? '-0' : String(element)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#elements.length
      this.#numbers.set(key, number)
      this.#elements.push(this.#value(element))
    }
    return number
  }

  #value(element: unknown): string | bigint | number {
    if (this.#type === 'bytes') return typeof element === 'string' ? element : JSON.stringify(element)
    return this.#type === 'int64' ? BigInt(element as string) : Number(element)
  }

  values(entries: Uint32Array): LeafValues {
    if (this.#type === 'int64') {
      return { type: 'int64', values: BigInt64Array.from(entries, (entry) => this.#elements[entry] as bigint) }
    }
    if (this.#type === 'double') {
      return { type: 'double', values: Float64Array.from(entries, (entry) => this.#elements[entry] as number) }
    }
    const bytes = this.#elements.map((element) => Buffer.from(element as string))
    const offsets = new Uint32Array(bytes.length + 1)
    bytes.forEach((element, at) => {
      offsets[at + 1] = offsets[at] + element.length
    })
    return { type: 'bytes', data: Buffer.concat(bytes), offsets, entries }
  }
}

function integerTokens(json: string): (string | null)[] {
  const inner = json.trim().slice(1, -1).trim()
  if (inner === '') return []
  return inner.split(',').map((token) => {
    const text = token.trim().replaceAll('"', '')
    return text === 'null' ? null : text
  })
}
