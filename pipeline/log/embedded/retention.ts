/** What may be trimmed: by age and by size, and never past the slowest group. Pure. */
import type { Position, TopicSpec } from '../log.ts'

/** A sealed segment. */
export interface SealedSegment {
  readonly partition: number
  /** Offset behind its last record. */
  readonly end: number
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly madeAt: number
  /** The latest timestamp in it, milliseconds since 1970. */
  readonly maxTimestamp: number
}

/**
 * The offset before which a partition is not needed by any group. A group that has a position somewhere in the topic
 * and none in this partition has read nothing of it: it needs all.
 * @param groups the positions of each group
 */
export function neededFrom(topic: string, partition: number, groups: readonly (readonly Position[])[]): number {
  let needed = Number.POSITIVE_INFINITY
  for (const positions of groups) {
    const inTopic = positions.filter((position) => position.topic === topic)
    if (inTopic.length === 0) continue
    needed = Math.min(needed, inTopic.find((position) => position.partition === partition)?.offset ?? 0)
  }
  return needed
}

/**
 * For each partition the offset to trim to, where there is something to trim.
 * @param sealed of all partitions of the topic; oldest first within each
 * @param sizeBytes of the whole topic
 * @param needed see {@link neededFrom}
 * @param now milliseconds since 1970
 */
export function trimOffsets(
  spec: TopicSpec,
  sealed: readonly SealedSegment[],
  sizeBytes: number,
  needed: (partition: number) => number,
  now: number,
): Map<number, number> {
  const offsets = new Map<number, number>()
  const queues = Map.groupBy(sealed, ({ partition }) => partition)
  let remaining = sizeBytes
  for (;;) {
    const heads = [...queues.values()].flatMap(([head]) => (head && head.end <= needed(head.partition) ? [head] : []))
    const tooMuch = spec.retentionBytes !== null && remaining > spec.retentionBytes
    const expired = heads.find(({ maxTimestamp }) => maxTimestamp < now - spec.retentionMs)
    const next = expired ?? (tooMuch ? oldest(heads) : undefined)
    if (next === undefined) return offsets
    offsets.set(next.partition, next.end)
    remaining -= next.sizeBytes
    queues.get(next.partition)!.shift()
  }
}

function oldest(segments: readonly SealedSegment[]): SealedSegment | undefined {
  return segments.toSorted((a, b) => a.madeAt - b.madeAt)[0]
}
