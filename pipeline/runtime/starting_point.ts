/**
 * Where a stage begins to read: where the topic it writes ends.
 *
 * The committed position is nearly always there too, and may be a little behind (a crash before the commit). But when
 * stages were inserted or taken out in between, the topic it writes is another one: one that another stage has brought
 * further, or less far. Going by the topic's end loses and repeats nothing in all of these cases.
 */
import { InvariantError, OperatorError } from '../errors/errors.ts'
import type { EventLog, Position } from '../log/log.ts'
import type { Stage, StageState } from '../stage/stage.ts'
import type { Carrier, Topic } from '../stage/topic.ts'
import type { StoredState } from '../state/state.ts'
import type { Topology } from '../topology/topology.ts'
import type { Start } from './source.ts'

/**
 * For a stage without a saved state.
 * @param committed the group's position in the topic the stage reads; `null` where it has none
 * @returns `null` for the first record there is
 */
export async function startingPoint(
  topology: Topology,
  stage: Stage,
  committed: Position | null,
  partition: number,
  state: StageState,
  log: EventLog,
): Promise<Start | null> {
  const end = await endOfOutput(topology, stage, partition, log)
  if (end === null) return committed
  const before = committed?.reached[partition] ?? -1
  // What a window has not seen it cannot remember: such a stage repeats what lies between its position and its output.
  if (state.window !== undefined && before <= end) return committed
  const reached = { ...committed?.reached, [partition]: end }
  if (committed !== null && before <= end) return { ...committed, reached }
  // Back to the record after `end`: known by its offset in a source, else the first that is not skipped.
  const { begin } = await log.bounds(stage.consumes.name, partition)
  return { log: committed?.log ?? log.id, offset: stage.consumes.source ? Math.max(begin, end + 1) : begin, reached }
}

/**
 * A stage stands where its saved state does. It cannot go back to where another topic than it wrote before ends.
 * @throws OperatorError where it would have to
 */
export async function checkOutput(stage: Stage, stored: StoredState, partition: number, log: EventLog): Promise<void> {
  if (stored.produces === stage.produces.name) return
  const end = await lastOrigin(stage.produces, partition, log)
  const stands = stored.position.reached[partition] ?? -1
  if (end === null || end >= stands) return
  throw new OperatorError(
    `stage ${stage.name} stands at origin ${stands}, but ${stage.produces.name} ends at ${end}: a stage was taken out behind ` +
      `it, and its state cannot go back. Put the stage back, or stop millrace and start ${stage.name} afresh with: ` +
      `millrace groups reset ${stage.name}`,
  )
}

/**
 * The origin up to which nobody needs a stage's output any more: its topic ends there, or those who read the topic
 * have got further by another way (it was theirs before, and was left behind when a stage was taken out).
 */
async function endOfOutput(topology: Topology, stage: Stage, partition: number, log: EventLog): Promise<number | null> {
  const end = await lastOrigin(stage.produces, partition, log)
  const readers = topology.stages.filter(({ consumes }) => consumes.name === stage.produces.name)
  const isSunk = topology.sinks.some(({ consumes }) => consumes.name === stage.produces.name)
  if (isSunk || readers.length === 0) return end
  const further = await Promise.all(readers.map((reader) => endOfOutput(topology, reader, partition, log)))
  if (further.includes(null)) return end
  return Math.max(end ?? -1, Math.min(...(further as number[])))
}

/** How far to look back over records at the end that cannot be read. */
const MAX_UNREADABLE = 100

async function lastOrigin(topic: Topic<Carrier>, partition: number, log: EventLog): Promise<number | null> {
  const { begin, end } = await log.bounds(topic.name, partition)
  // Never written to, or all of it trimmed: then nobody knows.
  if (begin === end) return end === 0 ? -1 : null
  let fault: Error | undefined
  for (let at = end - 1; at >= Math.max(begin, end - MAX_UNREADABLE); at--) {
    const [record] = await log.read(topic.name, partition, at, { maxBytes: 1, maxRecords: 1 })
    const place = { log: log.id, topic: topic.name, partition, offset: record.offset, previous: -1 }
    try {
      const { origin } = topic.codec.decode(record.value, place)
      return origin.log === log.id ? origin.offset : null
    } catch (cause) {
      fault = cause as Error
    }
  }
  // Nobody's but strangers' so far.
  if (begin === 0 && end <= MAX_UNREADABLE) return -1
  throw new InvariantError(
    `${topic.name}/${partition} ends in more than ${MAX_UNREADABLE} records that cannot be read: ${fault!.message}`,
    { cause: fault },
  )
}
