/**
 * Generations: sets of projections' tables beside each other, one of them live. A new one is built from the log while
 * readers stay with the old, is compared, and becomes the live one in a transaction. Readers use views over the live one.
 */
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

/** Any number that others do not use: held while the first generation is made. */
const LOCK = 0x70726f6a

export async function listGenerations(connection: Connection): Promise<readonly Generation[]> {
  return connection.query<Generation>(
    'select generation, live, created_at as "createdAt" from generations order by generation',
  )
}

/**
 * Makes sure that there is a live generation and that its views are those of this version; processes that start together
 * take turns.
 * @returns its number
 * @throws OperatorError where its tables are another version's
 */
export async function prepareProjections(database: Database, projections: readonly Projection[]): Promise<number> {
  return database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [LOCK])
    const [live] = await transaction.query<StoredGeneration>('select * from generations where live')
    if (live === undefined) {
      const first = await create(transaction, projections)
      await makeLive(transaction, projections, first)
      return first
    }
    checkDefinition(live, projections)
    if (live.views !== viewsOf(projections)) await makeLive(transaction, projections, live.generation)
    return live.generation
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
  await checkGeneration(connection, projections, generation)
  const [live] = await connection.query<StoredGeneration>('select * from generations where live')
  const compared: Comparison[] = []
  for (const { name } of projections) {
    const known = live !== undefined && projectionsIn(live).includes(name)
    const liveRows = known ? await count(connection, tableName(name, live.generation)) : 0
    compared.push({ projection: name, liveRows, rows: await count(connection, tableName(name, generation)) })
  }
  return compared
}

/**
 * Makes a generation the live one. Who writes the live one opens anew and goes on in this one.
 * @throws TransientError where it has not come as far as the live one: it goes on, and then this may be tried again
 * @throws OperatorError as `checkGeneration`, and where views of others use columns that it does not have
 */
export async function swapGeneration(
  database: Database,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  await database.transaction(async (transaction) => {
    // Waits for flushes under way and holds back those to come: the positions cannot move meanwhile.
    await transaction.query('select generation from generations order by generation for update')
    checkDefinition(await find(transaction, generation), projections)
    await checkPassed(transaction, generation)
    await makeLive(transaction, projections, generation)
  })
}

/** @throws OperatorError where it is the live one, or there is none */
export async function dropGeneration(database: Database, generation: number): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query('select generation from generations where generation = $1 for update', [generation])
    const found = await find(transaction, generation)
    if (found.live) {
      throw new OperatorError(`generation ${generation} is the live one: swap to another before dropping it`)
    }
    for (const name of projectionsIn(found)) {
      await transaction.query(`drop table if exists ${tableName(name, generation)}`)
    }
    await transaction.query('delete from generations where generation = $1', [generation])
  })
}

interface StoredGeneration {
  readonly generation: number
  readonly live: boolean
  readonly definition: string
  readonly views: string
}

function definitionOf(projections: readonly Projection[]): string {
  return JSON.stringify(projections.map(({ name, columns, key }) => ({ name, columns, key })))
}

function projectionsIn({ definition }: StoredGeneration): readonly string[] {
  return (JSON.parse(definition) as { name: string }[]).map(({ name }) => name)
}

function viewsIn({ views }: StoredGeneration): readonly string[] {
  return (JSON.parse(views) as [name: string, sql: string][][]).flat().map(([name]) => name)
}

/** The views as this version makes them, whatever the generation. */
function viewsOf(projections: readonly Projection[]): string {
  return JSON.stringify(projections.map(({ views }) => Object.entries(views).map(([name, sql]) => [name, sql(String)])))
}

function checkDefinition(found: StoredGeneration, projections: readonly Projection[]): void {
  if (found.definition === definitionOf(projections)) return
  throw new OperatorError(
    `the projections in PostgreSQL (generation ${found.generation}) are of another version of millrace: use that version, or another database; there is no command yet that builds them anew`,
  )
}

async function find(connection: Connection, generation: number): Promise<StoredGeneration> {
  const [found] = await connection.query<StoredGeneration>('select * from generations where generation = $1', [
    generation,
  ])
  if (found === undefined) throw new OperatorError(`there is no generation ${generation} of the projections`)
  return found
}

async function create(transaction: Transaction, projections: readonly Projection[]): Promise<number> {
  const [{ generation }] = await transaction.query<{ generation: number }>(
    'insert into generations (definition, views) values ($1, $2) returning generation',
    [definitionOf(projections), viewsOf(projections)],
  )
  for (const projection of projections) await transaction.query(createTable(projection, generation))
  return generation
}

/** In both generations in the same log, the one must have come as far as the other. */
async function checkPassed(transaction: Transaction, generation: number): Promise<void> {
  const behind = await transaction.query<SinkPosition & { readonly at: number | null }>(
    `select live.*, next.reached as at
    from sink_positions as live join generations on generations.generation = live.generation and generations.live
    left join sink_positions as next
      on next.sink = live.sink and next.generation = $2 and next.topic = live.topic and next.partition = live.partition
    where live.sink = $1 and (next.reached is null or (next.log = live.log and next.reached < live.reached))`,
    [SINK, generation],
  )
  if (behind.length === 0) return
  const [{ topic, partition, reached, at }] = behind
  throw new TransientError(
    `generation ${generation} stands at origin ${at ?? 'none'} of ${topic}/${partition}, the live one at ${reached}: let it go on`,
  )
}

async function makeLive(
  transaction: Transaction,
  projections: readonly Projection[],
  generation: number,
): Promise<void> {
  const [before] = await transaction.query<StoredGeneration>('select * from generations where live')
  const names = new Set(projections.flatMap(({ views }) => Object.keys(views)))
  for (const name of before === undefined ? [] : viewsIn(before)) {
    if (!names.has(name)) await dropView(transaction, name)
  }
  for (const { views } of projections) {
    for (const [name, sql] of Object.entries(views)) {
      await replaceView(
        transaction,
        name,
        sql((projection) => tableName(projection, generation)),
      )
    }
  }
  await transaction.query('update generations set live = false where live and generation <> $1', [generation])
  await transaction.query('update generations set live = true, views = $2 where generation = $1', [
    generation,
    viewsOf(projections),
  ])
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
