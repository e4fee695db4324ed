/**
 * What a partition's last segment holds after the process that wrote it has gone. A tail that was never acknowledged
 * is cut off; anything that was acknowledged and cannot be read is damage, which the operator must hear of.
 */
import { decodeFrameHeader, FRAME_HEADER_BYTES, FRAME_MAGIC } from './frame.ts'
import { damaged, type OpenFile, type Segment } from './segment.ts'
import { type FrameReader, loadIndex, withReader } from './segment_reader.ts'
import type { SparseIndex } from './sparse_index.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * The index of a segment whose file now ends with its last whole record, durably.
 * @param promised offset behind the last record known to be acknowledged
 * @throws OperatorError where an acknowledged record is damaged or missing
 */
export async function recoverTail(
  segment: Segment,
  promised: number,
  openFile: OpenFile,
  warn: (message: string) => void,
): Promise<SparseIndex> {
  const index = await loadIndex(segment)
  const sizeBytes = await withReader(segment, CHUNK_BYTES, async (reader) => {
    await walkWhole(reader, index)
    const { offset, position } = index.covered
    if (position > reader.sizeBytes) throw lost(segment, reader.sizeBytes, offset - 1)
    if (offset < promised) throw lost(segment, position, offset)
    if (await promisedBehind(reader, position)) throw lost(segment, position, offset)
    return reader.sizeBytes
  })
  const { offset, position } = index.covered
  const file = await openFile(segment.path, 'r+')
  try {
    if (position < sizeBytes) {
      const cut = sizeBytes - position
      warn(
        `${segment.path}: cut ${cut} bytes off after byte ${position}, an append before offset ${offset} was finished`,
      )
      await file.truncate(position)
    }
    await file.datasync()
  } finally {
    await file.close()
  }
  return index
}

/** Extends the index over every whole frame that follows what it covers. */
async function walkWhole(reader: FrameReader, index: SparseIndex): Promise<void> {
  for (;;) {
    const { offset, position } = index.covered
    const header = await reader.header(position)
    if (header?.offset !== offset || (await reader.payload(position, header)) === null) return
    index.add(position, FRAME_HEADER_BYTES + header.payloadBytes, header.timestamp)
  }
}

/**
 * True where some frame behind `position` was written when the bytes at `position` had been acknowledged. After a
 * power cut whole frames may well stand behind a hole, but only of the same group commit: those do not say so.
 */
async function promisedBehind(reader: FrameReader, position: number): Promise<boolean> {
  let from = position
  while (from + FRAME_HEADER_BYTES <= reader.sizeBytes) {
    const chunk = await reader.bytes(from, CHUNK_BYTES)
    for (let at = chunk.indexOf(FRAME_MAGIC); at >= 0; at = chunk.indexOf(FRAME_MAGIC, at + 1)) {
      const header = decodeFrameHeader(chunk, at, reader.salt)
      if (header !== null && header.durableEnd > position) return true
    }
    from += Math.max(1, chunk.length - FRAME_HEADER_BYTES + 1)
  }
  return false
}

function lost(segment: Segment, position: number, offset: number) {
  return damaged(segment.path, position, `the record at offset ${offset} was acknowledged and cannot be read`)
}
