/**
 * A statement's views, each over the files its reference needs and its part of the tail. The files stay readable until
 * the statement is done.
 */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import type { ProjectInstance } from './instance.ts'
import type { PlannedReference, StatementPlan } from './plan.ts'
import { type KnownBound, pruneFiles } from './prune.ts'
import { eventsSince } from './since.ts'
import type { LakeFile, LakeFiles } from './snapshot.ts'
import type { TailView } from './tail.ts'
import { createViewSql } from './view.ts'

export interface BindTo {
  readonly connection: DuckDBConnection
  readonly instance: ProjectInstance
  readonly lake: LakeFiles
  readonly signal: AbortSignal
}

/** A reference, the files it needs, and from when on (microseconds) where the statement asks for the newest events. */
interface Bound {
  readonly planned: PlannedReference
  readonly files: readonly LakeFile[]
  readonly since?: number
}

/** Makes each reference's view. @returns how to let go of files and tail */
export async function bindViews(
  to: BindTo,
  plan: StatementPlan,
  view: TailView,
  params: DuckDBValue[],
): Promise<() => void> {
  const bounds: Bound[] = []
  for (const planned of plan.references) {
    const { files } = view.snapshots.get(planned.reference.table.name)!
    bounds.push({ planned, files: pruneFiles(files, await knownBounds(to.connection, planned)) })
  }
  const { thresholdSql } = plan
  if (thresholdSql === null) return await bind(to, plan, view, bounds)
  return await bind(to, plan, view, [await newestOnly(to, plan, view, bounds[0], thresholdSql, params)])
}

/** All files at once: who held some while waiting for more could wait for another statement that does the same. */
async function bind(to: BindTo, plan: StatementPlan, view: TailView, bounds: readonly Bound[]): Promise<() => void> {
  const { connection, instance, lake, signal } = to
  const held = await lake.hold(
    bounds.flatMap(({ files }) => files),
    signal,
  )
  const scans: { release(): void }[] = []
  const release = () => {
    for (const scan of scans) scan.release()
    held.release()
  }
  try {
    let taken = 0
    for (const { planned, files, since } of bounds) {
      const { table, view: name, needsStored } = planned.reference
      const all = view.batches.get(table.name)!
      const scan = instance.addScan({ table, batches: since === undefined ? all : eventsSince(all, since) })
      scans.push(scan)
      const paths = held.paths.slice(taken, taken + files.length)
      taken += files.length
      const source = { table, paths, tail: scan.number, withStored: needsStored, only: plan.columns, since }
      await connection.run(createViewSql(name, source))
    }
    return release
  } catch (cause) {
    release()
    throw cause
  }
}

/** Files looked into first for the newest events; then four times as many, and so on. */
const FIRST_FILES = 4

/**
 * Finds a time since when there are enough events, and the files that hold any since. The newest files come first: where
 * they have enough, older ones are never opened, nor fetched.
 */
async function newestOnly(
  to: BindTo,
  plan: StatementPlan,
  view: TailView,
  { planned, files }: Bound,
  thresholdSql: string,
  params: DuckDBValue[],
): Promise<Bound> {
  const newestFirst = [...files].sort((a, b) => latest(b) - latest(a))
  for (let count = FIRST_FILES; ; count *= 4) {
    const release = await bind(to, plan, view, [{ planned, files: newestFirst.slice(0, count) }])
    const since = await threshold(to.connection, thresholdSql, params).finally(release)
    // Enough events are at least as new as this: what is older is not asked for, whichever file it is in.
    if (since !== null) {
      return { planned, files: pruneFiles(files, [{ column: 'timestamp', comparator: '>=', value: since }]), since }
    }
    if (count >= newestFirst.length) return { planned, files }
  }
}

/** Microseconds; a file whose statistics do not tell may hold anything. */
function latest({ maxTimestamp }: LakeFile): number {
  return maxTimestamp ?? Number.POSITIVE_INFINITY
}

async function threshold(connection: DuckDBConnection, sql: string, params: DuckDBValue[]): Promise<number | null> {
  const [row] = (await connection.runAndReadAll(sql, params)).getRows()
  return row === undefined ? null : Number(row[0])
}

async function knownBounds(connection: DuckDBConnection, planned: PlannedReference): Promise<readonly KnownBound[]> {
  const values = await evaluate(connection, planned.boundsSql)
  return planned.bounds.flatMap(({ column, comparator }, at): KnownBound[] => {
    const value = values[at]
    if (typeof value !== 'string') return []
    return [{ column: column.name, comparator, value: column.type === 'timestamptz' ? Number(value) : value }]
  })
}

/** The values of a bound's expressions. What fails here fails in the statement too, where it is said properly. */
async function evaluate(connection: DuckDBConnection, sql: string | null): Promise<readonly DuckDBValue[]> {
  if (sql === null) return []
  try {
    return (await connection.runAndReadAll(sql)).getRows()[0]
  } catch {
    return []
  }
}
