/** Resource and InstrumentationScope from the wire into columns: read once, repeated over the rows they belong to. */
import type { Signal } from '#pipeline/batch/batch.ts'
import type { DictionaryBuilder, LongBuilder } from '#pipeline/batch/builder.ts'
import type { ColumnSet } from '#pipeline/batch/column_set.ts'
import { JsonWriter } from './json_writer.ts'
import type { WireReader } from './wire.ts'
import { AttributeColumns, type ColumnBudget } from './wire_attributes.ts'
import type { ExactColumn } from './wire_exact.ts'
import { writeExactEntries, writePlainObject } from './wire_json.ts'
import { type RowRange, setStringRange } from './wire_signal.ts'

/** A message that belongs to a group of rows, and the schema URL beside it. */
export interface GroupColumns {
  readonly message: 'resource' | 'scope'
  /** Reads the message that begins at the reader's place and ends at `end`. */
  read(reader: WireReader, end: number, rows: RowRange): void
  readonly schemaUrl: DictionaryBuilder
}

export class ResourceColumns implements GroupColumns {
  readonly message = 'resource'
  readonly schemaUrl: DictionaryBuilder
  readonly #attributes: AttributeColumns
  readonly #dropped: LongBuilder
  readonly #exact: ExactColumn

  constructor(signal: Signal, columns: ColumnSet, budget: ColumnBudget, exact: ExactColumn) {
    this.schemaUrl = columns.text(`resource${joint(signal)}schema_url`)
    this.#attributes = new AttributeColumns('resource', columns, budget)
    this.#dropped = columns.long('resource___dropped_attributes_count')
    this.#exact = exact
  }

  read(reader: WireReader, end: number, rows: RowRange): void {
    const attributes = this.#attributes
    const start = reader.at
    const entityRefs: string[] = []
    attributes.beginRow()
    while (reader.at < end) {
      const tag = reader.tag()
      switch (tag) {
        case RESOURCE_ATTRIBUTES:
          attributes.read(reader, reader.lengthEnd(end), rows.first)
          break
        case 0x10: // dropped_attributes_count = 2
          setRange(this.#dropped, reader.uint32(), rows)
          break
        case 0x1a: // entity_refs = 3
          entityRefs.push(entityRef(reader, reader.lengthEnd(end)))
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    attributes.endRow(rows.first)
    attributes.repeat(rows.first, rows.end)
    if (entityRefs.length > 0) this.#exact.addRange(rows.first, rows.end, 'entityRefs', `[${entityRefs}]`)
    if (attributes.lossy) {
      const json = attributes.exact(reader, start, end, RESOURCE_ATTRIBUTES, rows.first)
      this.#exact.addRange(rows.first, rows.end, 'resource', json)
    }
    reader.at = end
  }
}

const RESOURCE_ATTRIBUTES = 0x0a
const SCOPE_ATTRIBUTES = 0x1a

export class ScopeColumns implements GroupColumns {
  readonly message = 'scope'
  readonly schemaUrl: DictionaryBuilder
  readonly #name: DictionaryBuilder
  readonly #version: DictionaryBuilder
  readonly #attributes: DictionaryBuilder
  readonly #dropped: LongBuilder
  readonly #exact: ExactColumn
  readonly #json = new JsonWriter()

  constructor(signal: Signal, columns: ColumnSet, exact: ExactColumn) {
    this.schemaUrl = columns.text(`scope${joint(signal)}schema_url`)
    this.#name = columns.text(`scope${joint(signal)}name`)
    this.#version = columns.text(`scope${joint(signal)}version`)
    this.#attributes = columns.json('scope___attributes')
    this.#dropped = columns.long('scope___dropped_attributes_count')
    this.#exact = exact
  }

  read(reader: WireReader, end: number, rows: RowRange): void {
    const start = reader.at
    let hasAttributes = false
    while (reader.at < end) {
      const tag = reader.tag()
      switch (tag) {
        case 0x0a: // name = 1
          setStringRange(this.#name, reader, end, rows)
          break
        case 0x12: // version = 2
          setStringRange(this.#version, reader, end, rows)
          break
        case SCOPE_ATTRIBUTES:
          hasAttributes = true
          reader.at = reader.lengthEnd(end)
          break
        case 0x20: // dropped_attributes_count = 4
          setRange(this.#dropped, reader.uint32(), rows)
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    if (hasAttributes) this.#readAttributes(reader, start, end, rows)
  }

  #readAttributes(reader: WireReader, from: number, to: number, rows: RowRange): void {
    const json = this.#json
    json.reset()
    const complete = writePlainObject(json, reader, from, to, SCOPE_ATTRIBUTES)
    this.#attributes.set(rows.first, json.bytes, 0, json.size)
    this.#attributes.repeat(rows.first, rows.end)
    if (!complete) {
      json.reset()
      writeExactEntries(json, reader, from, to, SCOPE_ATTRIBUTES)
      this.#exact.addRange(rows.first, rows.end, 'scope', json.text())
    }
    reader.at = to
  }
}

/** The contract spells these columns differently in its two tables. */
function joint(signal: Signal): string {
  return signal === 'metrics' ? '_' : '___'
}

function setRange(builder: LongBuilder, value: number, rows: RowRange): void {
  if (value === 0) return
  builder.setNumber(rows.first, value)
  builder.repeat(rows.first, rows.end)
}

/** EntityRef as OTLP/JSON: schema_url = 1, type = 2, id_keys = 3, description_keys = 4. */
function entityRef(reader: WireReader, end: number): string {
  const texts: string[][] = [[], [], [], []]
  while (reader.at < end) {
    const tag = reader.tag()
    if ((tag & 7) !== 2 || tag >> 3 > 4) {
      reader.skip(tag, end)
      continue
    }
    const to = reader.lengthEnd(end)
    texts[(tag >> 3) - 1]?.push(Buffer.prototype.utf8Slice.call(reader.bytes, reader.at, to))
    reader.at = to
  }
  reader.expect(end)
  const [[schemaUrl], [type], idKeys, descriptionKeys] = texts
  return JSON.stringify({ schemaUrl, type, idKeys, descriptionKeys })
}
