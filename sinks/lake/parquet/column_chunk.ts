/** One column of one row group: pages of encoded, compressed values, and what the footer says of them. */
import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter } from './byte_writer.ts'
import { ENCODING, encoderFor, type ValueEncoder } from './encoding.ts'
import { type LeafData, valueCount } from './leaf_data.ts'
import { bitWidth, writeHybrid } from './rle.ts'
import { type Leaf, PHYSICAL } from './schema.ts'
import { type Statistics, statisticsOf, writeStatistics } from './statistics.ts'
import { structBytes, type ThriftStruct } from './thrift.ts'

export interface ColumnChunk {
  readonly leaf: Leaf
  readonly codec: number
  readonly encodings: readonly number[]
  readonly levels: number
  readonly uncompressedBytes: number
  readonly compressedBytes: number
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
  readonly statistics: Statistics
}

interface Page {
  /** Level entries of a data page; `null` for the dictionary. */
  readonly levels: number | null
  readonly raw: Uint8Array
}

const UNCOMPRESSED = 0
const ZSTD = 6
const DICTIONARY_PAGE = 2
/** Pages are the unit readers skip and decompress: a few hundred KB of text. */
const PAGE_LEVELS = 20_000
/** Compressing less, or to no less than this share, is not worth a reader's time. */
const MIN_COMPRESSED_BYTES = 100
const WORTHWHILE = 0.95

/** Higher levels took longer and came to no fewer bytes: decision record 0002. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Appends the column's pages to the file. */
export function writeColumnChunk(out: ByteWriter, leaf: Leaf, data: LeafData): ColumnChunk {
  const encoder = encoderFor(data.values)
  const pages = valueCount(data.values) > 0 && encoder.dictionary ? [dictionaryPage(encoder)] : []
  for (const [from, to] of pageBounds(data)) pages.push(dataPage(leaf, data, encoder, from, to))

  const rawBytes = pages.reduce((sum, page) => sum + page.raw.length, 0)
  let bodies = pages.map((page) => page.raw)
  let codec = UNCOMPRESSED
  if (rawBytes >= MIN_COMPRESSED_BYTES) {
    const compressed = bodies.map((raw) => zstdCompressSync(raw, COMPRESSION))
    if (compressed.reduce((sum, body) => sum + body.length, 0) < rawBytes * WORTHWHILE) {
      bodies = compressed as Uint8Array<ArrayBuffer>[]
      codec = ZSTD
    }
  }

  const start = out.size
  let headerBytes = 0
  let dataOffset = start
  pages.forEach((page, at) => {
    const header = pageHeader(page, bodies[at].length, encoder)
    headerBytes += header.length
    if (at === 1 && pages[0].levels === null) dataOffset = out.size
    out.bytes(header)
    out.bytes(bodies[at])
  })
  return {
    leaf,
    codec,
    encodings: [ENCODING.rle, ...(pages[0].levels === null ? [ENCODING.plain] : []), ENCODING[encoder.encoding]],
    levels: data.levels,
    uncompressedBytes: rawBytes + headerBytes,
    compressedBytes: out.size - start,
    dictionaryOffset: pages[0].levels === null ? start : undefined,
    dataOffset,
    statistics: statisticsOf(data),
  }
}

/** Level entries of each page; a page starts at a row. At least one page, an empty one for no rows. */
function pageBounds({ levels, repetitions, values }: LeafData): [number, number][] {
  if (valueCount(values) === 0) return [[0, levels]]
  const bounds: [number, number][] = []
  let from = 0
  do {
    let to = Math.min(levels, from + PAGE_LEVELS)
    while (repetitions !== null && to < levels && repetitions[to] !== 0) to++
    bounds.push([from, to])
    from = to
  } while (from < levels)
  return bounds
}

function dictionaryPage(encoder: ValueEncoder): Page {
  const out = new ByteWriter(4096)
  encoder.dictionary!.write(out)
  return { levels: null, raw: out.written() }
}

function dataPage(leaf: Leaf, data: LeafData, encoder: ValueEncoder, from: number, to: number): Page {
  const out = new ByteWriter(4096)
  if (leaf.maxRepetition > 0) writeLevels(out, data.repetitions ?? 0, from, to, leaf.maxRepetition)
  if (leaf.maxDefinition > 0) writeLevels(out, data.definitions, from, to, leaf.maxDefinition)
  const { definitions } = data
  if (typeof definitions === 'number') {
    if (definitions === leaf.maxDefinition) encoder.write(out, from, to)
  } else {
    const start = countDefined(definitions, 0, from, leaf.maxDefinition)
    encoder.write(out, start, start + countDefined(definitions, from, to, leaf.maxDefinition))
  }
  return { levels: to - from, raw: out.written() }
}

function countDefined(definitions: Uint8Array, from: number, to: number, max: number): number {
  let count = 0
  for (let at = from; at < to; at++) if (definitions[at] === max) count++
  return count
}

/** Levels of a version 1 page: their size in bytes, then the hybrid encoding. */
function writeLevels(out: ByteWriter, levels: Uint8Array | number, from: number, to: number, max: number): void {
  const start = out.size
  out.uint32(0)
  if (typeof levels !== 'number') writeHybrid(out, levels, from, to, bitWidth(max))
  else if (to > from) {
    out.varint((to - from) * 2)
    out.byte(levels)
  }
  const size = out.size - start - 4
  out.buffer.set([size, size >>> 8, size >>> 16, size >>> 24], start)
}

function pageHeader(page: Page, size: number, encoder: ValueEncoder): Uint8Array {
  return structBytes((header) => {
    header
      .i32(1, page.levels === null ? DICTIONARY_PAGE : 0)
      .i32(2, page.raw.length)
      .i32(3, size)
    if (page.levels === null) {
      header.struct(7, (it) => it.i32(1, encoder.dictionary!.count).i32(2, ENCODING.plain))
    } else {
      const encoding = ENCODING[encoder.encoding]
      header.struct(5, (it) => it.i32(1, page.levels!).i32(2, encoding).i32(3, ENCODING.rle).i32(4, ENCODING.rle))
    }
  })
}

/** The chunk in the footer. */
export function writeChunkMetadata(struct: ThriftStruct, chunk: ColumnChunk): void {
  struct.i64(2, chunk.dictionaryOffset ?? chunk.dataOffset).struct(3, (meta) =>
    meta
      .i32(1, PHYSICAL[chunk.leaf.type])
      .i32s(2, chunk.encodings)
      .strings(3, chunk.leaf.path)
      .i32(4, chunk.codec)
      .i64(5, chunk.levels)
      .i64(6, chunk.uncompressedBytes)
      .i64(7, chunk.compressedBytes)
      .i64(9, chunk.dataOffset)
      .i64(11, chunk.dictionaryOffset)
      .struct(12, (it) => writeStatistics(it, chunk.statistics, chunk.leaf.type)),
  )
}
