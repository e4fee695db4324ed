/**
 * The segment being written. After a write that failed the file is cut back to its durable end, so a rejected append
 * leaves nothing behind. After a sync that failed nobody knows what the disk holds: the writer is broken for good.
 */
import type { FileHandle } from 'node:fs/promises'
import { TransientError } from '../../errors/errors.ts'
import { encodeFrames, type Unplaced } from './frame.ts'
import { type OpenFile, type Segment, writeAll } from './segment.ts'
import type { SparseIndex } from './sparse_index.ts'

export class SegmentWriter {
  readonly segment: Segment
  /** Covers exactly what is durable. */
  readonly index: SparseIndex
  readonly #file: FileHandle
  #broken: string | null = null

  private constructor(segment: Segment, index: SparseIndex, file: FileHandle) {
    this.segment = segment
    this.index = index
    this.#file = file
  }

  /** @param index covers the whole file */
  static async open(segment: Segment, index: SparseIndex, openFile: OpenFile): Promise<SegmentWriter> {
    return new SegmentWriter(segment, index, await openFile(segment.path, 'r+'))
  }

  /** Why it takes no more appends; `null` as long as it does. */
  get broken(): string | null {
    return this.#broken
  }

  /**
   * Appends records; durable when it resolves.
   * @throws TransientError with none of them stored, or (failed sync) with that unknown and the writer broken
   */
  async write(group: readonly Unplaced[]): Promise<void> {
    if (this.#broken !== null) throw new TransientError(this.#broken)
    const { offset, position } = this.index.covered
    try {
      await writeAll(this.#file, encodeFrames(group, offset, position, this.segment.salt), position)
    } catch (cause) {
      await this.#file.truncate(position).catch(() => this.#break('a failed write could not be undone'))
      throw writeFailure(this.segment.path, cause)
    }
    try {
      await this.#file.datasync()
    } catch (cause) {
      await this.#file.truncate(position).catch(() => {})
      throw new TransientError(this.#break('a sync failed'), { cause })
    }
    let end = position
    for (const { sizeBytes, record } of group) {
      this.index.add(end, sizeBytes, record.timestamp)
      end += sizeBytes
    }
  }

  #break(what: string): string {
    this.#broken = `${this.segment.path} takes no more appends, ${what}: check the disk, then restart`
    return this.#broken
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** What a failed write means to the one who appends. */
export function writeFailure(path: string, cause: unknown): TransientError {
  if (cause instanceof TransientError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const sentence = full
    ? `the disk is full: nothing was appended to ${path}; free some space or shorten the retention`
    : `cannot write ${path}: ${message}`
  return new TransientError(sentence, { cause, retryAfterMs: full ? 5_000 : undefined })
}
