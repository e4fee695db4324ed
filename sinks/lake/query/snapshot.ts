/** What the query role knows of a Delta table: the files of one version and how far they reach. */
import type { Table } from '#schemas/tables/tables.ts'

export interface LakeFile {
  /** A path DuckDB can open, with `date=YYYY-MM-DD` as the folder it is in. */
  readonly path: string
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
export interface LakeSource {
  /** The newest version of a project's table; empty where there is none. @throws TransientError */
  snapshot(projectId: string, table: Table['name']): Promise<LakeSnapshot>
  /** The one folder all files of a project are below: the only one its DuckDB may read. */
  directory(projectId: string): string
}

export const EMPTY_SNAPSHOT: LakeSnapshot = { version: -1, files: [], positions: new Map() }
