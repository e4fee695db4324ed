/**
 * The durable end: a 16-byte file per partition with the offset behind the last acknowledged record, rewritten in
 * place after every group commit. Readers in other processes go up to it; recovery knows by it what was promised.
 * It is not synced on each write: after a power cut it may be old, never ahead of the data.
 *
 * ```
 *  0  8  end offset        8  4  partition        12  4  crc32 of bytes 0–11
 * ```
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const BYTES = 16
/** A reader may catch the writer in the middle, which lasts microseconds. */
const READ_TRIES = 100

export function durableEndPath(directory: string): string {
  return join(directory, 'durable_end')
}

export function encodeDurableEnd(end: number, partition: number): Buffer {
  const bytes = Buffer.alloc(BYTES)
  bytes.writeBigUInt64LE(BigInt(end), 0)
  bytes.writeUInt32LE(partition, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12)
  return bytes
}

/** `null` where the file is missing or does not say (a power cut may leave it so). */
export function readDurableEnd(directory: string, partition: number): number | null {
  for (let attempt = 0; attempt < READ_TRIES; attempt++) {
    const bytes = readIfThere(durableEndPath(directory))
    if (bytes === null) return null
    const sound = bytes.length === BYTES && bytes.readUInt32LE(12) === crc32(bytes.subarray(0, 12))
    if (sound && bytes.readUInt32LE(8) === partition) return Number(bytes.readBigUInt64LE(0))
  }
  return null
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    return null
  }
}
