/** Segment files of a partition: names, making them, finding them, and what is said of one that is damaged. */
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperatorError } from '../../errors/errors.ts'
import { decodeSegmentHeader, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './frame.ts'

/** How files are opened for writing, and folders for syncing; tests hand in one whose files fail. */
export type OpenFile = (path: string, flags: string) => Promise<FileHandle>
export const openFile: OpenFile = open

const SUFFIX = '.segment'
const UNFINISHED = '.new'

/** One file of records at consecutive offsets, the first of them `base`. */
export interface Segment {
  readonly path: string
  readonly base: number
  readonly salt: number
  /** Milliseconds since 1970. */
  readonly madeAt: number
  /** When it was opened or sealed; the segment being written is larger. */
  readonly sizeBytes: number
}

/** Which log and partition a segment must belong to. */
export interface Home {
  readonly log: string
  readonly partition: number
  readonly directory: string
}

function segmentPath(directory: string, base: number): string {
  return join(directory, `${String(base).padStart(12, '0')}${SUFFIX}`)
}

/** The bases of the segments in a folder, ascending. */
export async function listBases(directory: string): Promise<number[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => Number(name.slice(0, -SUFFIX.length)))
    .sort((a, b) => a - b)
}

/** @throws OperatorError where the file is not a segment of this log, partition and base; the fs error if unreadable */
export async function findSegment(home: Home, base: number): Promise<Segment> {
  const path = segmentPath(home.directory, base)
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    const header = decodeSegmentHeader(bytes.subarray(0, bytesRead))
    if (header.log !== home.log) throw new RangeError(`it belongs to another log, ${header.log}`)
    if (header.partition !== home.partition || header.base !== base) {
      throw new RangeError(`it was written as partition ${header.partition}, offset ${header.base}`)
    }
    return { path, base, salt: header.salt, madeAt: header.madeAt, sizeBytes: (await file.stat()).size }
  } catch (cause) {
    if (cause instanceof RangeError) throw damaged(path, 0, cause.message)
    throw cause
  } finally {
    await file.close()
  }
}

/** Makes an empty segment; durable when it resolves, and whole: it gets its name only after its header is on disk. */
export async function makeSegment(home: Home, base: number, madeAt: number, openFile: OpenFile): Promise<Segment> {
  const path = segmentPath(home.directory, base)
  const { bytes, salt } = encodeSegmentHeader({ log: home.log, base, madeAt, partition: home.partition })
  await writeDurably(path, bytes, openFile)
  return { path, base, salt, madeAt, sizeBytes: bytes.length }
}

/** A file with this content, or none, whatever happens on the way. Replaces one of the same name. */
export async function writeDurably(path: string, bytes: Uint8Array, openFile: OpenFile): Promise<void> {
  const unfinished = path + UNFINISHED
  try {
    const file = await openFile(unfinished, 'w')
    try {
      await writeAll(file, [bytes], 0)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (cause) {
    await unlink(unfinished).catch(() => {})
    throw cause
  }
  await syncDirectory(dirname(path), openFile)
}

/** Makes names in a folder durable. */
export async function syncDirectory(directory: string, openFile: OpenFile): Promise<void> {
  const handle = await openFile(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes every byte, going on after a short write so that the reason for it comes out. */
export async function writeAll(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = [...buffers]
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest, position)
    position += bytesWritten
    let done = 0
    while (done < rest.length && bytesWritten >= rest[done].length) bytesWritten -= rest[done++].length
    rest = rest.slice(done)
    if (bytesWritten > 0) rest[0] = rest[0].subarray(bytesWritten)
  }
}

export function damaged(path: string, position: number, what: string): OperatorError {
  return new OperatorError(
    `${path} is damaged at byte ${position}: ${what}. Restore the file from a backup, or start with an empty data folder.`,
  )
}
