/**
 * Replay: the records of a topology's source through its stages, fused in memory, into writers of another generation. It
 * writes no topics, joins no groups and commits nothing of the live ones. At the end of the source it goes on with what
 * comes, until it is stopped.
 */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Batch } from '../batch/batch.ts'
import { OperatorError } from '../errors/errors.ts'
import type { EventLog } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { entered, isTreated } from '../runtime/enter.ts'
import { Handover } from '../runtime/handover.ts'
import { createSource } from '../runtime/source.ts'
import { failed } from '../stage/operators.ts'
import type { Sink, SinkWriter } from '../stage/sink.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { Topology } from '../topology/topology.ts'
import { decided, SINK_REFUSED } from './decided.ts'
import { FusedStages, sourceOf } from './fused_stages.ts'

/** What a replay reads: the log itself, or one that an archive makes longer. */
export type RecordSource = Pick<EventLog, 'id' | 'bounds' | 'read' | 'waitFor' | 'offsetAt'>

/** States of stages at an origin, all of a partition's together. */
export interface ReplayStates {
  load(partition: number): Promise<{ readonly origin: number; readonly bytes: Uint8Array } | null>
  save(partition: number, origin: number, bytes: Uint8Array): Promise<void>
}

/** A sink and what its part of the new generation is written with. */
export interface Target {
  readonly sink: Sink
  readonly writer: SinkWriter
}

export interface ReplayOptions {
  readonly topology: Topology
  readonly source: RecordSource
  readonly targets: readonly Target[]
  /** By partition, the first offset that the generation is to hold what became of. */
  readonly begin: readonly number[]
  /** By partition, the origin up to which every target has it all; `null` where it has nothing yet. */
  readonly stored: readonly (number | null)[]
  /**
   * By partition, the origin up to which older rows were carried over, with what was decided about them; `null` where nothing
   * was.
   */
  readonly carriedTo?: readonly number[] | null
  readonly states: ReplayStates
  readonly logger: Pick<Logger, 'warn'>
}

/** How far a partition has come. */
export interface PartitionProgress {
  readonly partition: number
  /** Where the replay began, stands now, and where the source ends. */
  readonly begin: number
  readonly at: number
  readonly end: number
}

export interface ReplayProgress {
  readonly partitions: readonly PartitionProgress[]
  /** Since this process began; records of a part that came again after a restart included. */
  readonly events: number
  readonly records: number
  readonly deadLetters: number
  /** True once every partition has been at its end: from then on it keeps up with what comes. */
  readonly caughtUp: boolean
}

export interface Replay {
  /** @throws as `EventLog.bounds` */
  progress(): Promise<ReplayProgress>
  /**
   * Resolves once everything up to these origins, by partition, is durable in every target.
   * @throws TransientError where a target failed, or the replay was stopped
   */
  reach(origins: readonly number[]): Promise<void>
  /**
   * Goes on up to these origins, by partition, and no further until it is told otherwise; `null`: without an end. What it
   * has read already it has read.
   */
  hold(origins: readonly number[] | null): void
  /** Rejects with what broke it off: TransientError where beginning again is right. Resolves when it was stopped. */
  readonly ended: Promise<void>
  /** Stops and lets the writers go; what they have not stored comes again the next time. */
  close(): Promise<void>
}

/** The thread has other things to do, too: its writers' answers, above all. */
const TURN_MS = 10
const LOOK_MS = 5
/** States are taken this often … */
const STATE_RECORDS = 1024
/** … and are kept once what they come from is stored, which is looked at this often. */
const KEEP_RECORDS = 64

interface Lane {
  readonly partition: number
  readonly fused: FusedStages
  at: number
  /** Offsets from here on are not read. */
  limit: number
  /** Ends waiting for a record, so that the limit is looked at. */
  interrupted: AbortController
  wasAtEnd: boolean
  /** States taken, to be kept once everything they come from is stored. */
  taken: { readonly origin: number; readonly bytes: Uint8Array } | null
}

/** @throws OperatorError where stages remember and there is nothing to begin them with */
export async function startReplay(options: ReplayOptions): Promise<Replay> {
  const { topology, source, targets, begin, stored, states } = options
  const topic = sourceOf(topology)
  const stop = new AbortController()
  const counts = { events: 0, records: 0 }
  let turnedMs = performance.now()
  const lanes = begin.map(
    (at, partition): Lane => ({
      partition,
      fused: new FusedStages(topology, partition, options.logger),
      at,
      limit: Number.POSITIVE_INFINITY,
      interrupted: new AbortController(),
      wasAtEnd: false,
      taken: null,
    }),
  )

  const storedUpTo = (partition: number) => Math.min(...targets.map(({ writer }) => writer.storedUpTo(partition)))

  async function run(lane: Lane): Promise<void> {
    const { partition, fused } = lane
    const reached = await resumed(lane)
    lane.at = reached === null ? begin[partition] : reached + 1
    await warm(lane, topic, source, stop.signal)
    const position = { log: source.id, offset: lane.at, reached: reached === null ? {} : { [partition]: reached } }
    const records = await createSource({
      log: noticing(source, lane),
      topic,
      partition,
      position,
      reader: 'replay',
      handover: new Handover(0),
    })
    const decisions = { ...options, topic, begin: begin[partition], carriedTo: options.carriedTo?.[partition] ?? null }
    let { interrupted } = lane
    let signal = AbortSignal.any([stop.signal, interrupted.signal])
    for (let count = 0; ; ) {
      while (lane.at >= lane.limit && !stop.signal.aborted) await delay(LOOK_MS)
      if (interrupted !== lane.interrupted) {
        interrupted = lane.interrupted
        signal = AbortSignal.any([stop.signal, interrupted.signal])
      }
      const delivery = await records.next(signal)
      if (stop.signal.aborted) return
      if (delivery === null) continue
      const value = await decided(delivery.value, decisions)
      for (const [output, batch] of fused.push(value)) {
        for (const { sink, writer } of targets) {
          if (sink.consumes.name === output) await writer.write(takeable(sink, batch))
        }
      }
      lane.at = delivery.position.offset
      counts.events += value.eventCount
      counts.records++
      if (count % KEEP_RECORDS === 0) await keepState(lane)
      if (count++ % STATE_RECORDS === 0) takeState(lane, value)
      if (performance.now() - turnedMs > TURN_MS) {
        await turn()
        turnedMs = performance.now()
      }
    }
  }

  /** The origin after which the lane goes on; `null` for its beginning. */
  async function resumed({ partition, fused }: Lane): Promise<number | null> {
    const before = stored[partition]
    if (fused.remembering.length === 0 || before === null) return before
    const saved = await states.load(partition)
    // Without a state it begins again, and what comes again is skipped by its origin.
    if (saved === null || saved.origin > before) return null
    fused.restore(saved.bytes)
    return saved.origin
  }

  function takeState(lane: Lane, { origin }: Carrier): void {
    if (lane.taken !== null) return
    const bytes = lane.fused.snapshot()
    if (bytes !== null) lane.taken = { origin: origin.offset, bytes }
  }

  async function keepState(lane: Lane): Promise<void> {
    const { partition, taken } = lane
    if (taken === null || taken.origin > storedUpTo(partition)) return
    await states.save(partition, taken.origin, taken.bytes)
    lane.taken = null
  }

  const work = lanes.map(run)
  // A writer that fails while the source is silent is heard of, too.
  const failures = targets.map(async ({ writer }) => {
    while (!stop.signal.aborted) await writer.progress()
  })
  const ended = Promise.all(
    [...work, ...failures].map((part) =>
      part.catch((error) => {
        const isOwn = stop.signal.aborted
        stop.abort()
        if (!isOwn) throw error
      }),
    ),
  ).then(() => {})
  ended.catch(() => {})

  return {
    ended,
    async progress() {
      const partitions = await Promise.all(
        lanes.map(async ({ partition, at }) => {
          const { end } = await source.bounds(topic.name, partition)
          return { partition, begin: begin[partition], at, end }
        }),
      )
      const deadLetters = lanes.reduce((sum, { fused }) => sum + fused.deadLetters, 0)
      return { ...counts, partitions, deadLetters, caughtUp: lanes.every(({ wasAtEnd }) => wasAtEnd) }
    },
    async reach(origins) {
      const isPast = (partition: number) => lanes[partition].at > origins[partition]
      while (!stop.signal.aborted && !origins.every((_, partition) => isPast(partition))) await delay(LOOK_MS)
      if (stop.signal.aborted) await ended
      for (const { writer } of targets) await writer.flush()
    },
    hold(origins) {
      for (const lane of lanes) {
        lane.limit = origins === null ? Number.POSITIVE_INFINITY : origins[lane.partition] + 1
        lane.interrupted.abort()
        lane.interrupted = new AbortController()
      }
    },
    async close() {
      stop.abort()
      for (const { writer } of targets) await writer.close()
      await ended.catch(() => {})
    },
  }
}

/** Shows the stages that remember what came in their window before the lane's first record. */
async function warm(lane: Lane, topic: Topic<Carrier>, source: RecordSource, stop: AbortSignal): Promise<void> {
  const { partition, fused, at } = lane
  const { begin, end } = await source.bounds(topic.name, partition)
  if (at < begin || at > end) {
    throw new OperatorError(
      `${topic.name}/${partition} holds offsets ${begin} to ${end}, and the replay is to go on at ${at}: what lies ` +
        'between is gone. Discard it and start another',
    )
  }
  if (fused.windowMs === 0 || at <= begin) return
  const [last] = await source.read(topic.name, partition, at - 1, { maxBytes: 1, maxRecords: 1 })
  const from = Math.max(begin, await source.offsetAt(topic.name, partition, last.timestamp - fused.windowMs))
  const past = await createSource({
    log: source,
    topic,
    partition,
    position: { log: source.id, offset: from, reached: {} },
    reader: 'replay',
    handover: new Handover(0),
  })
  for (;;) {
    const delivery = await past.next(stop)
    if (delivery === null || delivery.position.offset > at) return
    if (isTreated(delivery.value)) fused.warm(delivery.value)
    if (delivery.position.offset === at) return
  }
}

/** The source, noting when a lane has to wait for more. */
function noticing(source: RecordSource, lane: Lane): RecordSource {
  return {
    id: source.id,
    bounds: (topic, partition) => source.bounds(topic, partition),
    read: (topic, partition, offset, options) => source.read(topic, partition, offset, options),
    offsetAt: (topic, partition, timestamp) => source.offsetAt(topic, partition, timestamp),
    waitFor(topic, partition, offset, signal) {
      lane.wasAtEnd = true
      return source.waitFor(topic, partition, offset, signal)
    },
  }
}

/** What the live sink put aside is put aside here, too; its events are dead letters already. */
function takeable(sink: Sink, given: Batch): Batch {
  const batch = entered(sink, given)
  try {
    if (batch.eventCount > 0) sink.check?.(batch)
    return batch
  } catch (error) {
    const { deadLetters: _, ...empty } = failed(batch, `${sink.name}: ${(error as Error).message}`, SINK_REFUSED)
    return empty
  }
}
