/** Reading a partition: the same for the owner and for another process, which differ in how they know the segments. */
import { OperatorError } from '../../errors/errors.ts'
import type { LogRecord, ReadOptions } from '../log.ts'
import type { Segment } from './segment.ts'
import { findTimestamp, readPage } from './segment_reader.ts'
import type { SparseIndex } from './sparse_index.ts'

/** A partition at one moment. */
export interface PartitionView {
  readonly topic: string
  readonly partition: number
  /** Oldest first, without gaps; never empty. */
  readonly segments: readonly Segment[]
  readonly end: number
  index(segment: Segment): Promise<SparseIndex>
  /** Whether a segment whose file has gone was trimmed; if it was not, somebody has deleted it. */
  trimmed(segment: Segment): Promise<boolean>
}

/** @throws RangeError where the offset is not between begin and end; OperatorError where the file is damaged */
export async function readFrom(view: PartitionView, offset: number, options: ReadOptions): Promise<LogRecord[]> {
  const begin = view.segments[0].base
  const inside = Number.isSafeInteger(offset) && offset >= begin && offset <= view.end
  if (!inside) throw outside(view, `${offset} is outside, the partition has ${begin} to ${view.end}`)
  if (offset === view.end) return []
  const segment = view.segments.findLast((candidate) => candidate.base <= offset)!
  try {
    return await readPage(segment, await view.index(segment), {
      topic: view.topic,
      partition: view.partition,
      offset,
      end: view.end,
      maxBytes: options.maxBytes,
      maxRecords: options.maxRecords ?? Number.POSITIVE_INFINITY,
    })
  } catch (cause) {
    await checkGone(view, segment, cause)
    throw outside(view, `${offset} has just been trimmed`)
  }
}

/** The first offset with a timestamp ≥ `timestamp`; the end if there is none. */
export async function findOffsetAt(view: PartitionView, timestamp: number): Promise<number> {
  for (const [number, segment] of view.segments.entries()) {
    const index = await view.index(segment)
    const next = view.segments[number + 1]?.base ?? view.end
    if (index.covered.offset >= next && index.maxTimestamp < timestamp) continue
    try {
      const offset = await findTimestamp(segment, index, next, timestamp)
      if (offset !== null) return offset
    } catch (cause) {
      await checkGone(view, segment, cause)
    }
  }
  return view.end
}

/** Returns where the cause is that a segment was trimmed under the reader; throws the right error otherwise. */
async function checkGone(view: PartitionView, segment: Segment, cause: unknown): Promise<void> {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  if (!(await view.trimmed(segment))) {
    throw new OperatorError(`${segment.path} is missing: restore it, or start with an empty data folder`, { cause })
  }
}

function outside(view: PartitionView, what: string): RangeError {
  return new RangeError(`${view.topic}/${view.partition}: offset ${what}`)
}
