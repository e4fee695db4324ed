/**
 * How a value enters a stage. Nearly always: through its operators. Past them goes what is not for this stage: what is to be
 * treated again by another, what people have decided, and a record of a source that cannot be read.
 */
import type { Batch, Requeue } from '../batch/batch.ts'
import type { Sink } from '../stage/sink.ts'
import type { Stage } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import { deadLettersOf, emptyBatch, unreadableLetter } from './dead_letters.ts'
import type { Entry } from './exactly_one.ts'
import type { FailureRule } from './failure_rule.ts'

/** Of a batch that holds events to be treated again, and of every other. */
type Envelope = Batch & { readonly requeue: Requeue }

/** @param rule hears of every batch but those that are treated again: they had failed before */
export function enter(stage: Stage, value: Carrier, rule?: FailureRule): Entry<Carrier, Carrier> {
  if (value.unreadable !== undefined) {
    const { unreadable, origin, receivedAt } = value
    return {
      past: { ...emptyBatch(origin, receivedAt), deadLetters: unreadableLetter(stage, value, unreadable) } as Batch,
    }
  }
  const { passing, origin } = value
  const batch = passing === undefined ? (value as Batch) : { ...passing, origin }
  const { requeue } = batch
  if (requeue === undefined) return passing === undefined ? through(stage, value, NOTHING, rule) : { past: batch }
  const envelope = batch as Envelope
  if (requeue.stage !== stage.name) return { past: envelope }
  let opened: Carrier
  try {
    opened = openEnvelope(stage.consumes, envelope)
  } catch (error) {
    const detail = `requeued events cannot be read: ${(error as Error).message}`
    const { requeue: _, ...empty } = envelope
    const deadLetters = unreadableLetter(stage, envelope, { bytes: requeue.record, detail })
    return { past: { ...empty, outcomes: new Map(), deadLetters } as Batch }
  }
  return through(stage, opened, envelope.outcomes)
}

/** False for what goes past all operators, or all but one stage's: no state is made of it. */
export function isTreated({ unreadable, passing, ...value }: Carrier): boolean {
  return unreadable === undefined && passing === undefined && (value as Partial<Batch>).requeue === undefined
}

/**
 * What a sink is to take: the events it holds for this sink, or the batch as it is. What is for another is not unpacked.
 * @throws RangeError where they cannot be read
 */
export function entered(sink: Pick<Sink, 'name' | 'consumes'>, batch: Batch): Batch {
  const { requeue, ...empty } = batch
  if (requeue === undefined) return batch
  if (requeue.stage !== sink.name) return empty
  return { ...openEnvelope(sink.consumes, batch as Envelope), outcomes: batch.outcomes }
}

/** Its events at its place in the order, with the lineage, and so the ids, they always had. */
export function openEnvelope<T extends Carrier>(topic: Topic<T>, { requeue, origin, raw }: Envelope): T {
  const { requeue: _, ...events } = topic.codec.decode(requeue.record, { ...raw, previous: -1 }) as T & Partial<Batch>
  const { positions } = requeue
  // What else became of the batch they were in, and what it weighed, has been counted.
  const counted = 'columns' in events ? { outcomes: new Map(), receivedBytes: 0 } : {}
  return { ...events, ...counted, origin, ...(positions.length === 0 ? {} : { only: positions }) } as unknown as T
}

/** @param settled what their being treated again takes back */
function through(
  stage: Stage,
  value: Carrier,
  settled: Batch['outcomes'],
  rule?: FailureRule,
): Entry<Carrier, Carrier> {
  return {
    through: value,
    finish(output: Carrier) {
      const { deadLetters, outcomes } = output as Batch
      rule?.ran(value, deadLetters)
      let finished = output as Batch
      if (deadLetters !== undefined) finished = { ...finished, deadLetters: deadLettersOf(stage, value, deadLetters) }
      if (settled.size > 0) finished = { ...finished, outcomes: sum(outcomes, settled) }
      return finished
    },
  }
}

const NOTHING: Batch['outcomes'] = new Map()

function sum(first: Batch['outcomes'], second: Batch['outcomes']): Batch['outcomes'] {
  const both = new Map(first)
  for (const [outcome, count] of second) {
    const total = (both.get(outcome) ?? 0) + count
    if (total === 0) both.delete(outcome)
    else both.set(outcome, total)
  }
  return both
}
