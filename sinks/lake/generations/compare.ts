/**
 * Compares a table of two generations: rows and a hash of them for each day, and where days differ, which rows and which
 * columns. It reads file by file with bounded memory; files that both have are not read.
 */
import type { DuckDBValue } from '@duckdb/node-api'
import type { DayComparison, RowDifference } from '#schemas/replays.ts'
import type { Add } from '../delta/actions.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import type { Stats } from '../delta/stats.ts'
import { literal, quoted } from '../query/view.ts'
import { filesSql, type TableScanner } from './duckdb.ts'
import type { LakeStorage, StoredTable } from './storage.ts'

export interface TableComparison {
  readonly days: readonly DayComparison[]
  readonly differences: readonly RowDifference[]
}

/** Days of a table whose rows are looked at one by one, and rows of each that are told. */
const MAX_DAYS = 8
const EXAMPLES = 5
const MAX_TEXT = 200

interface Side {
  readonly rows: number
  readonly hash: string
}

const NOTHING: Side = { rows: 0, hash: '0' }

/**
 * @param condition SQL: the rows to compare, which both must have come to
 * @throws TransientError where a file cannot be read
 */
export async function compareTables(
  storage: LakeStorage,
  scanner: TableScanner,
  live: StoredTable,
  next: StoredTable,
  condition: string,
): Promise<TableComparison> {
  const [liveFiles, nextFiles] = await Promise.all([live, next].map(({ key }) => filesByDate(storage, key)))
  const columns = live.table.stored.map(({ name }) => name).filter((name) => name !== 'date')
  const days: DayComparison[] = []
  const differences: RowDifference[] = []
  for (const day of [...new Set([...liveFiles.keys(), ...nextFiles.keys()])].sort()) {
    const ofLive = liveFiles.get(day) ?? []
    const ofNext = nextFiles.get(day) ?? []
    const shared = sharedFiles(ofLive, ofNext)
    const own = (files: readonly Add[]) => files.filter(({ path }) => !shared.has(path))
    const held = await storage.hold([
      { key: live.key, files: own(ofLive) },
      { key: next.key, files: own(ofNext) },
    ])
    try {
      const [livePaths, nextPaths] = held.paths
      const before = await sideOf(scanner, livePaths, columns, condition)
      const after = await sideOf(scanner, nextPaths, columns, condition)
      const sharedRows = [...shared.values()].reduce((sum, rows) => sum + rows, 0)
      // Files of rows that are not compared.
      if (before.rows + after.rows + sharedRows === 0) continue
      const isEqual = before.rows === after.rows && before.hash === after.hash
      const at = { projectId: live.projectId, table: live.table.name, day }
      days.push({ ...at, liveRows: before.rows + sharedRows, rows: after.rows + sharedRows, isEqual })
      if (isEqual || differences.length >= MAX_DAYS * EXAMPLES) continue
      for (const found of await examples(scanner, livePaths, nextPaths, columns, condition)) {
        differences.push({ ...at, ...found })
      }
    } finally {
      held.release()
    }
  }
  return { days, differences }
}

async function filesByDate({ store }: LakeStorage, key: string): Promise<ReadonlyMap<string, readonly Add[]>> {
  const { files } = await loadSnapshot(store, key)
  return Map.groupBy(files.values(), ({ partitionValues }) => partitionValues.date)
}

/** Rows by path of files that were carried over as they are. */
function sharedFiles(live: readonly Add[], next: readonly Add[]): ReadonlyMap<string, number> {
  const carried = new Map(next.map((file) => [file.path, file]))
  const shared = live.filter(({ path, size }) => carried.get(path)?.size === size)
  const rowsOf = ({ stats }: Add) => (stats === undefined ? null : (JSON.parse(stats) as Stats).numRecords)
  return new Map(
    shared.flatMap((file) => {
      const rows = rowsOf(file)
      return rows === null ? [] : [[file.path, rows]]
    }),
  )
}

async function sideOf(
  scanner: TableScanner,
  paths: readonly string[],
  columns: readonly string[],
  condition: string,
): Promise<Side> {
  if (paths.length === 0) return NOTHING
  const [row] = await scanner.rows(
    `SELECT count(*) AS rows, CAST(coalesce(sum(${hashSql(columns)}), 0) AS VARCHAR) AS hash
    FROM ${filesSql(paths)} WHERE ${condition}`,
  )
  return { rows: Number(row.rows), hash: String(row.hash) }
}

async function examples(
  scanner: TableScanner,
  live: readonly string[],
  next: readonly string[],
  columns: readonly string[],
  condition: string,
): Promise<readonly Pick<RowDifference, 'id' | 'kind' | 'columns'>[]> {
  const hashes = (paths: readonly string[]) =>
    paths.length === 0
      ? 'SELECT NULL AS id, NULL AS hash WHERE false'
      : `SELECT id, ${hashSql(columns)} AS hash FROM ${filesSql(paths)} WHERE ${condition}`
  const found = await scanner.rows(
    `SELECT coalesce(live.id, next.id) AS id, live.id IS NULL AS added, next.id IS NULL AS missing
    FROM (${hashes(live)}) AS live FULL JOIN (${hashes(next)}) AS next ON live.id = next.id
    WHERE live.hash IS DISTINCT FROM next.hash ORDER BY 1 LIMIT ${EXAMPLES}`,
  )
  const differing = found.filter(({ added, missing }) => added !== true && missing !== true).map(({ id }) => String(id))
  const before = await textsOf(scanner, live, differing)
  const after = await textsOf(scanner, next, differing)
  return found.map(({ id, added, missing }) => ({
    id: String(id),
    kind: added === true ? 'added' : missing === true ? 'missing' : 'changed',
    columns: changes(before.get(String(id)), after.get(String(id))),
  }))
}

type Texts = Readonly<Record<string, DuckDBValue>>

async function textsOf(
  scanner: TableScanner,
  paths: readonly string[],
  ids: readonly string[],
): Promise<ReadonlyMap<string, Texts>> {
  if (ids.length === 0 || paths.length === 0) return new Map()
  const rows = await scanner.rows(
    `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${filesSql(paths)} WHERE id IN (${ids.map(literal).join(', ')})`,
  )
  return new Map(rows.map((row) => [String(row.id), row]))
}

function changes(before: Texts | undefined, after: Texts | undefined): RowDifference['columns'] {
  if (before === undefined || after === undefined) return []
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names
    .filter((name) => (before[name] ?? null) !== (after[name] ?? null))
    .map((name) => ({ name, live: cut(before[name]), next: cut(after[name]) }))
}

function cut(value: DuckDBValue | undefined): string | null {
  if (value === undefined || value === null) return null
  const text = String(value)
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`
}

/** Adding it up over rows does not depend on their order. */
function hashSql(columns: readonly string[]): string {
  return `hash(${columns.map(quoted).join(', ')})`
}
