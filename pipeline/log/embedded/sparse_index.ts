/**
 * Where in a segment file an offset is, to within 64 KB: one entry per 64 KB of frames, so a full segment costs the
 * memory of 4,096 entries. It covers the file from its beginning up to `covered` and grows as frames are appended or
 * walked over; what it does not cover is found by walking on.
 */
import { crc32 } from 'node:zlib'
import { SEGMENT_HEADER_BYTES } from './frame.ts'

export const INDEX_INTERVAL_BYTES = 64 * 1024

/** A frame's beginning. */
export interface Place {
  readonly offset: number
  /** Bytes from the beginning of the file. */
  readonly position: number
}

interface Entry extends Place {
  /** The largest timestamp of all frames before this place; -Infinity at the first. */
  readonly maxTimestamp: number
}

const ENTRY_BYTES = 24
const VERSION = 1

export class SparseIndex {
  readonly #entries: Entry[] = []
  #covered: Entry

  constructor(base: number) {
    this.#covered = { offset: base, position: SEGMENT_HEADER_BYTES, maxTimestamp: Number.NEGATIVE_INFINITY }
    this.#entries.push(this.#covered)
  }

  /** The place behind the last frame that is covered. */
  get covered(): Place {
    return this.#covered
  }

  /** The largest timestamp of the frames covered; -Infinity where there are none. */
  get maxTimestamp(): number {
    return this.#covered.maxTimestamp
  }

  get size(): number {
    return this.#entries.length
  }

  /** Takes in the frame at `position`; one that does not follow what is covered changes nothing. */
  add(position: number, sizeBytes: number, timestamp: number): void {
    const { offset, maxTimestamp } = this.#covered
    if (position !== this.#covered.position) return
    this.#covered = {
      offset: offset + 1,
      position: position + sizeBytes,
      maxTimestamp: Math.max(maxTimestamp, timestamp),
    }
    const last = this.#entries[this.#entries.length - 1]
    if (this.#covered.position - last.position >= INDEX_INTERVAL_BYTES) this.#entries.push(this.#covered)
  }

  /** The last place known at or before `offset`. */
  floor(offset: number): Place {
    return this.#covered.offset <= offset ? this.#covered : this.#last((entry) => entry.offset <= offset)
  }

  /** The last place known with only smaller timestamps before it. */
  floorTime(timestamp: number): Place {
    if (this.#covered.maxTimestamp < timestamp) return this.#covered
    return this.#last((entry) => entry.maxTimestamp < timestamp)
  }

  /** The last entry that passes a test which, once failed, fails for all later ones. The first always passes. */
  #last(passes: (entry: Entry) => boolean): Entry {
    let low = 0
    let high = this.#entries.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (passes(this.#entries[middle])) low = middle
      else high = middle
    }
    return this.#entries[low]
  }

  /**
   * For the file beside the segment: version, entries, crc32 of all that.
   * @param salt the segment's, so that an index never passes for that of another segment
   */
  encode(salt: number): Buffer {
    const entries = [...this.#entries.slice(1), this.#covered]
    const bytes = Buffer.alloc(4 + entries.length * ENTRY_BYTES + 4)
    bytes.writeUInt32LE(VERSION, 0)
    entries.forEach((entry, index) => {
      const at = 4 + index * ENTRY_BYTES
      bytes.writeBigUInt64LE(BigInt(entry.offset), at)
      bytes.writeBigUInt64LE(BigInt(entry.position), at + 8)
      bytes.writeDoubleLE(entry.maxTimestamp, at + 16)
    })
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4), salt), bytes.length - 4)
    return bytes
  }

  /** `null` where the bytes are not this segment's index: the file is only a shortcut. */
  static decode(bytes: Buffer, base: number, salt: number): SparseIndex | null {
    const count = (bytes.length - 8) / ENTRY_BYTES
    if (!Number.isInteger(count) || count < 1 || bytes.readUInt32LE(0) !== VERSION) return null
    if (bytes.readUInt32LE(bytes.length - 4) !== crc32(bytes.subarray(0, -4), salt)) return null
    const index = new SparseIndex(base)
    for (let i = 0; i < count; i++) {
      const at = 4 + i * ENTRY_BYTES
      index.#covered = {
        offset: Number(bytes.readBigUInt64LE(at)),
        position: Number(bytes.readBigUInt64LE(at + 8)),
        maxTimestamp: bytes.readDoubleLE(at + 16),
      }
      if (i < count - 1) index.#entries.push(index.#covered)
    }
    return index
  }
}
