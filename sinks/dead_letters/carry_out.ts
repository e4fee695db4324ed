/**
 * Carries out what was decided: appends it to the raw topic, each decision once.
 *
 * PostgreSQL and the log share no transaction. So a decision is marked in the index first, with the offset behind which
 * its record may stand; whoever carries it out looks there before it appends, and takes the mark away afterwards. One does
 * so at a time, of all processes. Killed anywhere in between, the next one finds either the record or that there is none.
 */
import type { Batch } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { EventLog, NewRecord } from '#pipeline/log/log.ts'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import type { DeadLetterState } from '#schemas/dead_letters.ts'
import { eventBatchCodec } from '#schemas/event_batch.ts'
import { rawRecordCodec } from '#schemas/raw_record.ts'
import { telemetryNormalized, telemetryRaw } from '#schemas/topics.ts'
import { type AgainOptions, discarded, type Letters, requeued } from './again.ts'
import { readDeadRecord } from './read.ts'
import type { DeadTopic } from './topics.ts'

/** Any number that others do not use (PostgreSQL, "Advisory Locks"). */
const LOCK = 0x6d696c72
/** Of the log, looked through before it is committed how far that was. */
const MAX_SCAN_BYTES = 64 * 2 ** 20
const PAGE_BYTES = 2 ** 20
/** Carried out in one transaction. */
const MAX_DECISIONS = 64
const MAX_APPEND_BYTES = 4 * 2 ** 20

export interface CarryOutOptions extends AgainOptions {
  readonly database: Database
  readonly log: Pick<EventLog, 'id' | 'bounds' | 'read' | 'append'>
  readonly topics: readonly DeadTopic[]
  readonly warn: (message: string) => void
}

interface Pending {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly cause: string
  readonly code: string
  readonly stage: string
  readonly rows: readonly number[] | null
  readonly state: DeadLetterState
  readonly rawPartition: number
  readonly from: number
}

/** @returns whether there may be more to do @throws as `Database.transaction` and the log */
export async function carryOut(options: CarryOutOptions): Promise<boolean> {
  return options.database.transaction(async (transaction) => {
    const [{ mine }] = await transaction.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
      LOCK,
    ])
    if (!mine) return false
    const [first] = await pending(options, transaction, 1)
    if (first === undefined) return false
    // What is there already, of this partition: appended by somebody who could not say so any more.
    const upTo = await lookBack(options, transaction, first.rawPartition)
    if (upTo !== null) {
      const decisions = await pending(options, transaction, MAX_DECISIONS, first.rawPartition)
      await append(options, transaction, decisions)
    }
    return true
  })
}

async function pending(
  { log }: CarryOutOptions,
  transaction: Transaction,
  limit: number,
  rawPartition: number | null = null,
): Promise<Pending[]> {
  return transaction.query<Pending>(
    `select id, topic, partition, "offset", cause, code, stage, rows, state, raw_partition as "rawPartition",
       pending_from as "from"
     from dead_letters where log = $1 and pending_from is not null and ($2::int is null or raw_partition = $2)
     order by id limit $3`,
    [log.id, rawPartition, limit],
  )
}

const ID = `topic || '/' || partition || '/' || "offset" || '/' || cause`

/** @returns the end of the partition once all of it has been looked through; `null` where there is more */
async function lookBack(options: CarryOutOptions, transaction: Transaction, partition: number): Promise<number | null> {
  const { log } = options
  const [{ from }] = await transaction.query<{ from: number }>(
    `select min(pending_from) as from from dead_letters
     where log = $1 and pending_from is not null and raw_partition = $2`,
    [log.id, partition],
  )
  const { begin, end } = await log.bounds(telemetryRaw.name, partition)
  let offset = Math.max(from, begin)
  const there: string[] = []
  for (let bytes = 0; offset < end && bytes < MAX_SCAN_BYTES; ) {
    const page = await log.read(telemetryRaw.name, partition, offset, { maxBytes: PAGE_BYTES })
    if (page.length === 0) break
    for (const record of page) {
      bytes += record.value.length
      const id = decisionIn(options, partition, record)
      if (id !== null) there.push(id)
    }
    offset = page[page.length - 1].offset + 1
  }
  await transaction.query(
    `update dead_letters set pending_from = null where log = $1 and pending_from is not null and ${ID} = any ($2)`,
    [log.id, there],
  )
  await transaction.query(
    `update dead_letters set pending_from = $3 where log = $1 and raw_partition = $2 and pending_from < $3`,
    [log.id, partition, offset],
  )
  return offset >= end ? end : null
}

function decisionIn(
  { log }: CarryOutOptions,
  partition: number,
  { offset, value }: { readonly offset: number; readonly value: Uint8Array },
): string | null {
  try {
    const place = { log: log.id, topic: telemetryRaw.name, partition, offset, previous: -1 }
    return telemetryRaw.codec.decode(value, place).decision?.id ?? null
  } catch {
    return null
  }
}

async function append(
  options: CarryOutOptions,
  transaction: Transaction,
  decisions: readonly Pending[],
): Promise<void> {
  const { log, warn } = options
  const records: NewRecord[] = []
  const done: number[] = []
  const impossible: number[] = []
  let bytes = 0
  for (const decision of decisions) {
    if (bytes >= MAX_APPEND_BYTES) break
    const record = await recordOf(options, decision).catch((error: Error) => {
      if (error instanceof TransientError) throw error
      const { topic, partition, offset, stage } = decision
      warn(
        `dead letters of ${topic}/${partition}@${offset} stay open, ${stage} cannot treat them again: ${error.message}`,
      )
      return null
    })
    if (record === null) {
      impossible.push(decision.id)
      continue
    }
    records.push(record)
    done.push(decision.id)
    bytes += record.value.length
  }
  if (records.length > 0) await log.append(records)
  await transaction.query('update dead_letters set pending_from = null where id = any ($1)', [done])
  await transaction.query(
    `update dead_letters set pending_from = null, decided_at = null, state = 'open' where id = any ($1)`,
    [impossible],
  )
}

/** @throws Error where it cannot be done any more */
async function recordOf(options: CarryOutOptions, decision: Pending): Promise<NewRecord> {
  const { log, topics, schemaId } = options
  const { topic, partition, offset, cause, stage, code } = decision
  const read = await readDeadRecord(log, topics, decision)
  if (read === null) throw new Error(`${topic}.dlq does not have them any more`)
  const { batch } = read
  const rows = decision.rows ?? Array.from({ length: batch.eventCount }, (_, row) => row)
  const letters: Letters = { batch, rows, stage, code }
  const passing: Batch = decision.state === 'requeued' ? await requeued(options, letters) : discarded(letters)
  const nowMs = Date.now()
  const value = rawRecordCodec.encode(
    {
      ...{ projectId: batch.projectId, signal: batch.signal, receivedAt: nowMs * 1000, exports: [] },
      decision: {
        id: `${topic}/${partition}/${offset}/${cause}`,
        batch: eventBatchCodec.encode(passing, schemaId(telemetryNormalized.name)),
      },
    },
    schemaId(telemetryRaw.name),
  )
  return { topic: telemetryRaw.name, partition: decision.rawPartition, value, timestamp: nowMs }
}
