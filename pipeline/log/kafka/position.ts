/** Positions as Kafka keeps them: an offset, and up to 4096 bytes of text beside it, where the rest of a position goes. */
import { OperatorError } from '../../errors/errors.ts'
import type { Position, Reached } from '../log.ts'

/** Kafka's default for `offset.metadata.max.bytes`. */
const MAX_BYTES = 4096

interface Metadata {
  readonly log: string
  readonly reached: Reached
  /** Of the record before the offset: see `partitions.ts`. */
  readonly mark?: number
  /** Under which it was committed: see `member.ts`. */
  readonly generation: number
}

/** @throws OperatorError where it does not fit: a repartitioned topic with several hundred source partitions */
export function encodeMetadata({ log, reached }: Position, generation: number, mark: number | null): string {
  const text = JSON.stringify({ log, generation, ...(mark === null ? {} : { mark }), reached } satisfies Metadata)
  if (text.length > MAX_BYTES) {
    throw new OperatorError(
      `a position of ${Object.keys(reached).length} source partitions takes ${text.length} bytes, more than the ` +
        `${MAX_BYTES} that Kafka keeps beside an offset: use fewer partitions`,
    )
  }
  return text
}

export interface StoredPosition {
  readonly position: Position
  readonly mark: number | null
  readonly generation: number
}

/** What was not committed by us (a tool that sets offsets) has no log, so that who reads there refuses it. */
export function decodePosition(
  topic: string,
  partition: number,
  offset: number,
  metadata: string | null,
): StoredPosition {
  const { log, reached, mark, generation } = parse(metadata)
  return { position: { topic, partition, offset, reached, log }, mark: mark ?? null, generation }
}

function parse(metadata: string | null): Metadata {
  try {
    const { log, reached, mark, generation = 0 } = JSON.parse(metadata ?? '') as Partial<Metadata>
    if (typeof log === 'string' && typeof reached === 'object' && reached !== null) {
      return { log, reached, mark, generation }
    }
  } catch {}
  return { log: '', reached: {}, generation: 0 }
}
