/**
 * Several Parquet files as one, row group after row group: nothing is decoded, so it costs what copying costs. For files
 * whose row groups are large enough as they are.
 */
import { ByteWriter } from './byte_writer.ts'
import { fieldOf, readThrift, type ThriftField, type ThriftList, writeThrift } from './thrift_tree.ts'

const MAGIC = new TextEncoder().encode('PAR1')
const TAIL_BYTES = 8

/** Ids in parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData. */
const SCHEMA = 2
const ROWS = 3
const ROW_GROUPS = 4
const GROUP = { columns: 1, offset: 5, ordinal: 7 }
const CHUNK = { offset: 2, metadata: 3, offsetIndex: 4, columnIndex: 6 }
const METADATA = { data: 9, index: 10, dictionary: 11, bloomFilter: 14 }

/**
 * One file with the row groups of all, in their order.
 * @returns `null` where the files have not one schema: then their rows must be rewritten
 * @throws RangeError where one of them is no Parquet file
 */
export function concatenateFiles(files: readonly Uint8Array[]): Uint8Array | null {
  const out = new ByteWriter(files.reduce((sum, file) => sum + file.length, 0) + TAIL_BYTES)
  out.bytes(MAGIC)
  const footers = files.map(footerOf)
  const schemas = footers.map(({ fields }) => bytesOf(fields.filter(({ id }) => id === SCHEMA)))
  if (schemas.some((schema) => !schema.equals(schemas[0]))) return null
  const groups: ThriftField[][] = []
  let rows = 0n
  files.forEach((file, at) => {
    const { fields, start } = footers[at]
    const shift = BigInt(out.size - MAGIC.length)
    out.bytes(file.subarray(MAGIC.length, start))
    rows += fieldOf(fields, ROWS)!.value as bigint
    for (const group of (fieldOf(fields, ROW_GROUPS)!.value as ThriftList).items as ThriftField[][]) {
      groups.push(shifted(group, shift, BigInt(groups.length)))
    }
  })
  const footer = footers[0].fields
  fieldOf(footer, ROWS)!.value = rows
  fieldOf(footer, ROW_GROUPS)!.value = { ...(fieldOf(footer, ROW_GROUPS)!.value as ThriftList), items: groups }
  const start = out.size
  writeThrift(out, footer)
  out.uint32(out.size - start)
  out.bytes(MAGIC)
  return out.written()
}

function footerOf(file: Uint8Array): { fields: ThriftField[]; start: number } {
  const end = file.length - TAIL_BYTES
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const start = end < MAGIC.length ? -1 : end - view.getUint32(end, true)
  if (start < MAGIC.length || !bytesEqual(file.subarray(end + 4), MAGIC)) throw new RangeError('not a Parquet file')
  return { fields: readThrift(file.subarray(start, end)), start }
}

/** The row group with every place in the file moved on. */
function shifted(group: ThriftField[], shift: bigint, ordinal: bigint): ThriftField[] {
  const move = (fields: ThriftField[], ...ids: number[]) => {
    for (const field of fields) if (ids.includes(field.id)) field.value = (field.value as bigint) + shift
  }
  move(group, GROUP.offset)
  for (const field of group) if (field.id === GROUP.ordinal) field.value = ordinal
  for (const chunk of (fieldOf(group, GROUP.columns)!.value as ThriftList).items as ThriftField[][]) {
    move(chunk, CHUNK.offset, CHUNK.offsetIndex, CHUNK.columnIndex)
    const metadata = fieldOf(chunk, CHUNK.metadata)!.value as ThriftField[]
    move(metadata, METADATA.data, METADATA.index, METADATA.dictionary, METADATA.bloomFilter)
  }
  return group
}

function bytesOf(fields: readonly ThriftField[]): Buffer {
  const out = new ByteWriter(4096)
  writeThrift(out, fields)
  return Buffer.from(out.written())
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
