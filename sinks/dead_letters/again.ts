/** What a decision puts into the raw topic: a batch that goes through all topics in the place of exports. */
import {
  type Batch,
  DEAD_LETTER_BYTES,
  DEAD_LETTER_CODE,
  DEAD_LETTER_DETAIL,
  DEAD_LETTER_STAGE,
  DEAD_LETTER_VERSION,
  positionAt,
  selectEvents,
  withColumns,
} from '#pipeline/batch/batch.ts'
import type { EventLog } from '#pipeline/log/log.ts'
import type { Topology } from '#pipeline/topology/topology.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryRaw } from '#schemas/topics.ts'

const OWN = [DEAD_LETTER_CODE, DEAD_LETTER_DETAIL, DEAD_LETTER_STAGE, DEAD_LETTER_VERSION, DEAD_LETTER_BYTES]
const NO_BODY = new Uint8Array(0)

export interface AgainOptions {
  readonly log: Pick<EventLog, 'bounds' | 'read'>
  readonly topology: Pick<Topology, 'stages' | 'sinks'>
  /** The schema's id of a topic of the topology. */
  readonly schemaId: (topic: string) => number
}

/** Dead letters of one record and cause. */
export interface Letters {
  readonly batch: Batch
  readonly rows: readonly number[]
  readonly stage: string
  readonly code: string
}

/** They are given up: what was dead-lettered is dropped. */
export function discarded({ batch, rows, code }: Letters): Batch {
  return settling(batch, [
    [`dead_letter:${code}`, -rows.length],
    ['dropped:discarded', rows.length],
  ])
}

/**
 * They are to be treated again, from the stage on that could not. What has become of them is counted when they come out.
 * @throws Error saying why they cannot be
 */
export async function requeued(options: AgainOptions, letters: Letters): Promise<Batch> {
  const { topology, schemaId } = options
  const { batch, rows, stage: name, code } = letters
  const events = withColumns(
    selectEvents(batch, rows),
    OWN.map((column) => [column, null]),
  )
  const back = [`dead_letter:${code}`, -rows.length] as const
  const sink = topology.sinks.find((each) => each.name === name)
  if (sink !== undefined) {
    // Nobody behind the sink says whether it took them: it is asked before.
    sink.check?.(events)
    const record = sink.consumes.codec.encode(events, schemaId(sink.consumes.name))
    return { ...settling(batch, [back, ['stored', rows.length]]), requeue: { stage: name, record, positions: [] } }
  }
  const stage = topology.stages.find((each) => each.name === name)
  if (stage === undefined) throw new Error(`there is no stage ${name}`)
  const { consumes } = stage
  const positions = rows.map((row) => positionAt(batch, row))
  const requeue = consumes.source
    ? { stage: name, record: await rawOf(options, batch, positions), positions }
    : { stage: name, record: consumes.codec.encode(events, schemaId(consumes.name)), positions: [] }
  return { ...settling(batch, [back]), requeue }
}

function settling(batch: Batch, outcomes: readonly (readonly [string, number])[]): Batch {
  const { deadLetters: _, ...of } = batch
  return { ...of, eventCount: 0, receivedBytes: 0, outcomes: new Map(outcomes), columns: new Map() }
}

/** The raw record, without the bodies of exports that have none of the positions. */
async function rawOf(
  { log, schemaId }: AgainOptions,
  { raw }: Batch,
  positions: readonly number[],
): Promise<Uint8Array> {
  const { topic, partition, offset } = raw
  const { begin, end } = await log.bounds(topic, partition)
  const [record] = offset < begin || offset >= end ? [] : await log.read(topic, partition, offset, ONE)
  if (record?.offset !== offset) throw new Error(`${topic}/${partition}@${offset} is not kept any more`)
  const value = telemetryRaw.codec.decode(record.value, { ...raw, previous: -1 })
  let first = 0
  const exports = value.exports.map((each) => {
    const end = first + each.eventCount
    const isMeant = positions.some((position) => position >= first && position < end)
    first = end
    return isMeant ? each : { ...each, body: NO_BODY }
  })
  return rawRecordCodec.encode({ ...value, exports }, schemaId(telemetryRaw.name))
}

const ONE = { maxBytes: 1, maxRecords: 1 }
