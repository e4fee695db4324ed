/** One sink on the partitions it was assigned: hands batches over, commits what has become durable. */
import type { Batch } from '../batch/batch.ts'
import type { Assignment, EventLog, Membership, Position } from '../log/log.ts'
import type { Sink, SinkWriter } from '../stage/sink.ts'
import type { Handover } from './handover.ts'
import { createSource, type Delivery } from './source.ts'
import type { TaskStats } from './stats.ts'

export interface SinkTaskOptions {
  readonly sink: Sink
  readonly assignments: readonly Assignment[]
  readonly membership: Membership
  readonly log: EventLog
  readonly handover: Handover
  /** By partition. */
  readonly stats: readonly TaskStats[]
}

/**
 * Runs until `stop` is aborted and everything taken over is durable and committed.
 * @throws as `runTask`
 */
export async function runSinkTask(options: SinkTaskOptions, stop: AbortSignal): Promise<void> {
  const { sink, assignments, membership, stats } = options
  const writer = await sink.open()
  const failed = new AbortController()
  const halt = AbortSignal.any([stop, failed.signal])
  const written = new Map<number, Delivery<Batch>[]>(assignments.map(({ partition }) => [partition, []]))
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
    const source = await createSource({ ...options, topic: sink.consumes, partition, position, reader: sink.name })
    for (;;) {
      const delivery = await source.next(halt)
      if (delivery === null) return
      stats[partition].polled(delivery.value.eventCount)
      await writer.write(delivery.value)
      written.get(partition)!.push(delivery)
      stats[partition].produced(delivery.value.eventCount, 0)
    }
  }

  async function commitProgress(): Promise<void> {
    const halted = new Promise<void>((resolve) => {
      if (halt.aborted) resolve()
      halt.addEventListener('abort', () => resolve())
    })
    while (!halt.aborted) {
      await Promise.race([writer.progress(), halted])
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

/** Takes the deliveries that are durable off the list; gives the position after the last of them. */
function takeStored(writer: SinkWriter, written: Delivery<Batch>[]): Position[] {
  const isStored = ({ value: { origin } }: Delivery<Batch>) => origin.offset <= writer.storedUpTo(origin.partition)
  const waiting = written.findIndex((delivery) => !isStored(delivery))
  const stored = written.splice(0, waiting < 0 ? written.length : waiting)
  return stored.slice(-1).map(({ position }) => position)
}
