/** What is promoted: for each column of a table, the attribute keys its values may come from. */
import type { Signal } from '#pipeline/batch/batch.ts'
import { OLDER_SPELLINGS, type OlderSpelling, type Scope } from '#schemas/otlp/semantic_conventions.ts'
import { TABLES, type TableColumn, tableOf } from '#schemas/tables/tables.ts'

export interface Target {
  readonly scope: Scope
  /** Today's key, `http.request.method`. */
  readonly key: string
  /** `attributes___http___request___method`. */
  readonly column: string
  readonly type: TableColumn['type']
  readonly older: readonly OlderSpelling[]
}

const SCOPES: readonly Scope[] = ['attributes', 'resource']

/** `attributes.http.request.method`, `resource.service.name` …: every key that a table has a column for. */
export const PROMOTED: readonly string[] = [
  ...new Set(
    TABLES.flatMap((table) =>
      SCOPES.flatMap((scope) => [...table.promoted[scope].keys()].map((key) => `${scope}.${key}`)),
    ),
  ),
]

/** @param promote names as in {@link PROMOTED} */
export function targetsOf(signal: Signal, promote: readonly string[]): readonly Target[] {
  const { promoted } = tableOf(signal)
  const wanted = new Set(promote)
  return SCOPES.flatMap((scope) =>
    [...promoted[scope]]
      .filter(([key]) => wanted.has(`${scope}.${key}`))
      .map(([key, { name, type }]) => ({
        scope,
        key,
        column: name,
        type,
        older: OLDER_SPELLINGS[scope].get(key) ?? [],
      })),
  )
}
