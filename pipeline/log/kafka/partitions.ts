/** What this process knows of partitions: how far they reach, marks of their records, and what must not be read any more. */
import { crc32 } from 'node:zlib'
import { OperatorError } from '../../errors/errors.ts'
import type { TopicPartition } from './cluster.ts'

/** Records a mark is remembered of, per partition: as many as a reader has in flight, several times over. */
const MARKS = 1024
/** Bytes at either end of a value that go into its mark: what says where an event is from stands there. */
const MARKED_BYTES = 128

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/**
 * A number of 48 bits that tells a record from another at the same offset. A topic that was deleted and made again, or a
 * partition that lost its end and grew again, has others.
 */
export function markOf({ timestamp, value }: { readonly timestamp: number; readonly value: Uint8Array }): number {
  const ends = crc32(value.subarray(-MARKED_BYTES), crc32(value.subarray(0, MARKED_BYTES)))
  return ends * 2 ** 16 + ((timestamp ^ value.length) & 0xffff)
}

class Partition {
  end: number | null = null
  broken: OperatorError | null = null
  readonly #offsets = new Float64Array(MARKS).fill(-1)
  readonly #marks = new Float64Array(MARKS)

  mark(offset: number): number | null {
    return this.#offsets[offset % MARKS] === offset ? this.#marks[offset % MARKS] : null
  }

  remember(offset: number, mark: number): void {
    this.#offsets[offset % MARKS] = offset
    this.#marks[offset % MARKS] = mark
  }
}

export class Partitions {
  readonly #partitions = new Map<string, Partition>()

  /** Behind the last record we have heard of; `null` where we have not. It may be further by now. */
  end(place: TopicPartition): number | null {
    return this.#partitions.get(keyOf(place))?.end ?? null
  }

  /** @returns whether that is news */
  reached(place: TopicPartition, end: number): boolean {
    const partition = this.#of(place)
    if (partition.end !== null && partition.end >= end) return false
    partition.end = end
    return true
  }

  remember(place: TopicPartition, offset: number, record: { timestamp: number; value: Uint8Array }): void {
    this.#of(place).remember(offset, markOf(record))
  }

  mark(place: TopicPartition, offset: number): number | null {
    return this.#of(place).mark(offset)
  }

  /** From now on nothing of it is read or written by this process: it is not the partition it was. */
  break(place: TopicPartition, why: string): OperatorError {
    const partition = this.#of(place)
    partition.broken ??= new OperatorError(
      `${keyOf(place)} is not what it was: ${why}. It was deleted and made again, or lost its end. Bring it back, or stop ` +
        'millrace and start its readers afresh with: millrace groups reset <group>',
    )
    return partition.broken
  }

  /** @throws OperatorError where it was broken */
  check(place: TopicPartition): void {
    const broken = this.#partitions.get(keyOf(place))?.broken
    if (broken) throw broken
  }

  /** A sentence for each that was broken. */
  broken(): readonly string[] {
    return [...this.#partitions.values()].flatMap(({ broken }) => broken?.message ?? [])
  }

  #of(place: TopicPartition): Partition {
    const key = keyOf(place)
    let partition = this.#partitions.get(key)
    if (partition === undefined) this.#partitions.set(key, (partition = new Partition()))
    return partition
  }
}
