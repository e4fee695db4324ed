/** Runs a topology on a log: joins the groups, keeps a task on every partition assigned, and says how they do. */
import { OperatorError } from '../errors/errors.ts'
import type { Assignment, EventLog, Membership, SchemaRegistry } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { type AnySink, groupOf } from '../stage/sink.ts'
import { deadLetterTopic, type Stage } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { StateStore } from '../state/state.ts'
import type { Topology } from '../topology/topology.ts'
import { FailureRule } from './failure_rule.ts'
import { Handover } from './handover.ts'
import { createSchemaCheck, type SchemaCheck } from './schema_check.ts'
import { runSinkTask } from './sink_task.ts'
import { TaskStats } from './stats.ts'
import { type SuperviseOptions, supervise } from './supervise.ts'
import { runTask } from './task.ts'

export interface RuntimeOptions extends SuperviseOptions {
  readonly topology: Topology
  readonly log: EventLog & SchemaRegistry
  readonly states: StateStore
  readonly logger: Logger
  /** Partitions of every topic; topics that exist keep theirs and must agree. */
  readonly partitions: number
  /** Whether a stage or sink, by its name, runs in this process; all do by default. */
  readonly runs?: (name: string) => boolean
  /** Stages and sinks that go on over records trimmed before they read them, as a person has said. */
  readonly acceptGaps?: readonly string[]
  /** Batches in flight at most, per stage and partition. */
  readonly credits?: number
  /** Bound on decoded batches kept for the next stage, by encoded size. */
  readonly handoverBytes?: number
}

export interface PartStatus {
  readonly name: string
  /** The consumer group that remembers how far it has come. */
  readonly group: string
  readonly kind: 'stage' | 'sink'
  /** By partition. */
  readonly tasks: readonly TaskStats[]
}

export interface Runtime {
  /** Schema ids by topic name. */
  readonly schemaIds: ReadonlyMap<string, number>
  /** What stages have just produced; for readers beside the topology's own. */
  readonly handover: Handover
  /** Of all stages and sinks, those that run elsewhere too. */
  status(): readonly PartStatus[]
  /**
   * Runs this sink instead of the one of its name, which finishes what it has in flight and leaves its group; the new one
   * begins where its own group stands. Nothing happens where another process runs it.
   * @throws RangeError where there is no sink of that name
   */
  replaceSink(sink: AnySink): Promise<void>
  /** Finishes what is in flight, commits it, leaves the groups. */
  close(): Promise<void>
}

/** @throws OperatorError where the log's topics do not fit the topology, or it has no part of a name in `acceptGaps` */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { topology, log, partitions, runs = () => true } = options
  checkNames(topology, options.acceptGaps ?? [])
  const schemaIds = await createTopics(topology, log, partitions)
  const handover = new Handover(options.handoverBytes ?? 64 * 2 ** 20)
  const shared = { schemaIds, schemas: createSchemaCheck(log, schemaIds), handover }
  const parts = [
    ...topology.stages.map((stage) => stagePart(options, stage, shared)),
    ...topology.sinks.map((sink) => sinkPart(options, sink, shared)),
  ]
  for (const part of parts) if (runs(part.name)) await part.join()
  let closed = false
  /** Of replacing sinks, one after another. */
  let lane = Promise.resolve()
  const replace = async (sink: AnySink): Promise<void> => {
    if (closed) return
    const at = parts.findIndex(({ name, kind }) => kind === 'sink' && name === sink.name)
    if (at < 0) throw new RangeError(`there is no sink ${sink.name}`)
    if (!runs(sink.name)) return
    await parts[at].leave()
    parts[at] = sinkPart(options, sink, shared)
    await parts[at].join()
  }
  return {
    schemaIds,
    handover,
    status: () => parts.map(({ name, group, kind, stats }) => ({ name, group, kind, tasks: stats })),
    replaceSink(sink) {
      const replaced = lane.then(() => replace(sink))
      lane = replaced.catch(() => {})
      return replaced
    },
    async close() {
      closed = true
      await lane
      // In the order of the data: what a stage has in flight still reaches the sink.
      for (const part of parts) await part.leave()
    },
  }
}

function checkNames({ stages, sinks }: Topology, acceptGaps: readonly string[]): void {
  const names = [...stages, ...sinks].map(({ name }) => name)
  const unknown = acceptGaps.filter((name) => !names.includes(name))
  if (unknown.length === 0) return
  throw new OperatorError(
    `--accept-gap: there is no stage or sink ${unknown.join(', ')}: there are ${names.join(', ')}`,
  )
}

async function createTopics(
  topology: Topology,
  log: EventLog & SchemaRegistry,
  partitions: number,
): Promise<Map<string, number>> {
  // Readers of one topic share its dead letters, which are of the shape that stages give them where one reads it.
  const deadLetters = [...topology.sinks, ...topology.stages].map(deadLetterTopic)
  const byName = new Map<string, Topic<Carrier>>()
  for (const topic of [...topology.topics, ...deadLetters]) byName.set(topic.name, topic)
  const topics = [...byName.values()]
  await log.createTopics(
    topics.map(({ name, retentionMs, retentionBytes }) => ({ name, partitions, retentionMs, retentionBytes })),
  )
  const ids = new Map<string, number>()
  for (const topic of topics) ids.set(topic.name, await log.register(`${topic.name}-value`, topic.codec.schema))
  return ids
}

/** What all parts use. */
interface Shared {
  readonly schemaIds: ReadonlyMap<string, number>
  readonly schemas: SchemaCheck
  readonly handover: Handover
}

interface Part {
  readonly name: string
  readonly group: string
  readonly kind: 'stage' | 'sink'
  readonly stats: readonly TaskStats[]
  join(): Promise<void>
  leave(): Promise<void>
}

function stagePart(options: RuntimeOptions, stage: Stage, shared: Shared): Part {
  const { log, states, logger, credits = 8 } = options
  const rule = new FailureRule(stage.name, options.failures)
  return part(options, 'stage', stage, stage.name, (assignments, membership, stats, stop) =>
    assignments.map((assignment) =>
      supervise(
        options,
        rule,
        { name: stage.name, group: stage.name },
        [stats[assignment.partition]],
        [assignment],
        stop,
        ([from]) =>
          runTask(
            {
              topology: options.topology,
              stage,
              assignment: from,
              membership,
              log,
              states,
              ...shared,
              rule,
              credits,
              stats: stats[from.partition],
              logger,
              acceptGap: gapAccepted(options, stage.name),
            },
            stop,
          ),
      ),
    ),
  )
}

function sinkPart(options: RuntimeOptions, sink: AnySink, shared: Shared): Part {
  const { log, logger } = options
  const rule = new FailureRule(sink.name, options.failures)
  const beside = options.topology.sinks.filter(({ consumes }) => consumes.name === sink.consumes.name)
  const sinks = beside.map(({ name }) => name)
  const group = groupOf(sink)
  return part(options, 'sink', sink, group, (assignments, membership, stats, stop) => {
    // More members than partitions: some have nothing to do.
    if (assignments.length === 0) return []
    const assigned = assignments.map(({ partition }) => stats[partition])
    const acceptGap = gapAccepted(options, sink.name)
    return [
      supervise(options, rule, { name: sink.name, group }, assigned, assignments, stop, (from) =>
        runSinkTask(
          { sink, sinks, assignments: from, membership, log, ...shared, rule, stats, logger, acceptGap },
          stop,
        ),
      ),
    ]
  })
}

function gapAccepted({ acceptGaps = [], logger }: RuntimeOptions, name: string): ((what: string) => void) | undefined {
  if (!acceptGaps.includes(name)) return undefined
  return (what) => logger.warn({ part: name, missing: what }, 'went on over a gap, as --accept-gap says')
}

/** Membership of a group and the tasks that come with it. */
function part(
  options: RuntimeOptions,
  kind: 'stage' | 'sink',
  what: Stage | AnySink,
  group: string,
  start: (
    assignments: readonly Assignment[],
    membership: Membership,
    stats: readonly TaskStats[],
    stop: AbortSignal,
  ) => Promise<void>[],
): Part {
  const stats = Array.from({ length: options.partitions }, () => new TaskStats())
  const stop = new AbortController()
  /** What runs under the present membership. */
  let work: Work = { revoked: new AbortController(), finished: Promise.resolve() }
  let membership: Membership | null = null
  const letGo = (): Promise<void> => {
    work.revoked.abort()
    return work.finished
  }
  return {
    name: what.name,
    group,
    kind,
    stats,
    async join() {
      membership = await options.log.join(group, [what.consumes.name], {
        assigned(assignments, joined) {
          const before = letGo()
          for (const entry of stats) entry.unassigned()
          const revoked = new AbortController()
          const tasks = start(assignments, joined, stats, AbortSignal.any([stop.signal, revoked.signal]))
          work = { revoked, finished: Promise.all([before, ...tasks]).then(() => {}) }
        },
        revoked: letGo,
      })
    },
    async leave() {
      stop.abort()
      await work.finished
      await membership?.leave()
    },
  }
}

interface Work {
  readonly revoked: AbortController
  /** Resolves once everything in flight is committed, or given up because another member has the partition. */
  readonly finished: Promise<void>
}
