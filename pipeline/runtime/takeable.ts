/** What a sink can take of a batch; the rest is put aside first. */
import type { Batch } from '../batch/batch.ts'
import type { EventLog } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { failed } from '../stage/operators.ts'
import type { Sink } from '../stage/sink.ts'
import { deadLetterTopic } from '../stage/stage.ts'
import { deadLettersOf, unreadableLetter } from './dead_letters.ts'
import { entered, openEnvelope } from './enter.ts'
import type { FailureRule } from './failure_rule.ts'
import { recordOf } from './record.ts'
import type { TaskStats } from './stats.ts'

export interface TakeableOptions {
  readonly sink: Sink
  /** Names of all sinks of its topic: what is for none of them should have been opened by a stage. The first of them keeps it. */
  readonly sinks: readonly string[]
  readonly log: EventLog
  /** Schema ids by topic name. */
  readonly schemaIds: ReadonlyMap<string, number>
  readonly rule?: FailureRule | undefined
  /** By partition. */
  readonly stats: readonly TaskStats[]
  readonly logger: Pick<Logger, 'warn'>
}

/**
 * The batch, or an empty one of its origin where the sink cannot take it and its events are dead letters by now. Only then
 * does the sink hear of that origin, so no position passes it before; after a crash it is refused and put aside again,
 * under the origin it had, by which readers of dead letters skip what they have.
 * @throws FailingError where it can take next to nothing
 */
export async function takeable(options: TakeableOptions, given: Batch): Promise<Batch> {
  const { sink, rule } = options
  const { requeue, ...rest } = given
  if (requeue !== undefined && !options.sinks.includes(requeue.stage)) return unopened(options, given, requeue.stage)
  let batch: Batch
  try {
    batch = entered(sink, given)
  } catch (error) {
    const detail = `requeued events cannot be read: ${(error as Error).message}`
    await putAside(options, unreadableLetter(sink, rest, { bytes: requeue!.record, detail }), detail)
    return rest
  }
  if (batch.eventCount === 0) return batch
  let refusal: Error
  try {
    sink.check?.(batch)
    rule?.ran(batch, undefined)
    return batch
  } catch (error) {
    refusal = error as Error
  }
  const { deadLetters, ...empty } = failed(batch, `${sink.name}: ${refusal.message}`, 'sink_refused')
  // What is tried again had failed before.
  if (requeue === undefined) rule?.ran(batch, deadLetters)
  await putAside(options, deadLettersOf(sink, batch, deadLetters!), refusal.message)
  return empty
}

/** For a stage that was taken out while it was on its way: it stays a dead letter of that stage, of the code it had. */
async function unopened(options: TakeableOptions, envelope: Batch, stage: string): Promise<Batch> {
  const { sink, sinks } = options
  const { requeue, ...rest } = envelope
  const empty = { ...rest, outcomes: new Map() }
  if (sinks[0] !== sink.name) return empty
  const detail = `requeued for ${stage}, which is not there any more`
  const [code = 'stage_gone'] = [...rest.outcomes.keys()].map((outcome) => outcome.replace('dead_letter:', ''))
  let letter: Batch
  try {
    const events = openEnvelope(sink.consumes, { ...rest, requeue: requeue! })
    letter = deadLettersOf({ name: stage }, events, failed(events, detail, code).deadLetters!)
  } catch {
    letter = unreadableLetter({ name: stage }, rest, { bytes: requeue!.record, detail })
  }
  await putAside(options, letter, detail)
  return empty
}

async function putAside(options: TakeableOptions, letter: Batch, error: string): Promise<void> {
  const { sink, log, schemaIds, stats, logger } = options
  const { projectId: project, eventCount: events } = letter
  const { partition, offset: origin } = letter.origin
  await log.append([recordOf(deadLetterTopic(sink), letter, schemaIds)])
  stats[partition].deadLettered(events)
  logger.warn({ sink: sink.name, partition, origin, project, events, error }, 'batch put aside')
}
