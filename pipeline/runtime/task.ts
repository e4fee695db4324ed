/**
 * The credit loop: one stage on one partition.
 *
 * RxJS has no backpressure, so the loop makes its own: it polls one batch per credit and gives the credit back after
 * the commit. At most `credits` batches are in flight, by construction.
 */
import { concatMap, filter, lastValueFrom, mergeMap, type OperatorFunction, Subject, takeWhile, tap } from 'rxjs'
import type { Batch } from '../batch/batch.ts'
import { OperatorError } from '../errors/errors.ts'
import type { Assignment, EventLog, Membership, NewRecord } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { deadLetterTopic, type Stage, type StageState } from '../stage/stage.ts'
import type { Carrier } from '../stage/topic.ts'
import type { StateStore } from '../state/state.ts'
import type { Topology } from '../topology/topology.ts'
import { Committer } from './committer.ts'
import { openStage } from './contract.ts'
import { isTreated } from './enter.ts'
import { exactlyOne, type Pair } from './exactly_one.ts'
import type { FailureRule } from './failure_rule.ts'
import type { Handover } from './handover.ts'
import { putAside } from './put_aside.ts'
import { recordOf } from './record.ts'
import type { SchemaCheck } from './schema_check.ts'
import { SlowBatches } from './slow_batches.ts'
import { createSource, type Delivery, type Start } from './source.ts'
import { checkOutput, startingPoint } from './starting_point.ts'
import type { TaskStats } from './stats.ts'

export interface TaskOptions {
  readonly topology: Topology
  readonly stage: Stage
  readonly assignment: Assignment
  readonly membership: Membership
  readonly log: EventLog
  readonly states: StateStore
  readonly handover: Handover
  /** Schema ids by topic name. */
  readonly schemaIds: ReadonlyMap<string, number>
  readonly schemas?: SchemaCheck | undefined
  readonly rule?: FailureRule | undefined
  /** Batches in flight at most. A stage whose state is saved with its position has one. */
  readonly credits: number
  readonly stats: TaskStats
  readonly logger: Logger
  /** As of a source. */
  readonly acceptGap?: ((what: string) => void) | undefined
}

type Output = Carrier & Partial<Pick<Batch, 'deadLetters'>>

/**
 * Runs until `stop` is aborted and what was in flight is committed.
 * @throws TransientError where the world failed: running again from the committed position is right
 * @throws FencedError where another member owns the partition now
 * @throws InvariantError, OperatorError, or whatever the stage threw: the partition must stop
 */
export async function runTask(options: TaskOptions, stop: AbortSignal): Promise<void> {
  const { stage, assignment, membership, log, states, stats } = options
  const { topic, partition } = assignment
  const { contract, state } = openStage(stage, partition, options.logger, options.rule)
  const position = await restore()
  const source = await createSource({
    ...options,
    topic: stage.consumes,
    partition,
    position,
    reader: stage.name,
    aside: putAside(stage, options, stats),
  })
  if (state.window !== undefined && position !== null) await remember(state.window, position)
  const committer = new Committer(membership)
  const credits = new Subject<void>()

  const loop = credits.pipe(
    concatMap(() => source.next(stop)),
    takeWhile((delivery) => delivery !== null),
    tap((delivery) => stats.polled(delivery.value.eventCount)),
    timed(exactlyOne<Carrier, Carrier, Delivery<Carrier>>(contract), options),
    concatMap(async (pair) => {
      await produce(options, pair)
      return pair.input.position
    }),
    concatMap(async (reached) => {
      if (state.snapshot !== undefined) {
        const saved = { position: reached, bytes: state.snapshot(), produces: stage.produces.name }
        await states.save(stage.name, saved, membership.generation)
      }
      return reached
    }),
    mergeMap(async (reached) => {
      await committer.commit(reached)
      stats.committed(reached)
    }),
    tap(() => credits.next()),
    filter(() => false),
  )
  const finished = lastValueFrom(loop, { defaultValue: undefined })
  const inFlight = state.snapshot === undefined ? options.credits : 1
  for (let credit = 0; credit < inFlight; credit++) credits.next()
  await finished

  /** Brings the stage's state to where it begins, and says where that is. */
  async function restore(): Promise<Start | null> {
    const committed = assignment.position
    if (state.snapshot === undefined) return startingPoint(options.topology, stage, committed, partition, state, log)
    const stored = await states.load(stage.name, topic, partition)
    // The position of the state is the one that counts: it may be ahead of the commit, after a crash in between.
    if (stored !== null && (committed === null || stored.position.log === committed.log)) {
      await checkOutput(stage, stored, partition, log)
      state.restore?.(stored.bytes)
      return stored.position
    }
    if (committed === null) return null
    throw new OperatorError(
      `the state of stage ${stage.name} is missing or of another log, but its position is not: bring the state back, ` +
        `or stop millrace and start the stage afresh with: millrace groups reset ${stage.name}`,
    )
  }

  async function remember(window: NonNullable<StageState['window']>, until: Start): Promise<void> {
    const { begin } = await log.bounds(topic, partition)
    if (until.offset <= begin) return
    const [last] = await log.read(topic, partition, until.offset - 1, { maxBytes: 1, maxRecords: 1 })
    const from = Math.max(begin, await log.offsetAt(topic, partition, last.timestamp - window.durationMs))
    const past = await createSource({
      ...options,
      topic: stage.consumes,
      partition,
      position: { log: log.id, offset: from, reached: {} },
      reader: stage.name,
    })
    for (;;) {
      const delivery = await past.next(stop)
      if (delivery === null || delivery.position.offset > until.offset) return
      if (isTreated(delivery.value)) window.remember(delivery.value)
      if (delivery.position.offset === until.offset) return
    }
  }
}

/** Appends a stage's output, dead letters first: what is committed has reached both. */
async function produce(options: TaskOptions, pair: Pair<Delivery<Carrier>, Carrier>): Promise<void> {
  const { stage, log, handover, schemaIds, stats } = options
  const { deadLetters, ...output } = pair.output as Output
  const records: NewRecord[] = []
  if (deadLetters !== undefined) {
    records.push(recordOf(deadLetterTopic(stage), deadLetters, schemaIds))
    stats.deadLettered(deadLetters.eventCount)
  }
  const record = recordOf(stage.produces, output, schemaIds)
  records.push(record)
  const offsets = await log.append(records)
  handover.put(record.topic, record.partition, offsets[offsets.length - 1], output, record.value.length)
  stats.produced(output.eventCount, record.value.length)
}

function timed(
  operators: OperatorFunction<Delivery<Carrier>, Pair<Delivery<Carrier>, Carrier>>,
  { stage, stats, logger }: TaskOptions,
): typeof operators {
  const slow = new SlowBatches(logger, stage.name)
  let started = 0
  return (items) =>
    items.pipe(
      tap(() => {
        started = performance.now()
      }),
      operators,
      tap(({ input }) => {
        const ended = performance.now()
        stats.ran(ended - started)
        slow.ran(ended - started, input.value.eventCount, ended)
      }),
    )
}
