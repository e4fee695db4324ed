/** What the query role knows of a Delta table: the files of one version and how far they reach. */
import type { Table } from '#schemas/tables/tables.ts'

export interface LakeFile {
  /** In the store; `date=YYYY-MM-DD` is the folder it is in. Begins with the project's id. */
  readonly key: string
  readonly sizeBytes: number
  /** The partition, `YYYY-MM-DD`. */
  readonly date: string
  /** Microseconds since 1970 of the oldest and newest row; null where the statistics do not tell. */
  readonly minTimestamp: number | null
  readonly maxTimestamp: number | null
  readonly numRecords: number
  /** Least and greatest text of a column where the statistics tell; a greatest one may be cut and rounded up. */
  readonly min: Readonly<Record<string, string>>
  readonly max: Readonly<Record<string, string>>
}

export interface LakeSnapshot {
  /** Delta version; -1 where there is no table yet. */
  readonly version: number
  readonly files: readonly LakeFile[]
  /** By appId (`<log>/<topic>/<partition>` of the origin): the last origin offset the files hold. */
  readonly positions: ReadonlyMap<string, number>
}

/** The lake as the query role sees it. */
export interface LakeSource extends LakeFiles {
  /** The newest version of a project's table; empty where there is none. @throws TransientError */
  snapshot(projectId: string, table: Table['name']): Promise<LakeSnapshot>
}

/** Where DuckDB finds files. */
export interface LakeFiles {
  /** The one folder all files of a project are below: the only one its DuckDB may read. */
  directory(projectId: string): string
  /**
   * Makes files readable. Who holds some and asks for more may wait for itself: let go first, or ask for all at once.
   * @throws QueryError where there is never room for so many
   * @throws TransientError where they cannot be fetched
   */
  hold(files: readonly LakeFile[], signal: AbortSignal): Promise<HeldFiles>
  close(): Promise<void>
}

export interface HeldFiles {
  /** A path for each file, which DuckDB can open until `release`. */
  readonly paths: readonly string[]
  release(): void
}

export const EMPTY_SNAPSHOT: LakeSnapshot = { version: -1, files: [], positions: new Map() }
