/** One sink on the partitions it was assigned: hands batches over, commits what has become durable. */
import type { Assignment, EventLog, Membership, Position } from '../log/log.ts'
import type { Sink, SinkWriter } from '../stage/sink.ts'
import type { Handover } from './handover.ts'
import { createSource } from './source.ts'
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
  const written = new Map<number, Position[]>(assignments.map(({ partition }) => [partition, []]))
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
      written.get(partition)!.push(delivery.position)
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
    const positions = assignments.flatMap(({ partition }) => takeStored(writer, written.get(partition)!, partition))
    if (positions.length === 0) return
    await membership.commit(positions)
    for (const position of positions) stats[position.partition].committed(position)
  }
}

/** Takes the positions that are durable off the list; gives the last of them. */
function takeStored(writer: SinkWriter, written: Position[], partition: number): Position[] {
  const upTo = writer.storedUpTo(partition)
  let count = 0
  while (count < written.length && written[count].reached <= upTo) count++
  return written.splice(0, count).slice(-1)
}
