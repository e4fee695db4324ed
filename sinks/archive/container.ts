/**
 * Avro object container files, as far as the archive needs them: a header that says what is in the file, then blocks of
 * records, each compressed by itself. https://avro.apache.org/docs/1.12.0/specification/#object-container-files
 */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** One record of the log, as it was there. */
export interface ArchivedRecord {
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array
}

export const RECORD_SCHEMA = {
  type: 'record',
  name: 'ArchivedRecord',
  namespace: 'millrace.v1',
  doc: 'A record of a topic, its bytes as they were in the log.',
  fields: [
    { name: 'offset', type: 'long' },
    { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'key', type: ['null', 'bytes'], default: null },
    { name: 'value', type: 'bytes', doc: 'Confluent framing: 0, the schema id as int32 big-endian, the Avro value.' },
  ],
} as const

/** With a sum of the records' bytes, which the format itself has not. */
const ZSTD = { [constants.ZSTD_c_checksumFlag]: 1 }
const MAGIC = Buffer.from('Obj\x01', 'latin1')
export const SYNC_BYTES = 16

/** What is not a container file, or only the beginning of one. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError'
}

export interface Header {
  /** By name, `avro.schema` and `avro.codec` among them. */
  readonly metadata: ReadonlyMap<string, string>
  /** Stands behind the header and behind every block. */
  readonly sync: Buffer
  /** Bytes of the header itself. */
  readonly sizeBytes: number
}

/** @param metadata besides the schema and the codec @param sync 16 bytes that blocks do not have in them by chance */
export function encodeHeader(metadata: ReadonlyMap<string, string>, sync: Buffer): Buffer {
  const all = new Map([['avro.schema', JSON.stringify(RECORD_SCHEMA)], ['avro.codec', 'zstandard'], ...metadata])
  const parts: Buffer[] = [MAGIC, long(all.size)]
  for (const [name, value] of all) {
    for (const text of [name, value]) {
      const bytes = Buffer.from(text)
      parts.push(long(bytes.length), bytes)
    }
  }
  parts.push(long(0), sync)
  return Buffer.concat(parts)
}

/** @returns `null` where these are too few bytes of the file @throws DamagedError where it is no such file */
export function decodeHeader(bytes: Buffer): Header | null {
  if (!MAGIC.subarray(0, bytes.length).equals(bytes.subarray(0, MAGIC.length)))
    throw new DamagedError('it is no Avro file')
  const reader = new Reader(bytes, MAGIC.length)
  try {
    const metadata = new Map<string, string>()
    for (let count = reader.long(); count !== 0; count = reader.long()) {
      // A negative count is followed by the size of the map's block.
      if (count < 0) reader.long()
      for (let entry = 0; entry < Math.abs(count); entry++) metadata.set(reader.text(), reader.text())
    }
    const sync = reader.bytes(SYNC_BYTES)
    const codec = metadata.get('avro.codec')
    if (codec !== 'zstandard') throw new DamagedError(`it is compressed with ${codec}, not with zstandard`)
    return { metadata, sync, sizeBytes: reader.at }
  } catch (error) {
    if (error instanceof ShortError) return null
    throw error
  }
}

/** Bytes that a record takes in a block, at most. */
export function recordBytes({ key, value }: ArchivedRecord): number {
  return 40 + (key?.length ?? 0) + value.length
}

/** @param sync as in the header */
export async function encodeBlock(records: readonly ArchivedRecord[], sync: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const { offset, timestamp, key, value } of records) {
    parts.push(long(offset), long(timestamp))
    if (key === null) parts.push(long(0))
    else parts.push(long(1), long(key.length), key)
    parts.push(long(value.length), value)
  }
  const plain = Buffer.concat(parts)
  const data = await compress(plain, { params: ZSTD, pledgedSrcSize: plain.length })
  return Buffer.concat([long(records.length), long(data.length), data, sync])
}

export interface Block {
  readonly count: number
  /** Compressed. */
  readonly data: Buffer
  /** Where the next block begins. */
  readonly end: number
}

/**
 * The block that begins at `at`.
 * @returns how many bytes there must be behind `at` for more to be known, where there are too few
 * @throws DamagedError where it does not end as a block of this file does
 */
export function nextBlock(bytes: Buffer, at: number, sync: Buffer): Block | number {
  const reader = new Reader(bytes, at)
  try {
    const count = reader.long()
    const size = reader.long()
    if (count <= 0 || size < 0) throw new DamagedError(`a block of ${count} records in ${size} bytes`)
    const needed = reader.at - at + size + SYNC_BYTES
    if (bytes.length - at < needed) return needed
    const data = reader.bytes(size)
    if (!reader.bytes(SYNC_BYTES).equals(sync)) throw new DamagedError('a block does not end where it should')
    return { count, data, end: reader.at }
  } catch (error) {
    if (error instanceof ShortError) return 2 * MAX_LONG_BYTES
    throw error
  }
}

/** @throws DamagedError where the bytes are not those of so many records */
export async function decodeBlock({ count, data }: Block): Promise<ArchivedRecord[]> {
  let plain: Buffer
  try {
    plain = await decompress(data)
  } catch (cause) {
    throw new DamagedError(`a block cannot be decompressed: ${(cause as Error).message}`)
  }
  const reader = new Reader(plain, 0)
  const records: ArchivedRecord[] = []
  try {
    for (let at = 0; at < count; at++) {
      const [offset, timestamp] = [reader.long(), reader.long()]
      const branch = reader.long()
      if (branch !== 0 && branch !== 1) throw new DamagedError('a key is neither null nor bytes')
      const key = branch === 0 ? null : reader.bytes(reader.long())
      records.push({ offset, timestamp, key, value: reader.bytes(reader.long()) })
    }
  } catch (error) {
    throw error instanceof ShortError ? new DamagedError('a block ends within a record') : error
  }
  if (reader.at !== plain.length) throw new DamagedError('a block has more bytes than records')
  return records
}

const MAX_LONG_BYTES = 10

/** Zigzag and base 128: the first byte has the sign and six bits, the others seven. Safe integers only. */
export function long(value: number): Buffer {
  const bytes: number[] = []
  let rest = value < 0 ? -value - 1 : value
  let byte = (rest % 64) * 2 + (value < 0 ? 1 : 0)
  rest = Math.floor(rest / 64)
  while (rest > 0) {
    bytes.push(byte | 128)
    byte = rest % 128
    rest = Math.floor(rest / 128)
  }
  bytes.push(byte)
  return Buffer.from(bytes)
}

class ShortError extends Error {}

class Reader {
  readonly #bytes: Buffer
  at: number
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  long(): number {
    const first = this.#byte()
    let magnitude = (first & 127) >> 1
    let unit = 64
    for (let byte = first; byte >= 128; unit *= 128) {
      byte = this.#byte()
      magnitude += (byte & 127) * unit
    }
    if (!Number.isSafeInteger(magnitude)) throw new DamagedError('a number is beyond 2^53')
    return first & 1 ? -magnitude - 1 : magnitude
  }

  bytes(size: number): Buffer {
    if (size < 0) throw new DamagedError(`${size} bytes`)
    if (this.at + size > this.#bytes.length) throw new ShortError()
    this.at += size
    return this.#bytes.subarray(this.at - size, this.at)
  }

  text(): string {
    return this.bytes(this.long()).toString()
  }

  #byte(): number {
    if (this.at >= this.#bytes.length) throw new ShortError()
    return this.#bytes[this.at++]
  }
}
