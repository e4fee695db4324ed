/** What is pending, into PostgreSQL: rows and positions in one transaction, or nothing. */
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { Database, Transaction } from '#pipeline/postgres/database.ts'
import { copyText } from './copy_text.ts'
import type { Advance, Pending } from './pending.ts'
import { upsertOf } from './statements.ts'

/** The name all generations' positions stand under. */
export const SINK = 'postgres'

export interface Target {
  readonly generation: number
  /** True where the writer was to write the live generation, whichever that is. */
  readonly live: boolean
}

/** How far a partition has come in PostgreSQL. */
export interface SinkPosition {
  readonly log: string
  readonly topic: string
  readonly partition: number
  readonly reached: number
}

/**
 * Waits for transactions that may still change them: of a writer whose connection broke, or of one that went before.
 * @throws as `Connection.query`
 */
export async function readPositions(database: Database, generation: number): Promise<readonly SinkPosition[]> {
  return database.query<SinkPosition>(
    'select log, topic, partition, reached from sink_positions where sink = $1 and generation = $2 for share',
    [SINK, generation],
  )
}

/**
 * Positions come first: of two writers at the same place the second waits there, and then finds that it has lost, before
 * it has written anything.
 * @throws TransientError where PostgreSQL failed, where another writer moved a position, or another generation is live:
 *   opening the sink again finds where it stands. After a lost connection nobody knows whether it was stored.
 * @throws OperatorError where the generation is gone
 */
export async function store(database: Database, target: Target, pending: Pending): Promise<void> {
  await database.transaction(async (transaction) => {
    await hold(transaction, target)
    const advances = [...pending.advances.values()].sort((a, b) => a.partition - b.partition)
    for (const advance of advances) await move(transaction, target.generation, advance)
    for (const [projection, fold] of pending.folds) {
      if (fold.size === 0) continue
      const { prepare, copy, merge } = upsertOf(projection, target.generation)
      await transaction.query(prepare)
      await transaction.copy(copy, copyText(projection.columns, fold.rows()))
      await transaction.query(merge)
    }
  })
}

/** Keeps the generation from being swapped or dropped while we write to it. */
async function hold(transaction: Transaction, { generation, live }: Target): Promise<void> {
  const [found] = await transaction.query(
    live
      ? 'select 1 from generations where live and coalesce(projections, generation) = $1 for share'
      : `select 1 from generations where generation = $1 and state <> 'discarded' for share`,
    [generation],
  )
  if (found !== undefined) return
  if (live) throw new TransientError(`the tables of generation ${generation} are not the live ones any more`)
  throw new OperatorError(`generation ${generation} of the projections has been dropped`)
}

async function move(transaction: Transaction, generation: number, advance: Advance): Promise<void> {
  const { log, topic, partition, from, to } = advance
  const place = [SINK, generation, topic, partition, log, to]
  const moved =
    from === null
      ? await transaction.query(
          `insert into sink_positions (sink, generation, topic, partition, log, reached) values ($1, $2, $3, $4, $5, $6)
          on conflict do nothing returning reached`,
          place,
        )
      : await transaction.query(
          `update sink_positions set reached = $6
          where sink = $1 and generation = $2 and topic = $3 and partition = $4 and log = $5 and reached = $7
          returning reached`,
          [...place, from],
        )
  if (moved.length === 1) return
  throw new TransientError(
    `another writer has moved the position of ${topic}/${partition} in PostgreSQL, which was ${from ?? 'none'}`,
  )
}
