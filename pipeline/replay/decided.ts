/**
 * What people decided about dead letters (to treat them again, to give them up) is a record of the source. In a replay it holds only
 * where they are dead letters again: where today's stages can treat the events, they have come out in their own place.
 */
import type { Batch } from '../batch/batch.ts'
import type { Logger } from '../observability/logger.ts'
import { entered } from '../runtime/enter.ts'
import { Handover } from '../runtime/handover.ts'
import { createSource } from '../runtime/source.ts'
import type { Sink } from '../stage/sink.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { Topology } from '../topology/topology.ts'
import { FusedStages } from './fused_stages.ts'
import type { RecordSource } from './replay.ts'

export const SINK_REFUSED = 'sink_refused'
/** As `reject` counts them. */
const DEAD_LETTER = 'dead_letter:'

export interface DecisionOptions {
  readonly topology: Topology
  readonly source: RecordSource
  readonly topic: Topic<Carrier>
  readonly targets: readonly { readonly sink: Sink }[]
  /** Where the replay of the partition begins. */
  readonly begin: number
  /** Up to which origin what was before was carried over, with decisions; `null` where nothing was. */
  readonly carriedTo: number | null
  readonly logger: Pick<Logger, 'warn'>
}

/** The value as the replay is to treat it: a decision that does not hold is nobody's, and keeps its place. */
export async function decided(value: Carrier, options: DecisionOptions): Promise<Carrier> {
  const { passing } = value
  if (passing === undefined || (await holds(passing, value.origin.offset, options))) return value
  const { requeue: _, ...rest } = passing
  return { ...value, passing: { ...rest, outcomes: new Map() } }
}

async function holds(decision: Batch, at: number, options: DecisionOptions): Promise<boolean> {
  const { source, topic, topology, begin, carriedTo } = options
  const { raw } = decision
  if (raw.log !== source.id || raw.topic !== topic.name) return true
  if (raw.offset < begin) return carriedTo === null || at > carriedTo
  const records = await createSource({
    log: source,
    topic,
    partition: raw.partition,
    position: { log: source.id, offset: raw.offset, reached: {} },
    reader: 'replay',
    handover: new Handover(0),
  })
  const original = await records.next(new AbortController().signal)
  if (original === null || original.value.origin.offset !== raw.offset) return true
  // Alone, so that what lanes remember stays as it is.
  const fused = new FusedStages(topology, raw.partition, options.logger)
  const { outputs, codes } = fused.rejected(original.value)
  const now = new Map(codes)
  for (const [output, batch] of outputs) {
    const isRefused = options.targets.some(({ sink }) => sink.consumes.name === output && refuses(sink, batch))
    if (isRefused) now.set(SINK_REFUSED, batch.eventCount)
  }
  return Object.entries(deadLettersOf(decision)).every(([code, count]) => (now.get(code) ?? 0) >= count)
}

/** How many of each code a decision is about: as many as it takes back. */
function deadLettersOf({ outcomes }: Batch): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...outcomes].flatMap(([outcome, count]) =>
      outcome.startsWith(DEAD_LETTER) && count < 0 ? [[outcome.slice(DEAD_LETTER.length), -count]] : [],
    ),
  )
}

function refuses(sink: Sink, given: Batch): boolean {
  const batch = entered(sink, given)
  try {
    if (batch.eventCount > 0) sink.check?.(batch)
    return false
  } catch {
    return true
  }
}
