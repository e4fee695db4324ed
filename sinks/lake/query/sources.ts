/** What the query process reads from: opened inside it, by a module it is told the name of. */
import type { EventLog } from '#pipeline/log/log.ts'
import type { LakeSource } from './snapshot.ts'

export interface QuerySources {
  /** Only read. */
  readonly log: EventLog
  readonly lake: LakeSource
  /** The consumer group that writes the lake. */
  readonly lakeGroup: string
  close(): Promise<void>
}

/** The shape of such a module's `createQuerySources`; `settings` is what its own caller gave for it. */
export type CreateQuerySources = (settings: unknown) => Promise<QuerySources>
