/**
 * Writes a Parquet file into memory, straight from dictionary columns: no row is ever made.
 * https://parquet.apache.org/docs/file-format/
 */
import { ByteWriter } from './byte_writer.ts'
import { type ColumnChunk, writeChunkMetadata, writeColumnChunk } from './column_chunk.ts'
import type { LeafData } from './leaf_data.ts'
import { type Field, leavesOf, schemaElements, writeSchemaElement } from './schema.ts'
import { type ThriftStruct, writeStruct } from './thrift.ts'

const MAGIC = new TextEncoder().encode('PAR1')
const CREATED_BY = 'millrace'

interface RowGroup {
  readonly rows: number
  readonly chunks: readonly ColumnChunk[]
}

export class ParquetFile {
  readonly #fields: readonly Field[]
  readonly #leaves
  readonly #sortedBy: number
  readonly #out = new ByteWriter(1 << 16)
  readonly #groups: RowGroup[] = []

  /** @param sortedBy name of the top-level column whose values ascend within each row group, nulls last */
  constructor(fields: readonly Field[], sortedBy?: string) {
    this.#fields = fields
    this.#leaves = leavesOf(fields)
    this.#sortedBy = this.#leaves.findIndex((leaf) => leaf.path.length === 1 && leaf.path[0] === sortedBy)
    this.#out.bytes(MAGIC)
  }

  get sizeBytes(): number {
    return this.#out.size
  }

  /**
   * Appends a row group.
   * @param columns makes the data of the n-th leaf of the schema; called once for each, so that only one is in memory
   * @returns what was written of each leaf, its statistics among it
   */
  addRowGroup(rows: number, columns: (leaf: number) => LeafData): readonly ColumnChunk[] {
    const chunks = this.#leaves.map((leaf, at) => writeColumnChunk(this.#out, leaf, columns(at)))
    this.#groups.push({ rows, chunks })
    return chunks
  }

  /** The whole file. Nothing may be added after this. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#out
    const start = out.size
    writeStruct(out, (footer) =>
      footer
        .i32(1, 2)
        .structs(2, schemaElements(this.#fields), writeSchemaElement)
        .i64(
          3,
          this.#groups.reduce((sum, group) => sum + group.rows, 0),
        )
        .structs(4, this.#groups, (struct, group) => this.#rowGroup(struct, group))
        .binary(6, CREATED_BY)
        // TYPE_ORDER for each leaf: readers trust min_value and max_value only with it.
        .structs(7, this.#leaves, (order) => order.struct(1, () => {})),
    )
    out.uint32(out.size - start)
    out.bytes(MAGIC)
    return out.written()
  }

  #rowGroup(struct: ThriftStruct, { rows, chunks }: RowGroup): void {
    const sum = (of: (chunk: ColumnChunk) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0)
    struct
      .structs(1, chunks, writeChunkMetadata)
      .i64(
        2,
        sum((chunk) => chunk.uncompressedBytes),
      )
      .i64(3, rows)
    if (this.#sortedBy >= 0) {
      struct.structs(4, [this.#sortedBy], (it, column) => it.i32(1, column).bool(2, false).bool(3, false))
    }
    struct.i64(
      6,
      sum((chunk) => chunk.compressedBytes),
    )
  }
}
