/** What a running topology tells others: the description with live numbers, and metrics. */
import { TransientError } from '../errors/errors.ts'
import type { Bounds, EventLog, Position } from '../log/log.ts'
import type { MetricFamily } from '../observability/prometheus.ts'
import { describe, type TopologyDescription } from '../topology/describe.ts'
import type { Topology } from '../topology/topology.ts'
import type { PartStatus, Runtime } from './runtime.ts'
import type { TaskStats } from './stats.ts'

export interface PartReport {
  readonly name: string
  readonly kind: 'stage' | 'sink'
  readonly consumes: string
  /** Events taken in per second, over the last interval measured. */
  readonly events_per_second: number
  readonly events_total: number
  readonly batches_total: number
  readonly bytes_out_total: number
  readonly dead_letters_total: number
  readonly errors_total: number
  readonly retries_total: number
  readonly busy_seconds_total: number
  /** Records of the topic it has not committed yet. */
  readonly lag_records: number
  readonly partitions: readonly {
    readonly partition: number
    readonly condition: TaskStats['condition']
    readonly reason: string | null
    readonly lag_records: number
    /** `host/pid` of the process that has it, where several work on one log. */
    readonly worker?: string
  }[]
}

export interface TopologyReport extends TopologyDescription {
  readonly parts: readonly PartReport[]
  /** Where several processes work on one log: all that are alive. */
  readonly workers?: readonly { readonly name: string; readonly roles: readonly string[] }[]
}

export interface Reporter {
  report(): Promise<TopologyReport>
  metrics(): Promise<readonly MetricFamily[]>
  /** Parts that are stopped, or fail and have been trying again for seconds, with their reasons. */
  notReady(): readonly string[]
  close(): void
}

const INTERVAL_MS = 2_000

/** @param intervalMs over how long rates are measured */
export function createReporter(
  topology: Topology,
  runtime: Runtime,
  log: EventLog,
  intervalMs = INTERVAL_MS,
): Reporter {
  let earlier = counts(runtime)
  let latest = earlier
  const sampling = setInterval(() => {
    earlier = latest
    latest = counts(runtime)
  }, intervalMs).unref()

  /** As last known, by part and partition: what is shown while the log is away. */
  const lags = new Map<string, number>()

  /** @param bounds by topic and partition, @param committed of the part's group; `null` where the log is away */
  function partReport(part: PartStatus, bounds: AllBounds | null, committed: readonly Position[] | null): PartReport {
    const consumes = [...topology.stages, ...topology.sinks].find(({ name }) => name === part.name)!.consumes.name
    const lag = (task: TaskStats, partition: number): number => {
      const place = `${part.name}/${partition}`
      const known = bounds?.get(consumes)?.[partition]
      if (known === undefined || committed === null) return lags.get(place) ?? 0
      const isThere = (at: Position) => at.topic === consumes && at.partition === partition && at.log === log.id
      const { begin, end } = known
      const records = end - Math.max(begin, (task.position ?? committed.find(isThere))?.offset ?? begin)
      lags.set(place, records)
      return records
    }
    const partitions = part.tasks.map((task, partition) => ({
      partition,
      condition: task.condition === 'running' && task.trouble() !== null ? 'retrying' : task.condition,
      reason: task.reason ?? task.trouble()?.reason ?? null,
      lag_records: lag(task, partition),
    }))
    const sum = (pick: (task: TaskStats) => number) => part.tasks.reduce((total, task) => total + pick(task), 0)
    const elapsedMs = latest.at - earlier.at
    const events = (latest.events.get(part.name) ?? 0) - (earlier.events.get(part.name) ?? 0)
    return {
      name: part.name,
      kind: part.kind,
      consumes,
      events_per_second: elapsedMs === 0 ? 0 : Math.round((events / elapsedMs) * 10_000) / 10,
      events_total: sum((task) => task.events),
      batches_total: sum((task) => task.batches),
      bytes_out_total: sum((task) => task.bytesOut),
      dead_letters_total: sum((task) => task.deadLetters),
      errors_total: sum((task) => task.errors),
      retries_total: sum((task) => task.retries),
      busy_seconds_total: sum((task) => task.busyMs) / 1000,
      lag_records: partitions.reduce((total, { lag_records }) => total + lag_records, 0),
      partitions,
    }
  }

  async function reports(): Promise<PartReport[]> {
    const parts = runtime.status()
    // Where this process has not committed yet, or never will, the log knows how far the group is.
    const positionsOf = ({ tasks, group }: PartStatus) =>
      tasks.every(({ position }) => position !== null) ? [] : log.positions(group).catch(unlessAway)
    const committed = await Promise.all(parts.map(positionsOf))
    // Asked once for all partitions, and last: on Kafka each question is a request.
    const topics = await log.topics().catch(unlessAway)
    const bounds = topics && new Map(topics.map((topic) => [topic.name, topic.bounds]))
    return parts.map((part, at) => partReport(part, bounds, committed[at]))
  }

  return {
    report: async () => ({ ...describe(topology), parts: await reports() }),
    async metrics() {
      const parts = await reports()
      const family = (name: string, help: string, type: MetricFamily['type'], pick: (part: PartReport) => number) => ({
        name: `millrace_part_${name}`,
        help,
        type,
        samples: parts.map((part) => ({ labels: { part: part.name }, value: pick(part) })),
      })
      return [
        family('events_total', 'Events a stage or sink has read.', 'counter', (part) => part.events_total),
        family('batches_total', 'Batches a stage or sink has read.', 'counter', (part) => part.batches_total),
        family(
          'output_bytes_total',
          'Bytes a stage has appended to its topic.',
          'counter',
          (part) => part.bytes_out_total,
        ),
        family('dead_letters_total', 'Events a stage has put aside.', 'counter', (part) => part.dead_letters_total),
        family('errors_total', 'Times a partition was stopped.', 'counter', (part) => part.errors_total),
        family(
          'retries_total',
          'Times a task was started again after the world failed.',
          'counter',
          (part) => part.retries_total,
        ),
        family(
          'busy_seconds_total',
          "Time in the stage's own operators.",
          'counter',
          (part) => part.busy_seconds_total,
        ),
        {
          name: 'millrace_part_lag_records',
          help: 'Records of a partition not committed yet; of the partitions that this process works on.',
          type: 'gauge' as const,
          samples: parts.flatMap(({ name, partitions }) =>
            partitions
              .filter(({ condition }) => condition !== 'unassigned')
              .map(({ partition, lag_records }) => ({
                labels: { part: name, partition: String(partition) },
                value: lag_records,
              })),
          ),
        },
      ]
    },
    notReady() {
      return runtime.status().flatMap(({ name, tasks }) =>
        tasks.flatMap((task, partition) => {
          if (task.condition === 'stopped') return [`${name}/${partition}: ${task.reason}`]
          const trouble = task.trouble()
          if (trouble === null) return []
          const seconds = Math.floor((performance.now() - trouble.sinceMs) / 1000)
          return [`${name}/${partition} has been trying again for ${seconds} s: ${trouble.reason}`]
        }),
      )
    },
    close: () => clearInterval(sampling),
  }
}

/** Of topics, by partition. */
type AllBounds = ReadonlyMap<string, readonly Bounds[]>

/** `null` where the log is away. */
function unlessAway(error: unknown): null {
  if (error instanceof TransientError) return null
  throw error
}

function counts(runtime: Runtime): { at: number; events: Map<string, number> } {
  const events = runtime
    .status()
    .map(({ name, tasks }) => [name, tasks.reduce((sum, task) => sum + task.events, 0)] as const)
  return { at: performance.now(), events: new Map(events) }
}
