/**
 * Generations: sets of projections' tables beside each other, one of them live. A new one is built from the log while
 * readers stay with the old, is compared, and becomes the live one in a transaction. Readers use views over the live one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { Connection, Database, Transaction } from '#pipeline/postgres/database.ts'
import type { Projection } from './projection.ts'
import { createTable, tableName } from './statements.ts'
import { SINK, type SinkPosition } from './store.ts'

export interface Generation {
  readonly generation: number
  readonly live: boolean
  readonly createdAt: Date
}

const LOOK_MS = 20

/** Any number that others do not use: held while the first generation is made. */
const LOCK = 0x70726f6a

export async function listGenerations(connection: Connection): Promise<readonly Generation[]> {
  return connection.query<Generation>(
    `select generation, live, created_at as "createdAt" from generations where state <> 'discarded' order by generation`,
  )
}

/**
 * Makes sure that there is a live generation and that its views are those of this version; processes that start together
 * take turns.
 * @returns the number its tables have
 * @throws OperatorError where its tables are another version's
 */
export async function prepareProjections(database: Database, projections: readonly Projection[]): Promise<number> {
  return database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [LOCK])
    const [live] = await transaction.query<StoredGeneration>('select * from generations where live')
    if (live === undefined) {
      const first = await create(transaction, projections)
      await transaction.query('update generations set lake = 1 where generation = $1', [first])
      await makeLive(transaction, projections, first)
      return first
    }
    checkDefinition(live, projections)
    if (live.views !== viewsOf(projections)) await makeLive(transaction, projections, live.generation)
    return tablesOf(live)
  })
}

/** Makes a generation's tables, empty. @returns its number */
export async function createGeneration(database: Database, projections: readonly Projection[]): Promise<number> {
  return database.transaction((transaction) => create(transaction, projections))
}

/** @throws OperatorError where there is no such generation, or its tables are another version's */
export async function checkGeneration(
  connection: Connection,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  checkDefinition(await find(connection, generation), projections)
}

/** True where the live tables are what these projections write. */
export async function areLive(connection: Connection, projections: readonly Projection[]): Promise<boolean> {
  const [live] = await connection.query<StoredGeneration>('select * from generations where live')
  return live?.definition === definitionOf(projections)
}

export interface Comparison {
  readonly projection: string
  readonly liveRows: number
  readonly rows: number
}

/** Rows of each projection, in the live generation and in another. @throws OperatorError as `checkGeneration` */
export async function compareGeneration(
  connection: Connection,
  projections: readonly Projection[],
  generation: number,
): Promise<readonly Comparison[]> {
  const next = await find(connection, generation)
  checkDefinition(next, projections)
  const [live] = await connection.query<StoredGeneration>('select * from generations where live')
  const compared: Comparison[] = []
  for (const { name } of projections) {
    const known = live !== undefined && projectionsIn(live).includes(name)
    const liveRows = known ? await count(connection, tableName(name, tablesOf(live))) : 0
    compared.push({ projection: name, liveRows, rows: await count(connection, tableName(name, tablesOf(next))) })
  }
  return compared
}

/**
 * Makes a generation the live one. Who writes the live one opens anew and goes on in this one.
 * @param waitMs how long to wait for it to come as far as the live one, which nobody brings further meanwhile
 * @throws TransientError where it has not: it goes on, and then this may be tried again
 * @throws OperatorError as `checkGeneration`, and where views of others use columns that it does not have
 */
export async function swapGeneration(
  database: Database,
  projections: readonly Projection[],
  generation: number,
  waitMs = 0,
): Promise<void> {
  await database.transaction(async (transaction) => {
    // Waits for flushes of the live one under way and holds back those to come; the other is still written to.
    await transaction.query('select generation from generations where live for update')
    const next = await find(transaction, generation)
    checkDefinition(next, projections)
    await passed(transaction, next, performance.now() + waitMs)
    await transaction.query('select generation from generations where generation = $1 for update', [generation])
    await makeLive(transaction, projections, generation)
  })
}

/**
 * Takes a generation's tables away, unless another goes on with them.
 * @throws OperatorError where it is the live one, or there is none
 */
export async function dropGeneration(database: Database, generation: number): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query('select generation from generations where generation = $1 for update', [generation])
    const found = await find(transaction, generation)
    if (found.live) {
      throw new OperatorError(`generation ${generation} is the live one: flip to another before discarding it`)
    }
    await transaction.query(`update generations set state = 'discarded' where generation = $1`, [generation])
    const tables = tablesOf(found)
    const [user] = await transaction.query(
      `select 1 from generations where state <> 'discarded' and coalesce(projections, generation) = $1`,
      [tables],
    )
    if (user === undefined) {
      for (const name of projectionsIn(found)) {
        await transaction.query(`drop table if exists ${tableName(name, tables)}`)
      }
      await transaction.query('delete from sink_positions where sink = $1 and generation = $2', [SINK, tables])
    }
  })
}

interface StoredGeneration {
  readonly generation: number
  /** The number its tables have; its own where `null`. */
  readonly projections: number | null
  readonly live: boolean
  readonly definition: string
  readonly views: string
}

function tablesOf({ generation, projections }: StoredGeneration): number {
  return projections ?? generation
}

/** What the tables are, as text. */
export function definitionOf(projections: readonly Projection[]): string {
  return JSON.stringify(projections.map(({ name, columns, key }) => ({ name, columns, key })))
}

function projectionsIn({ definition }: StoredGeneration): readonly string[] {
  return (JSON.parse(definition) as { name: string }[]).map(({ name }) => name)
}

function viewsIn({ views }: StoredGeneration): readonly string[] {
  return (JSON.parse(views) as [name: string, sql: string][][]).flat().map(([name]) => name)
}

/** The views as this version makes them, whatever the generation. */
export function viewsOf(projections: readonly Projection[]): string {
  return JSON.stringify(projections.map(({ views }) => Object.entries(views).map(([name, sql]) => [name, sql(String)])))
}

function checkDefinition(found: StoredGeneration, projections: readonly Projection[]): void {
  if (found.definition === definitionOf(projections)) return
  throw new OperatorError(
    `the projections in PostgreSQL (generation ${found.generation}) are of another version of millrace: use that version, or build them anew with: millrace replay start --from beginning`,
  )
}

async function find(connection: Connection, generation: number): Promise<StoredGeneration> {
  const [found] = await connection.query<StoredGeneration>(
    `select * from generations where generation = $1 and state <> 'discarded'`,
    [generation],
  )
  if (found === undefined) throw new OperatorError(`there is no generation ${generation}`)
  return found
}

async function create(transaction: Transaction, projections: readonly Projection[]): Promise<number> {
  const [{ generation }] = await transaction.query<{ generation: number }>(
    'insert into generations (definition, views) values ($1, $2) returning generation',
    [definitionOf(projections), viewsOf(projections)],
  )
  await createTables(transaction, projections, generation)
  return generation
}

/** Empty ones, under the generation's own number. */
export async function createTables(
  transaction: Transaction,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  for (const projection of projections) await transaction.query(createTable(projection, generation))
}

/** In both generations in the same log, the one must have come as far as the other. @param deadlineMs to wait until */
async function passed(transaction: Transaction, next: StoredGeneration, deadlineMs: number): Promise<void> {
  for (;;) {
    const behind = await transaction.query<SinkPosition & { readonly at: number | null }>(
      `select live.*, next.reached as at
      from generations join sink_positions as live on live.generation = coalesce(projections, generations.generation)
      left join sink_positions as next
        on next.sink = live.sink and next.generation = $2 and next.topic = live.topic and next.partition = live.partition
      where generations.live and live.sink = $1
        and (next.reached is null or (next.log = live.log and next.reached < live.reached))`,
      [SINK, tablesOf(next)],
    )
    if (behind.length === 0) return
    if (performance.now() >= deadlineMs) {
      const [{ topic, partition, reached, at }] = behind
      throw new TransientError(
        `generation ${next.generation} stands at origin ${at ?? 'none'} of ${topic}/${partition}, the live one at ${reached}: let it go on`,
      )
    }
    await delay(LOOK_MS)
  }
}

async function makeLive(
  transaction: Transaction,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  const [before] = await transaction.query<StoredGeneration>('select * from generations where live')
  const tables = tablesOf(await find(transaction, generation))
  const names = new Set(projections.flatMap(({ views }) => Object.keys(views)))
  for (const name of before === undefined ? [] : viewsIn(before)) {
    if (!names.has(name)) await dropView(transaction, name)
  }
  for (const { views } of projections) {
    for (const [name, sql] of Object.entries(views)) {
      await replaceView(
        transaction,
        name,
        sql((projection) => tableName(projection, tables)),
      )
    }
  }
  await transaction.query(
    `update generations set state = 'retired', retired_at = now() where live and generation <> $1`,
    [generation],
  )
  await transaction.query(
    `update generations set state = 'live', reason = null, live_at = coalesce(live_at, now()), views = $2 where generation = $1`,
    [generation, viewsOf(projections)],
  )
}

/** A view whose columns stay is replaced: rights to it and others' views over it stay too. */
async function replaceView(transaction: Transaction, name: string, sql: string): Promise<void> {
  await transaction.query('savepoint before_view')
  try {
    await transaction.query(`create or replace view ${name} as ${sql}`)
  } catch (error) {
    if ((error as { code?: string }).code !== INVALID_TABLE_DEFINITION) throw error
    await transaction.query('rollback to savepoint before_view')
    await dropView(transaction, name)
    await transaction.query(`create view ${name} as ${sql}`)
  }
}

/** PostgreSQL's codes (appendix A): a view cannot lose columns; something depends on it. */
const INVALID_TABLE_DEFINITION = '42P16'
const DEPENDENT_OBJECTS = '2BP01'

async function dropView(transaction: Transaction, name: string): Promise<void> {
  try {
    await transaction.query(`drop view ${name}`)
  } catch (cause) {
    if ((cause as { code?: string }).code !== DEPENDENT_OBJECTS) throw cause
    const { detail } = cause as { detail?: string }
    throw new OperatorError(`the view ${name} is to change or to go, but ${detail}: drop that first`, { cause })
  }
}

async function count(connection: Connection, table: string): Promise<number> {
  const [{ rows }] = await connection.query<{ rows: number }>(`select count(*) as rows from ${table}`)
  return rows
}
