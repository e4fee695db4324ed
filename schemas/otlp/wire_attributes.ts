/**
 * Attributes into columns, one for each key. The type of a key's column is that of the first value seen; what finds no
 * column goes, row by row, into the JSON object `<scope>.rest`.
 */
import type { BooleanBuilder, DictionaryBuilder, DoubleBuilder, LongBuilder } from '#pipeline/batch/builder.ts'
import type { Builder, ColumnSet } from '#pipeline/batch/column_set.ts'
import { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import { writeExactEntry, writePlain } from './wire_json.ts'
import { ARRAY, BOOL, DOUBLE, doubleFound, Found, INT, type Kind, KVLIST, readKeyValue, STRING } from './wire_value.ts'

/** Attribute columns a batch may have, attributes and resource together. */
export const MAX_ATTRIBUTE_COLUMNS = 256

/** How many more attribute columns the batch may get. */
export interface ColumnBudget {
  left: number
}

/** A key seen in this batch. There are as many as distinct keys, so the size of a raw record bounds them. */
interface Key {
  readonly bytes: Uint8Array
  readonly name: string
  /** `null` where the key has no column (yet). */
  builder: Builder | null
  /** Of the values in the column; lists count as arrays, both being JSON. */
  kind: Kind
  /** The row that had this key last: there again, it is repeated. */
  row: number
  /** The row that needs this key in `otlp_exact`. */
  exactRow: number
  /** The key that followed this one last time: attributes of neighbouring events come in the same order. */
  next: Key | null
}

const decoder = new TextDecoder()

export class AttributeColumns {
  /** True where the row's attributes have values that plain JSON cannot hold, or a repeated key. */
  lossy = false
  readonly #scope: string
  readonly #columns: ColumnSet
  readonly #budget: ColumnBudget
  readonly #rest: DictionaryBuilder
  readonly #restJson = new JsonWriter()
  readonly #json = new JsonWriter()
  readonly #keys = new Map<string, Key>()
  /** Comes before the first key of a row. */
  readonly #start: Key = newKey(new Uint8Array(0))
  #previous = this.#start
  readonly #found = new Found()

  /** @param scope `attributes` or `resource` */
  constructor(scope: string, columns: ColumnSet, budget: ColumnBudget) {
    this.#scope = scope
    this.#columns = columns
    this.#budget = budget
    this.#rest = columns.json(`${scope}.rest`)
  }

  /** Must come before a row's first attribute. */
  beginRow(): void {
    this.#previous = this.#start
    this.#restJson.reset()
    this.lossy = false
  }

  /** Reads a KeyValue that ends at `end`, for row `row`. */
  read(reader: WireReader, end: number, row: number): void {
    const found = this.#found
    readKeyValue(reader, end, found)
    const key = this.#key(reader.bytes, found.keyFrom, found.keyTo)
    if (key.row === row) {
      key.exactRow = row
      this.lossy = true
      return
    }
    key.row = row
    const kind = found.kind === KVLIST ? ARRAY : found.kind
    if (key.kind !== kind && (key.builder !== null || !this.#open(key, kind))) {
      this.#addRest(key, reader, row)
      return
    }
    switch (kind) {
      case STRING:
        ;(key.builder as DictionaryBuilder).set(row, reader.bytes, found.from, found.to)
        break
      case BOOL:
        ;(key.builder as BooleanBuilder).set(row, found.low !== 0 || found.high !== 0)
        break
      case INT:
        ;(key.builder as LongBuilder).setWords(row, found.low, found.high)
        break
      case DOUBLE: {
        const value = doubleFound(found)
        ;(key.builder as DoubleBuilder).set(row, value)
        if (!Number.isFinite(value)) this.#markLossy(key, row)
        break
      }
      default:
        this.#json.reset()
        if (!writePlain(this.#json, reader, found)) this.#markLossy(key, row)
        ;(key.builder as DictionaryBuilder).set(row, this.#json.bytes, 0, this.#json.size)
        reader.at = end
    }
  }

  /** Must come after a row's last attribute. */
  endRow(row: number): void {
    const rest = this.#restJson
    if (rest.size === 0) return
    rest.raw('}')
    this.#rest.set(row, rest.bytes, 0, rest.size)
    rest.reset()
  }

  /** Gives rows `from + 1` to `to` (exclusive) the attributes of row `from`, the last one read. */
  repeat(from: number, to: number): void {
    // A key of this row may have found no place in its column, which then ends before.
    for (const { builder } of this.#keys.values()) if (builder?.rows === from + 1) builder.repeat(from, to)
    if (this.#rest.rows === from + 1) this.#rest.repeat(from, to)
  }

  /** For a row that is lossy: its `otlp_exact` member. @param tag of the attributes in their message, `from` to `to` */
  exact(reader: WireReader, from: number, to: number, tag: number, row: number): string {
    const json = this.#json
    const found = this.#found
    json.reset()
    json.raw('[')
    for (reader.at = from; reader.at < to; ) {
      const field = reader.tag()
      if (field !== tag) {
        reader.skip(field, to)
        continue
      }
      const end = reader.lengthEnd(to)
      readKeyValue(reader, end, found)
      if (this.#key(reader.bytes, found.keyFrom, found.keyTo).exactRow === row) {
        json.comma(1)
        writeExactEntry(json, reader, found)
      }
      reader.at = end
    }
    json.raw(']')
    return json.text()
  }

  #markLossy(key: Key, row: number): void {
    key.exactRow = row
    this.lossy = true
  }

  #addRest(key: Key, reader: WireReader, row: number): void {
    const rest = this.#restJson
    const end = reader.at
    rest.raw(rest.size === 0 ? '{' : ',')
    rest.string(key.bytes, 0, key.bytes.length)
    rest.raw(':')
    if (!writePlain(rest, reader, this.#found)) this.#markLossy(key, row)
    reader.at = end
  }

  /** Gives the key a column for values of this kind, if it may have one. */
  #open(key: Key, kind: Kind): boolean {
    // The column of a key named `rest` would have the name of the column for all the rest.
    if (this.#budget.left === 0 || key.name === 'rest') return false
    const name = `${this.#scope}.${key.name}`
    if (kind === STRING) key.builder = this.#columns.text(name)
    else if (kind === BOOL) key.builder = this.#columns.boolean(name)
    else if (kind === INT) key.builder = this.#columns.long(name)
    else if (kind === DOUBLE) key.builder = this.#columns.double(name)
    else if (kind === ARRAY) key.builder = this.#columns.json(name)
    else return false
    key.kind = kind
    this.#budget.left--
    return true
  }

  #key(bytes: Uint8Array, from: number, to: number): Key {
    const expected = this.#previous.next
    const key = expected !== null && equals(expected.bytes, bytes, from, to) ? expected : this.#lookUp(bytes, from, to)
    this.#previous = key
    return key
  }

  #lookUp(bytes: Uint8Array, from: number, to: number): Key {
    const name = decoder.decode(bytes.subarray(from, to))
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = newKey(bytes.slice(from, to), name)
      this.#keys.set(name, key)
    }
    this.#previous.next = key
    return key
  }
}

function newKey(bytes: Uint8Array, name = ''): Key {
  return { bytes, name, builder: null, kind: -1, row: -1, exactRow: -1, next: null }
}

function equals(key: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  const length = key.length
  if (length !== to - from) return false
  for (let at = length - 1; at >= 0; at--) if (key[at] !== bytes[from + at]) return false
  return true
}
