/** Brings the index in PostgreSQL to where the topics of dead letters end. */
import type { Batch } from '#pipeline/batch/batch.ts'
import type { EventLog, LogRecord } from '#pipeline/log/log.ts'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import { causesOf, identityOf, versionOf } from './causes.ts'
import type { DeadTopic } from './topics.ts'

const PAGE_BYTES = 2 ** 20

export interface CatchUpOptions {
  readonly database: Pick<Database, 'transaction'>
  readonly log: Pick<EventLog, 'id' | 'topics' | 'read'>
  readonly topics: readonly DeadTopic[]
  /** Told of records that are no dead letters of ours. */
  readonly warn: (message: string) => void
}

/**
 * Reads at most `maxBytes` (and a page more). Any number may do so at once, in any number of processes: a position and the
 * rows up to it change together.
 * @param known where the index stands, by topic and partition, as far as this process knows; brought up to date
 * @returns whether all has been read
 * @throws as `Database.transaction` and `EventLog.read`
 */
export async function catchUp(
  options: CatchUpOptions,
  known: Map<string, { next: number; begin: number }>,
  maxBytes: number,
): Promise<boolean> {
  const infos = new Map((await options.log.topics()).map((info) => [info.name, info]))
  let left = maxBytes
  for (const topic of options.topics) {
    for (const { partition, begin, end } of infos.get(topic.dead.name)?.bounds ?? []) {
      const key = `${topic.of}/${partition}`
      for (;;) {
        const at = known.get(key)
        if (at !== undefined && at.next >= end && at.begin === begin) break
        if (left <= 0) return false
        const { next, bytes } = await options.database.transaction((transaction) =>
          addPage(options, transaction, topic, { partition, begin, end }),
        )
        left -= bytes
        known.set(key, { next, begin })
        if (bytes === 0) break
      }
    }
  }
  return true
}

async function addPage(
  options: CatchUpOptions,
  transaction: Transaction,
  topic: DeadTopic,
  { partition, begin, end }: { readonly partition: number; readonly begin: number; readonly end: number },
): Promise<{ readonly next: number; readonly bytes: number }> {
  const { log } = options
  const place = [log.id, topic.of, partition]
  await transaction.query('insert into dead_letter_positions values ($1, $2, $3, 0) on conflict do nothing', place)
  const [stands] = await transaction.query<{ next: number }>(
    'select next from dead_letter_positions where log = $1 and topic = $2 and partition = $3 for update',
    place,
  )
  // What the topic does not have any more cannot be shown, nor treated again. What is decided stays until it is done.
  await transaction.query(
    `delete from dead_letters where log = $1 and topic = $2 and partition = $3 and "offset" < $4 and pending_from is null`,
    [...place, begin],
  )
  const from = Math.max(stands.next, begin)
  if (from >= end) return { next: from, bytes: 0 }
  const page = await log.read(topic.dead.name, partition, from, { maxBytes: PAGE_BYTES })
  for (const record of page) await addRecord(options, transaction, topic, record)
  const next = page.length === 0 ? from : page[page.length - 1].offset + 1
  await transaction.query(
    'update dead_letter_positions set next = $4 where log = $1 and topic = $2 and partition = $3',
    [...place, next],
  )
  return { next, bytes: page.reduce((sum, { value }) => sum + value.length, 0) }
}

async function addRecord(
  { log, warn }: CatchUpOptions,
  transaction: Transaction,
  topic: DeadTopic,
  record: LogRecord,
): Promise<void> {
  const { partition, offset } = record
  let batch: Batch
  try {
    batch = topic.dead.codec.decode(record.value, { log: log.id, topic: topic.of, partition, offset, previous: -1 })
  } catch (error) {
    warn(`${topic.dead.name}/${partition}@${offset} is no dead letter of ours: ${(error as Error).message}`)
    return
  }
  const identity = identityOf(batch)
  const version = versionOf(batch)
  for (const { cause, code, stage, detail, example, rows, services } of causesOf(topic.of, batch)) {
    await transaction.query(
      `insert into dead_letters (log, topic, partition, "offset", identity, cause, code, stage, detail, example, version,
         project_id, signal, received_at, events, rows, services, raw_partition, raw_offset)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::bigint / 1000000.0), $15, $16, $17, $18, $19
       where not exists (select from dead_letters where log = $1 and topic = $2 and identity = $5 and "offset" <> $4)
       on conflict do nothing`,
      [
        ...[log.id, topic.of, partition, offset, identity, cause, code, stage, detail, example, version],
        ...[UUID.test(batch.projectId) ? batch.projectId : null, batch.signal, inRange(batch.receivedAt), rows.length],
        ...[rows.length === batch.eventCount ? null : rows, services, batch.raw.partition, batch.raw.offset],
      ],
    )
  }
}

/** Anybody may have written the record: what it says must fit, or the index would stand still before it. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const YEAR_9999_MICROS = 253_370_764_800_000_000

function inRange(micros: number): number {
  return Math.min(Math.max(0, micros), YEAR_9999_MICROS)
}
