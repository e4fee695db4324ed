/**
 * Kafka's record batches (magic 2), the unit that is produced, stored, compressed and fetched.
 * Format: https://kafka.apache.org/documentation/#recordbatch
 *
 * Ours and not kafkajs's, which copies every value ten times on its way out, checks no checksum on its way in, takes
 * timestamp 0 for none and sorts timestamps as text.
 */
import { promisify } from 'node:util'
import { constants, gunzip, zstdCompress, zstdDecompress } from 'node:zlib'
import { OperatorError } from '../../errors/errors.ts'
import { crc32c } from './crc32c.ts'
import { WireReader, WireWriter } from './wire.ts'

const compressZstd = promisify(zstdCompress)
const decompressZstd = promisify(zstdDecompress)
const decompress: Readonly<Record<number, (bytes: Uint8Array) => Promise<Buffer>>> = {
  1: promisify(gunzip),
  4: (bytes) => decompressZstd(bytes, { chunkSize: chunkBytes(bytes.length * EXPANSION) }),
}
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const ZSTD = 4
const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const CONTROL = 0x20
const MAGIC = 2

/** Bytes before what the length counts: base offset and length itself. */
const PREFIX_BYTES = 12
/** Leader epoch, magic and checksum: what the checksum does not cover. */
const UNCHECKED_BYTES = 9
/** Attributes to record count: the checksum's part that is not compressed. */
const FIXED_BYTES = 40
/** What comes out is gathered in pieces, 64 KB by default: one piece costs half of what sixteen do. */
const chunkBytes = (expected: number) => Math.min(Math.max(expected, 16 * 1024), 2 ** 20)
/** Of our records by zstd, at most and nearly always. */
const EXPANSION = 6
/** Compressing less saves nothing. */
const SMALL_BYTES = 256
/** Upper bound of what a record is beside its key and value: four varints, attributes, no headers. */
const RECORD_OVERHEAD_BYTES = 32

export interface BatchRecord {
  /** Milliseconds since 1970, not negative. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array
}

export interface PlacedRecord extends BatchRecord {
  readonly offset: number
}

/** What a record takes at most, uncompressed. */
export function recordBytes({ key, value }: Pick<BatchRecord, 'key' | 'value'>): number {
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + value.length
}

/** @param zstdLevel 0 for no compression */
export async function encodeBatch(records: readonly BatchRecord[], zstdLevel: number): Promise<Buffer> {
  let first = records[0].timestamp
  let last = first
  for (const { timestamp } of records) {
    first = Math.min(first, timestamp)
    last = Math.max(last, timestamp)
  }
  const body = encodeRecords(records, first)
  let attributes = 0
  let payload = body
  if (zstdLevel !== 0 && body.length >= SMALL_BYTES) {
    const params = { [constants.ZSTD_c_compressionLevel]: zstdLevel }
    const compressed = await compressZstd(body, { params, chunkSize: chunkBytes(Math.ceil(body.length / 2)) })
    // What does not shrink (a body that came compressed) is not worth unpacking.
    if (compressed.length < 0.95 * body.length) {
      attributes = ZSTD
      payload = compressed
    }
  }
  const header = new WireWriter()
    .int16(attributes)
    .int32(records.length - 1)
    .int64(first)
    .int64(last)
    .int64(-1) // no producer id, epoch and sequence: `produce_lane.ts` says why
    .int16(-1)
    .int32(-1)
    .int32(records.length)
  const checksum = crc32c(payload, crc32c(header.buffer))
  const prefix = new WireWriter()
    .int64(0)
    .int32(UNCHECKED_BYTES + header.size + payload.length)
    .int32(-1)
    .int8(MAGIC)
    .uint32(checksum)
  return Buffer.concat([prefix.buffer, header.buffer, payload])
}

function encodeRecords(records: readonly BatchRecord[], baseTimestamp: number): Buffer {
  const all = new WireWriter(records.reduce((sum, record) => sum + recordBytes(record), 0))
  for (const [index, { timestamp, key, value }] of records.entries()) {
    const head = new WireWriter()
      .int8(0)
      .varint(timestamp - baseTimestamp)
      .varint(index)
    if (key === null) head.varint(-1)
    else head.varint(key.length).bytes(key)
    head.varint(value.length)
    // One more byte after the value: it has no headers.
    all
      .varint(head.size + value.length + 1)
      .bytes(head.buffer)
      .bytes(value)
      .int8(0)
  }
  return all.buffer
}

export interface DecodedBatches {
  readonly records: readonly PlacedRecord[]
  /** Behind the last batch that is whole, records or not; `null` where none is. */
  readonly next: number | null
}

/**
 * What a fetch gave: batches one after the other, the last often cut off.
 * @param from records before it are left out: a batch is given whole
 * @param where for messages
 * @throws OperatorError where it is damaged or not to be read
 */
export async function decodeBatches(bytes: Uint8Array, from: number, where: string): Promise<DecodedBatches> {
  const reader = new WireReader(bytes)
  const records: PlacedRecord[] = []
  let next: number | null = null
  while (reader.left >= PREFIX_BYTES) {
    const baseOffset = reader.int64()
    const length = reader.int32()
    if (reader.left < length) break
    const batch = new WireReader(reader.bytes(length))
    next = await decodeBatch(batch, baseOffset, from, records, where)
  }
  return { records, next }
}

/** @returns the offset behind the batch */
async function decodeBatch(
  batch: WireReader,
  baseOffset: number,
  from: number,
  records: PlacedRecord[],
  where: string,
): Promise<number> {
  batch.int32()
  const magic = batch.int8()
  if (magic !== MAGIC) throw new OperatorError(`${where}@${baseOffset} was written by a Kafka before 0.11`)
  const checksum = batch.uint32()
  const checked = batch.bytes(batch.left)
  if (checked.length < FIXED_BYTES || crc32c(checked) !== checksum) {
    throw new OperatorError(`${where}@${baseOffset} is damaged: its checksum does not fit what is stored`)
  }
  const header = new WireReader(checked)
  const attributes = header.int16()
  const next = baseOffset + header.int32() + 1
  const baseTimestamp = header.int64()
  const maxTimestamp = header.int64()
  header.skip(14)
  const count = header.int32()
  if ((attributes & CONTROL) !== 0 || next <= from) return next
  const body = new WireReader(await unpacked(header.bytes(header.left), attributes & CODEC_MASK, where))
  for (let i = 0; i < count; i++) {
    const end = body.varint() + body.at
    body.int8()
    const timestamp = baseTimestamp + body.varint()
    const offset = baseOffset + body.varint()
    const key = bytesOrNull(body)
    const value = bytesOrNull(body) ?? Buffer.alloc(0)
    body.skip(end - body.at)
    const stamp = (attributes & LOG_APPEND_TIME) === 0 ? timestamp : maxTimestamp
    if (offset >= from) records.push({ offset, timestamp: stamp, key, value })
  }
  return next
}

async function unpacked(bytes: Buffer, codec: number, where: string): Promise<Buffer> {
  if (codec === 0) return bytes
  const unpack = decompress[codec]
  if (unpack === undefined) {
    throw new OperatorError(
      `${where} has records compressed with ${CODECS[codec] ?? codec}, which we do not write: set compression.type=producer on ` +
        'the topic and let nothing else write to it',
    )
  }
  return unpack(bytes)
}

function bytesOrNull(reader: WireReader): Buffer | null {
  const length = reader.varint()
  return length < 0 ? null : reader.bytes(length)
}
