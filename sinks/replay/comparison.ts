/** Compares a generation that is being filled with the live one, of the same moment on both sides. */
import { setTimeout as delay } from 'node:timers/promises'
import { logByte } from '#pipeline/batch/event_id.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { EventLog, Position } from '#pipeline/log/log.ts'
import type { Connection, Database } from '#pipeline/postgres/database.ts'
import type { Replay } from '#pipeline/replay/replay.ts'
import type { Comparison, DayComparison, RowDifference } from '#schemas/replays.ts'
import { compareTables } from '../lake/generations/compare.ts'
import { createTableScanner, receivedBeforeSql } from '../lake/generations/duckdb.ts'
import type { LakeStorage } from '../lake/generations/storage.ts'
import { lakeGroup } from '../lake/paths.ts'
import { type CataloguedGeneration, listCatalogue, readReached } from '../postgres/catalogue.ts'
import { compareProjections } from '../postgres/compare_projections.ts'
import type { Projection } from '../postgres/projection.ts'
import { SINK } from '../postgres/store.ts'

export interface ComparisonOptions {
  readonly database: Database
  readonly log: Pick<EventLog, 'id' | 'positions'>
  readonly storage: LakeStorage
  readonly projections: readonly Projection[]
  readonly replay: Replay
  readonly generation: CataloguedGeneration
}

/** How long what is live may take to come as far as the new ones were at the beginning. */
const PASS_MS = 20_000
/** How long they are held back at most, where the new ones do not come as far. */
const HOLD_MS = 15_000
/** A machine that is busy with other things has moments when it gets on. */
const TRIES = 3
const LOOK_MS = 20

interface Found {
  readonly days: readonly DayComparison[]
  readonly differences: readonly RowDifference[]
}

/** @throws TransientError where one side is away, or does not get on */
export async function compareGenerations(options: ComparisonOptions): Promise<Comparison> {
  const { generation } = options
  const live = (await listCatalogue(options.database)).find(({ state }) => state === 'live')
  if (live === undefined) throw new TransientError('there is no live generation to compare with')
  const found: Found[] = []
  if (generation.lake !== live.lake) found.push(await compareLakes(options, live.lake))
  if (generation.projections !== live.projections) found.push(await compareProjectionsOf(options, live.projections))
  return {
    comparedAt: new Date().toISOString(),
    days: found.flatMap(({ days }) => days),
    differences: found.flatMap(({ differences }) => differences),
  }
}

/** Rows of what lies before the live group's positions: the new lake is brought past them first. */
async function compareLakes({ log, storage, replay, generation }: ComparisonOptions, liveLake: number): Promise<Found> {
  const partitions = generation.beginOffsets ?? []
  const reached = async () => originsIn(await log.positions(lakeGroup(liveLake)), partitions)
  // Of what came lately the live lake may have stored nothing yet; of many tables it does so every few minutes only.
  const stands = (await replay.progress()).partitions.map(({ at }) => at - 1)
  const isPast = async () => (await reached()).every((origin, partition) => origin >= stands[partition])
  await until(PASS_MS, isPast).catch(() => {})
  const origins = await reached()
  await replay.reach(origins)
  const condition = receivedBeforeSql(
    logByte(log.id),
    origins.map((origin) => origin + 1),
  )
  const scanner = await createTableScanner()
  try {
    const days: DayComparison[] = []
    const differences: RowDifference[] = []
    const others = await storage.tables(generation.lake)
    for (const [at, table] of (await storage.tables(liveLake)).entries()) {
      const compared = await compareTables(storage, scanner, table, others[at], condition)
      days.push(...compared.days)
      differences.push(...compared.differences)
    }
    return { days, differences }
  } finally {
    await scanner.close()
  }
}

/** @throws TransientError as `compareHeld`, the last time */
async function compareProjectionsOf(options: ComparisonOptions, live: number): Promise<Found> {
  for (let tries = 1; ; tries++) {
    try {
      return await compareHeld(options, live)
    } catch (error) {
      if (!(error instanceof TransientError) || tries === TRIES) throw error
    }
  }
}

/**
 * Projections are sums, which cannot be compared up to a place. So the new ones stop, the live ones pass them, are held
 * where they are, the new ones are brought there, too, and then both stand at the same place.
 */
async function compareHeld(
  { database, log, projections, replay, generation }: ComparisonOptions,
  live: number,
): Promise<Found> {
  const own = generation.projections
  const reachedOf = (connection: Connection, tables: number) => readReached(connection, SINK, tables, log.id)
  try {
    const stands = (await replay.progress()).partitions.map(({ at }) => at - 1)
    replay.hold(stands)
    await until(PASS_MS, async () => {
      const reached = await reachedOf(database, live)
      return stands.every((origin, partition) => (reached.get(partition) ?? -1) >= origin)
    })
    return await database.transaction(async (transaction) => {
      await transaction.query('select generation from generations where live for update')
      const reached = await reachedOf(transaction, live)
      const targets = stands.map((_, partition) => reached.get(partition) ?? -1)
      replay.hold(targets)
      await replay.reach(targets)
      await until(HOLD_MS, async () => {
        const now = await reachedOf(transaction, own)
        return targets.every((origin, partition) => (now.get(partition) ?? -1) === origin)
      })
      return compareProjections(transaction, projections, live, own)
    })
  } finally {
    replay.hold(null)
  }
}

async function until(timeMs: number, condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + timeMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs)
      throw new TransientError('the projections do not come to the same place: try again')
    await delay(LOOK_MS)
  }
}

/** By source partition, the origin up to which everything lies before these positions; -1 where nothing does. */
export function originsIn(positions: readonly Position[], partitions: readonly unknown[]): number[] {
  return partitions.map((_, partition) => Math.max(-1, ...positions.map(({ reached }) => reached[partition] ?? -1)))
}
