/** The catalogue of generations: the rows a replay is steered by, and how far its part of the lake has come. */
import { OperatorError } from '#pipeline/errors/errors.ts'
import type { Connection, Database } from '#pipeline/postgres/database.ts'
import type { BeginWith, Comparison, Generation, GenerationState, ReplayProgress } from '#schemas/replays.ts'
import { createTables, definitionOf, viewsOf } from './generations.ts'
import type { Projection } from './projection.ts'
import type { SinkPosition } from './store.ts'

/** Of the channel that tells of changed states. */
export const GENERATIONS_CHANGED = 'generations_changed'
/** States of a replay that is under way: there is one at most. */
const UNDER_WAY: readonly GenerationState[] = ['running', 'caught_up', 'flipping']
/** Held while one is begun; any number that others do not use. */
const START_LOCK = 0x7265706c

const SHOWN = `generation, state, reason, coalesce(lake, generation) as lake, coalesce(projections, generation) as projections,
  begin_with as "beginWith", begin_offsets as "beginOffsets", carried_to as "carriedTo", stages, progress, comparison, created_at as "createdAt",
  live_at as "liveAt", retired_at as "retiredAt", compare_asked_at as "compareAskedAt", size_bytes as "sizeBytes"`

export interface CataloguedGeneration extends Generation {
  /** By partition, the first raw offset that its own lake was filled from; `null` for what no replay made. */
  readonly beginOffsets: readonly number[] | null
  /** By partition, the origin up to which the live lake stood when rows before those offsets were to be carried over. */
  readonly carriedTo: readonly number[] | null
  readonly compareAskedAt: Date | null
}

/** All whose storage may still be there, newest first. @throws as `Connection.query` */
export async function listCatalogue(connection: Connection): Promise<readonly CataloguedGeneration[]> {
  return connection.query<CataloguedGeneration>(
    `select ${SHOWN} from generations where state <> 'discarded' order by generation desc`,
  )
}

/** @throws OperatorError where there is none of that number, or no more */
export async function getGeneration(connection: Connection, generation: number): Promise<CataloguedGeneration> {
  const [found] = await connection.query<CataloguedGeneration>(
    `select ${SHOWN} from generations where generation = $1 and state <> 'discarded'`,
    [generation],
  )
  if (found === undefined) throw new OperatorError(`there is no generation ${generation}`)
  return found
}

/** The number of the live lake; 1 before anything is stored. */
export async function readLiveLake(connection: Connection): Promise<number> {
  const [live] = await connection.query<{ lake: number }>(
    'select coalesce(lake, generation) as lake from generations where live',
  )
  return live?.lake ?? 1
}

export interface NewGeneration {
  readonly beginWith: BeginWith
  readonly beginOffsets: readonly number[]
  readonly carriedTo: readonly number[] | null
  readonly stages: string
  /** False: it goes on with the live projections, which a replay from the middle cannot make. */
  readonly withProjections: boolean
}

/**
 * Adds a generation, running.
 * @throws OperatorError where another replay is under way, or nothing is live yet
 */
export async function addGeneration(
  database: Database,
  projections: readonly Projection[],
  { beginWith, beginOffsets, carriedTo, stages, withProjections }: NewGeneration,
): Promise<CataloguedGeneration> {
  const generation = await database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [START_LOCK])
    const [other] = await transaction.query<{ generation: number }>(
      'select generation from generations where state = any($1)',
      [UNDER_WAY],
    )
    if (other !== undefined) {
      throw new OperatorError(
        `the replay of generation ${other.generation} is under way: flip to it or discard it before starting another`,
      )
    }
    const [live] = await transaction.query<{ tables: number; definition: string; views: string }>(
      'select coalesce(projections, generation) as tables, definition, views from generations where live',
    )
    if (live === undefined) throw new OperatorError('nothing is stored yet: there is nothing to build anew')
    const own = { tables: null, definition: definitionOf(projections), views: viewsOf(projections) }
    const { tables, definition, views } = withProjections ? own : live
    const [made] = await transaction.query<{ generation: number }>(
      `insert into generations (definition, views, projections, begin_with, begin_offsets, carried_to, stages)
      values ($1, $2, $3, $4, $5, $6, $7) returning generation`,
      [
        ...[definition, views, tables, JSON.stringify(beginWith), JSON.stringify(beginOffsets)],
        ...[carriedTo === null ? null : JSON.stringify(carriedTo), stages],
      ],
    )
    if (withProjections) await createTables(transaction, projections, made.generation)
    return made.generation
  })
  return getGeneration(database, generation)
}

/**
 * Moves a generation on from one of these states.
 * @param reason why, where it needs one
 * @returns false where it is in another state by now
 */
export async function moveGeneration(
  connection: Connection,
  generation: number,
  from: readonly GenerationState[],
  to: GenerationState,
  reason: string | null = null,
): Promise<boolean> {
  const moved = await connection.query(
    'update generations set state = $3, reason = $4 where generation = $1 and state = any($2) returning generation',
    [generation, from, to, reason],
  )
  return moved.length === 1
}

export async function saveProgress(
  connection: Connection,
  generation: number,
  progress: ReplayProgress,
): Promise<void> {
  await connection.query('update generations set progress = $2 where generation = $1', [
    generation,
    JSON.stringify(progress),
  ])
}

export async function askComparison(connection: Connection, generation: number): Promise<void> {
  await connection.query('update generations set compare_asked_at = now(), reason = null where generation = $1', [
    generation,
  ])
}

/** @param comparison `null`: it could not be made, for this reason */
export async function saveComparison(
  connection: Connection,
  generation: number,
  comparison: Comparison | null,
  reason: string | null = null,
): Promise<void> {
  await connection.query(
    `update generations set comparison = coalesce($2, comparison), reason = coalesce($3, reason), compare_asked_at = null
    where generation = $1`,
    [generation, comparison === null ? null : JSON.stringify(comparison), reason],
  )
}

export async function saveSize(connection: Connection, generation: number, sizeBytes: number): Promise<void> {
  await connection.query('update generations set size_bytes = $2 where generation = $1', [generation, sizeBytes])
}

/** How far a sink's part of a generation has come, by partition of the source. */
export async function readReached(
  connection: Connection,
  sink: string,
  generation: number,
  log: string,
): Promise<ReadonlyMap<number, number>> {
  const found = await connection.query<SinkPosition>(
    'select log, topic, partition, reached from sink_positions where sink = $1 and generation = $2 and log = $3',
    [sink, generation, log],
  )
  return new Map(found.map(({ partition, reached }) => [partition, reached]))
}

/** Says how far a sink that keeps its own account has come, for who begins it again. It never goes back. */
export async function saveReached(
  connection: Connection,
  sink: string,
  generation: number,
  positions: readonly SinkPosition[],
): Promise<void> {
  for (const { log, topic, partition, reached } of positions) {
    await connection.query(
      `insert into sink_positions as stored (sink, generation, topic, partition, log, reached) values ($1, $2, $3, $4, $5, $6)
      on conflict (sink, generation, topic, partition) do update set
        log = excluded.log,
        reached = case when stored.log = excluded.log then greatest(stored.reached, excluded.reached) else excluded.reached end`,
      [sink, generation, topic, partition, log, reached],
    )
  }
}
