/**
 * The bytes of a segment file: one header, then one frame per record. All numbers are little-endian.
 *
 * ```
 * segment header, 64 bytes            frame header, 40 bytes, then key and value
 *  0  8  "MILLRACE"                    0  4  "MRFR"
 *  8  4  format version, 1             4  4  crc32 of bytes 8–39, seeded with the segment's salt
 * 12  4  salt, random                  8  4  crc32 of key and value
 * 16 16  log id                       12  4  length of key and value
 * 32  8  base offset                  16  4  length of the key, -1 for none
 * 40  8  made at, ms since 1970       20  4  durable end of the file when this frame was written
 * 48  4  partition                    24  8  offset
 * 60  4  crc32 of bytes 0–59          32  8  timestamp, ms since 1970
 * ```
 *
 * The salt keeps bytes that a client sent us from ever passing for a frame. The durable end is how recovery tells
 * damage from a torn tail: a frame says that everything before its durable end had been acknowledged.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { LogRecord, NewRecord } from '../log.ts'

export const SEGMENT_HEADER_BYTES = 64
export const FRAME_HEADER_BYTES = 40

const SEGMENT_MAGIC = Buffer.from('MILLRACE')
const FORMAT_VERSION = 1
export const FRAME_MAGIC = Buffer.from('MRFR')
const FRAME_MAGIC_WORD = FRAME_MAGIC.readUInt32LE(0)

export interface SegmentHeader {
  readonly salt: number
  /** The log's UUID. */
  readonly log: string
  readonly base: number
  /** Milliseconds since 1970. */
  readonly madeAt: number
  readonly partition: number
}

/** A header for a new segment, with a salt of its own. */
export function encodeSegmentHeader(header: Omit<SegmentHeader, 'salt'>): { bytes: Buffer; salt: number } {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  const salt = randomBytes(4).readUInt32LE(0)
  SEGMENT_MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(FORMAT_VERSION, 8)
  bytes.writeUInt32LE(salt, 12)
  bytes.write(header.log.replaceAll('-', ''), 16, 'hex')
  bytes.writeBigUInt64LE(BigInt(header.base), 32)
  bytes.writeBigInt64LE(BigInt(header.madeAt), 40)
  bytes.writeUInt32LE(header.partition, 48)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return { bytes, salt }
}

/** @throws RangeError saying what is wrong with the header */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) throw new RangeError('the file is shorter than its header')
  if (bytes.compare(SEGMENT_MAGIC, 0, 8, 0, 8) !== 0) throw new RangeError('the file does not begin with MILLRACE')
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) throw new RangeError('the header fails its checksum')
  const version = bytes.readUInt32LE(8)
  if (version !== FORMAT_VERSION)
    throw new RangeError(`the file has format ${version}, this program reads ${FORMAT_VERSION}`)
  return {
    salt: bytes.readUInt32LE(12),
    log: bytes.toString('hex', 16, 32).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5'),
    base: Number(bytes.readBigUInt64LE(32)),
    madeAt: Number(bytes.readBigInt64LE(40)),
    partition: bytes.readUInt32LE(48),
  }
}

/** Bytes the record takes in a file. */
export function frameBytes(record: NewRecord): number {
  return FRAME_HEADER_BYTES + (record.key?.length ?? 0) + record.value.length
}

/** A record on its way to a file: what can be computed before its offset is known. */
export interface Unplaced {
  readonly record: NewRecord
  readonly payloadCrc: number
  readonly sizeBytes: number
}

export function unplaced(record: NewRecord): Unplaced {
  const keyCrc = record.key ? crc32(record.key) : 0
  return { record, payloadCrc: crc32(record.value, keyCrc), sizeBytes: frameBytes(record) }
}

/**
 * The buffers to write, in order, for records at consecutive offsets.
 * @param durableEnd bytes of the file that are acknowledged
 */
export function encodeFrames(
  group: readonly Unplaced[],
  first: number,
  durableEnd: number,
  salt: number,
): Uint8Array[] {
  const headers = Buffer.allocUnsafe(group.length * FRAME_HEADER_BYTES)
  const buffers: Uint8Array[] = []
  group.forEach(({ record, payloadCrc, sizeBytes }, index) => {
    const header = headers.subarray(index * FRAME_HEADER_BYTES, (index + 1) * FRAME_HEADER_BYTES)
    header.writeUInt32LE(FRAME_MAGIC_WORD, 0)
    header.writeUInt32LE(payloadCrc, 8)
    header.writeUInt32LE(sizeBytes - FRAME_HEADER_BYTES, 12)
    header.writeInt32LE(record.key ? record.key.length : -1, 16)
    header.writeUInt32LE(durableEnd, 20)
    header.writeBigUInt64LE(BigInt(first + index), 24)
    header.writeBigInt64LE(BigInt(record.timestamp), 32)
    header.writeUInt32LE(crc32(header.subarray(8), salt), 4)
    buffers.push(header)
    if (record.key && record.key.length > 0) buffers.push(record.key)
    if (record.value.length > 0) buffers.push(record.value)
  })
  return buffers
}

export interface FrameHeader {
  readonly payloadCrc: number
  readonly payloadBytes: number
  readonly keyLength: number
  readonly durableEnd: number
  readonly offset: number
  readonly timestamp: number
}

/** The frame header at `at`, or `null` where there is none (too few bytes, or they fail the checksum). */
export function decodeFrameHeader(bytes: Buffer, at: number, salt: number): FrameHeader | null {
  if (at + FRAME_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== FRAME_MAGIC_WORD) return null
  if (bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, at + FRAME_HEADER_BYTES), salt)) return null
  return {
    payloadCrc: bytes.readUInt32LE(at + 8),
    payloadBytes: bytes.readUInt32LE(at + 12),
    keyLength: bytes.readInt32LE(at + 16),
    durableEnd: bytes.readUInt32LE(at + 20),
    offset: Number(bytes.readBigUInt64LE(at + 24)),
    timestamp: Number(bytes.readBigInt64LE(at + 32)),
  }
}

/** True where the payload is what was written. */
export function payloadIntact(header: FrameHeader, payload: Uint8Array): boolean {
  return payload.length === header.payloadBytes && crc32(payload) === header.payloadCrc
}

/** @param payload key and value; the record refers to these bytes */
export function toRecord(header: FrameHeader, payload: Uint8Array, topic: string, partition: number): LogRecord {
  const keyEnd = Math.max(0, header.keyLength)
  return {
    topic,
    partition,
    offset: header.offset,
    timestamp: header.timestamp,
    key: header.keyLength < 0 ? null : payload.subarray(0, keyEnd),
    value: payload.subarray(keyEnd),
  }
}
