/**
 * Reading a segment file. Every byte given out has passed its checksum. A file is opened for each read and closed
 * after it, so nothing has a lifetime: a segment may be unlinked at any moment, and a reader that has it open finishes.
 */
import { closeSync, fstatSync, openSync, read as readCallback } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { LogRecord } from '../log.ts'
import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameHeader, payloadIntact, toRecord } from './frame.ts'
import { damaged, type Segment } from './segment.ts'
import { INDEX_INTERVAL_BYTES, type Place, SparseIndex } from './sparse_index.ts'

const read = promisify(readCallback)

const CHUNK_LIMIT_BYTES = 4 * 1024 * 1024

/** Reads a file in chunks. A chunk, once read, is never written to again: records refer to its bytes. */
export class FrameReader {
  readonly #fd: number
  readonly salt: number
  readonly #chunkBytes: number
  readonly sizeBytes: number
  #chunk = Buffer.alloc(0)
  #chunkStart = 0

  constructor(fd: number, salt: number, sizeBytes: number, chunkBytes: number) {
    this.#fd = fd
    this.salt = salt
    this.sizeBytes = sizeBytes
    this.#chunkBytes = Math.min(chunkBytes, CHUNK_LIMIT_BYTES)
  }

  /** The frame header at `position`; `null` where there is none that passes its checksum. */
  async header(position: number): Promise<FrameHeader | null> {
    return decodeFrameHeader(await this.bytes(position, FRAME_HEADER_BYTES), 0, this.salt)
  }

  /** Key and value of the frame at `position`; `null` where they are not what was written. */
  async payload(position: number, header: FrameHeader): Promise<Buffer | null> {
    const frame = await this.bytes(position, FRAME_HEADER_BYTES + header.payloadBytes)
    const payload = frame.subarray(FRAME_HEADER_BYTES)
    return payloadIntact(header, payload) ? payload : null
  }

  /** Bytes of the file; fewer at its end. */
  async bytes(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.sizeBytes)
    if (position < this.#chunkStart || end > this.#chunkStart + this.#chunk.length) {
      const size = Math.max(0, Math.min(Math.max(length, this.#chunkBytes), this.sizeBytes - position))
      const chunk = Buffer.allocUnsafeSlow(size)
      const { bytesRead } = await read(this.#fd, chunk, 0, size, position)
      this.#chunk = chunk.subarray(0, bytesRead)
      this.#chunkStart = position
    }
    return this.#chunk.subarray(position - this.#chunkStart, Math.max(position, end) - this.#chunkStart)
  }
}

/**
 * Opening and closing are synchronous: together they take some 10 µs of this thread, where handing each to the thread
 * pool costs ten times that and was most of what reading a small page took.
 * @throws the fs error; ENOENT where the segment has been trimmed
 */
export async function withReader<T>(
  segment: Segment,
  chunkBytes: number,
  work: (reader: FrameReader) => Promise<T>,
): Promise<T> {
  const fd = openSync(segment.path, 'r')
  try {
    return await work(new FrameReader(fd, segment.salt, fstatSync(fd).size, chunkBytes))
  } finally {
    closeSync(fd)
  }
}

export interface Page {
  readonly topic: string
  readonly partition: number
  /** The first record wanted; the segment must hold it. */
  readonly offset: number
  /** Records from here on are not (yet) to be given out. */
  readonly end: number
  readonly maxBytes: number
  readonly maxRecords: number
}

/** At least one record. @throws OperatorError naming the byte where the file is damaged */
export function readPage(segment: Segment, index: SparseIndex, page: Page): Promise<LogRecord[]> {
  return withReader(segment, page.maxBytes + INDEX_INTERVAL_BYTES, async (reader) => {
    const records: LogRecord[] = []
    let valueBytes = 0
    let { offset, position } = index.floor(page.offset)
    while (offset < page.end && records.length < page.maxRecords) {
      if (position >= reader.sizeBytes && records.length > 0) break
      const header = await frameAt(segment, reader, { offset, position })
      index.add(position, FRAME_HEADER_BYTES + header.payloadBytes, header.timestamp)
      if (offset >= page.offset) {
        valueBytes += header.payloadBytes - Math.max(0, header.keyLength)
        if (records.length > 0 && valueBytes > page.maxBytes) break
        const payload = await reader.payload(position, header)
        if (payload === null) throw damaged(segment.path, position, `the record at offset ${offset} fails its checksum`)
        records.push(toRecord(header, payload, page.topic, page.partition))
      }
      offset++
      position += FRAME_HEADER_BYTES + header.payloadBytes
    }
    return records
  })
}

/** The first offset before `end` with a timestamp ≥ `timestamp`; `null` if this segment has none. */
export function findTimestamp(segment: Segment, index: SparseIndex, end: number, timestamp: number) {
  return withReader(segment, INDEX_INTERVAL_BYTES, async (reader): Promise<number | null> => {
    let { offset, position } = index.floorTime(timestamp)
    while (offset < end && position < reader.sizeBytes) {
      const header = await frameAt(segment, reader, { offset, position })
      index.add(position, FRAME_HEADER_BYTES + header.payloadBytes, header.timestamp)
      if (header.timestamp >= timestamp) return offset
      offset++
      position += FRAME_HEADER_BYTES + header.payloadBytes
    }
    return null
  })
}

async function frameAt(segment: Segment, reader: FrameReader, { offset, position }: Place): Promise<FrameHeader> {
  const header = await reader.header(position)
  if (header?.offset === offset) return header
  if (position >= reader.sizeBytes) {
    throw damaged(segment.path, reader.sizeBytes, `the file ends before the record at offset ${offset}`)
  }
  throw damaged(segment.path, position, `the frame of the record at offset ${offset} fails its checksum`)
}

/** The index stored beside a segment, or one that covers nothing yet. */
export async function loadIndex(segment: Segment): Promise<SparseIndex> {
  const bytes = await readFile(indexPath(segment)).catch(() => Buffer.alloc(0))
  return SparseIndex.decode(bytes, segment.base, segment.salt) ?? new SparseIndex(segment.base)
}

/** Stores what the index covers, which must be durable. Not synced: a torn index fails its checksum and is ignored. */
export async function storeIndex(segment: Segment, index: SparseIndex): Promise<void> {
  await writeFile(indexPath(segment), index.encode(segment.salt))
}

export function indexPath(segment: Segment): string {
  return segment.path.replace(/segment$/, 'index')
}

/** The indexes of the segments read last, at most `limit` of them. */
export class IndexCache {
  readonly #limit: number
  readonly #indexes = new Map<string, SparseIndex>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#indexes.size
  }

  async get(segment: Segment): Promise<SparseIndex> {
    const index = this.#indexes.get(segment.path) ?? (await loadIndex(segment))
    this.set(segment, index)
    return index
  }

  set(segment: Segment, index: SparseIndex): void {
    this.#indexes.delete(segment.path)
    this.#indexes.set(segment.path, index)
    if (this.#indexes.size > this.#limit) this.#indexes.delete(this.#indexes.keys().next().value!)
  }

  delete(segment: Segment): void {
    this.#indexes.delete(segment.path)
  }
}
