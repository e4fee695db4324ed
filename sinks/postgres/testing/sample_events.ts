/** Batches of events as the sink gets them, with something in them for every projection. */
import type { Batch, Signal } from '#pipeline/batch/batch.ts'
import { SIGNALS } from '#pipeline/batch/batch.ts'
import { batchOf } from '#pipeline/testing/samples.ts'

const LEVELS = ['INFO', 'ERROR', null, 'FATAL', 'WARN']

/** What the batch at `offset` of a partition is depends on these two alone; it is the batch after that at `offset - step`. */
export function sampleEvents(offset: number, partition = 0, step = 1): Batch {
  const of = offset * 7 + partition * 3
  const rows = of % 6
  const origin = { log: 'log', topic: 'telemetry.raw.v1', partition, offset, previous: Math.max(-1, offset - step) }
  const changes: Partial<Batch> = {
    origin,
    raw: origin,
    signal: SIGNALS[of % SIGNALS.length] as Signal,
    projectId: of % 11 === 0 ? '' : `project-${of % 2}`,
    receivedAt: (1_767_225_600 + offset * 1300) * 1_000_000 + partition,
    receivedBytes: rows * 100,
    outcomes: new Map(
      of % 4 === 0
        ? [
            ['dropped:refused', of % 5],
            ['dead_letter:malformed', 1],
          ]
        : [],
    ),
  }
  if (rows === 0 || changes.projectId === '') return batchOf(offset, {}, { ...changes, outcomes: new Map() })
  const each = <T>(value: (row: number) => T) => Array.from({ length: rows }, (_, row) => value(of + row))
  return batchOf(
    offset,
    {
      level: ['text', each((at) => LEVELS[at % LEVELS.length])],
      resource___service___name: ['text', each((at) => [null, 'cart', 'tab\tand\\slash', 'null\0byte'][at % 4])],
      resource___service___version: ['text', each((at) => [null, `1.${offset}`][at % 2])],
      'resource.telemetry.sdk.name': ['text', each(() => 'opentelemetry')],
    },
    changes,
  )
}
