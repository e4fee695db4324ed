/** Compares the projections of two generations, row by row: for when both have come equally far. */
import type { Connection } from '#pipeline/postgres/database.ts'
import type { DayComparison, RowDifference } from '#schemas/replays.ts'
import type { Projection } from './projection.ts'
import { tableName } from './statements.ts'

const EXAMPLES = 5

/**
 * @param live number of the live tables
 * @param next number of the others
 * @throws as `Connection.query`, where the tables are of different versions as well
 */
export async function compareProjections(
  connection: Connection,
  projections: readonly Projection[],
  live: number,
  next: number,
): Promise<{ readonly days: readonly DayComparison[]; readonly differences: readonly RowDifference[] }> {
  const days: DayComparison[] = []
  const differences: RowDifference[] = []
  for (const projection of projections) {
    const { name, key } = projection
    const joined = `${tableName(name, live)} as live full join ${tableName(name, next)} as next using (${key.join(', ')})`
    const [counts] = await connection.query<{ liveRows: number; rows: number; different: number }>(
      `select count(live) as "liveRows", count(next) as rows, count(*) filter (where live is distinct from next) as different
      from ${joined}`,
    )
    const at = { projectId: '', table: name, day: '' }
    days.push({ ...at, liveRows: counts.liveRows, rows: counts.rows, isEqual: counts.different === 0 })
    if (counts.different === 0) continue
    const found = await connection.query<{ live: Texts | null; next: Texts | null }>(
      `select to_jsonb(live) as live, to_jsonb(next) as next from ${joined}
      where live is distinct from next order by ${key.join(', ')} limit ${EXAMPLES}`,
    )
    for (const row of found) differences.push({ ...at, ...differenceOf(key, row) })
  }
  return { days, differences }
}

type Texts = Readonly<Record<string, unknown>>

function differenceOf(
  key: readonly string[],
  { live, next }: { readonly live: Texts | null; readonly next: Texts | null },
): Pick<RowDifference, 'id' | 'kind' | 'columns'> {
  const id = key.map((column) => String((live ?? next)![column])).join(' ')
  if (live === null) return { id, kind: 'added', columns: [] }
  if (next === null) return { id, kind: 'missing', columns: [] }
  const columns = Object.keys(live)
    .filter((name) => live[name] !== next[name])
    .map((name) => ({ name, live: textOf(live[name]), next: textOf(next[name]) }))
  return { id, kind: 'changed', columns }
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
