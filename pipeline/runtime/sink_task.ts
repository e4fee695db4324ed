/** One sink on the partitions it was assigned: hands batches over, commits what has become durable. */
import type { Origin } from '../batch/batch.ts'
import type { Assignment, EventLog, Membership, Position } from '../log/log.ts'
import type { Logger } from '../observability/logger.ts'
import { type AnySink, groupOf, type SinkWriter } from '../stage/sink.ts'
import type { FailureRule } from './failure_rule.ts'
import type { Handover } from './handover.ts'
import { putAside } from './put_aside.ts'
import type { SchemaCheck } from './schema_check.ts'
import { createSource } from './source.ts'
import type { TaskStats } from './stats.ts'
import { takeable } from './takeable.ts'

export interface SinkTaskOptions {
  readonly sink: AnySink
  /** Names of all sinks of its topic. */
  readonly sinks: readonly string[]
  readonly assignments: readonly Assignment[]
  readonly membership: Membership
  readonly log: EventLog
  readonly handover: Handover
  /** Schema ids by topic name. */
  readonly schemaIds: ReadonlyMap<string, number>
  readonly schemas?: SchemaCheck | undefined
  readonly rule?: FailureRule | undefined
  /** By partition. */
  readonly stats: readonly TaskStats[]
  readonly logger: Pick<Logger, 'warn'>
  /** As of a source. */
  readonly acceptGap?: ((what: string) => void) | undefined
}

/** What is left of a batch once it is handed over: its sink decides how long the rest stays in memory. */
interface Written {
  readonly origin: Origin
  readonly position: Position
}

/**
 * Runs until `stop` is aborted and everything taken over is durable and committed.
 * @throws as `runTask`
 */
export async function runSinkTask(options: SinkTaskOptions, stop: AbortSignal): Promise<void> {
  const { sink, assignments, membership, stats } = options
  const writer = await sink.open((failure) => {
    for (const { partition } of assignments) stats[partition].storing(failure)
  })
  const failed = new AbortController()
  const halt = AbortSignal.any([stop, failed.signal])
  const written = new Map<number, Written[]>(assignments.map(({ partition }) => [partition, []]))
  try {
    const feeds = assignments.map((assignment) => feed(assignment))
    const commits = commitProgress()
    const all = [...feeds, commits].map((part) =>
      part.catch((error) => {
        failed.abort(error)
        throw error
      }),
    )
    const results = await Promise.allSettled(all)
    const failure = results.find((result) => result.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    await writer.flush()
    await commitStored()
  } finally {
    await writer.close()
  }

  async function feed(assignment: Assignment): Promise<void> {
    const { partition, position } = assignment
    const source = await createSource({
      ...options,
      topic: sink.consumes,
      partition,
      position,
      reader: groupOf(sink),
      // Whoever reads a source beside its stages wants its records as they are, those that stages cannot read, too.
      schemas: sink.consumes.source ? undefined : options.schemas,
      aside: putAside(sink, options, stats[partition]),
    })
    for (;;) {
      const delivery = await source.next(halt)
      if (delivery === null) return
      stats[partition].polled(delivery.value.eventCount)
      const batch = await takeable(options, delivery.value)
      await writer.write(batch)
      written.get(partition)!.push({ origin: batch.origin, position: delivery.position })
      stats[partition].produced(batch.eventCount, 0)
    }
  }

  async function commitProgress(): Promise<void> {
    while (!halt.aborted) {
      await unlessAborted(writer.progress(), halt)
      await commitStored()
    }
  }

  async function commitStored(): Promise<void> {
    const positions = assignments.flatMap(({ partition }) => takeStored(writer, written.get(partition)!))
    if (positions.length === 0) return
    await membership.commit(positions)
    for (const position of positions) stats[position.partition].committed(position)
  }
}

/** Not `Promise.race` with one promise for the whole run: each race would stay with it until the end. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => resolve()
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

/** Takes what is durable off the list; gives the position after the last of it. */
function takeStored(writer: SinkWriter, written: Written[]): Position[] {
  const isStored = ({ origin }: Written) => origin.offset <= writer.storedUpTo(origin.partition)
  const waiting = written.findIndex((each) => !isStored(each))
  const stored = written.splice(0, waiting < 0 ? written.length : waiting)
  return stored.slice(-1).map(({ position }) => position)
}
