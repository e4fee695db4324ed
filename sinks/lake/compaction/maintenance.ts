/** What a table needs now and then besides commits: checkpoints, compaction, retention, vacuum. One table at a time. */
import { TABLES, type Table } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { writeCheckpoint } from '../delta/checkpoint.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { tableKey } from '../paths.ts'
import { compactTable } from './compaction.ts'
import { expireTable, type Retention } from './retention.ts'
import { vacuumTable } from './vacuum.ts'

export interface MaintenanceOptions {
  readonly store: ObjectStore
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Something failed; it is tried again after later commits. */
  readonly failed: (key: string, error: unknown) => void
}

const CHECKPOINT_COMMITS = 32
const COMPACT_COMMITS = 8
const VACUUM_COMMITS = 1024
/** How long a removed file stays for those who still read it: Delta's own default. */
export const REMOVED_RETENTION_MS = 7 * 86_400_000

interface Due {
  readonly table: Table
  /** The first commit that nothing was done for yet. */
  readonly since: number
  readonly last: number
}

export class LakeMaintenance {
  readonly #options: MaintenanceOptions
  /** By key; as many at most as there are tables being written. */
  readonly #due = new Map<string, Due>()
  #retentions: readonly Retention[] = []
  #running: Promise<void> | null = null
  #resting = false

  constructor(options: MaintenanceOptions) {
    this.#options = options
  }

  /** To be told of every commit. */
  committed(key: string, table: Table, version: number): void {
    const since = this.#due.get(key)?.since ?? version
    const every = [CHECKPOINT_COMMITS, COMPACT_COMMITS, VACUUM_COMMITS]
    if (!every.some((commits) => reached(since, version, commits))) return
    this.#due.set(key, { table, since, last: version })
    this.#start()
  }

  /** Takes what is too old out of these projects' tables, and deletes what was taken out long enough ago. */
  expire(retentions: readonly Retention[]): void {
    this.#retentions = retentions
    this.#start()
  }

  /** Begins nothing any more. Resolves when what is under way, one table at most, is done. */
  rest(): Promise<void> {
    this.#resting = true
    return this.idle()
  }

  /** Resolves when nothing is due. */
  async idle(): Promise<void> {
    await this.#running
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  async #run(): Promise<void> {
    for (const [key, due] of this.#due) {
      if (this.#resting) return
      this.#due.delete(key)
      try {
        await this.#maintain(key, due)
      } catch (error) {
        this.#options.failed(key, error)
      }
    }
    const retentions = this.#retentions
    this.#retentions = []
    for (const { projectId, days } of retentions) {
      for (const table of TABLES) {
        if (this.#resting) return
        const key = tableKey(projectId, table.name)
        await this.#expire(key, table, days).catch((error) => this.#options.failed(key, error))
      }
    }
    if (this.#due.size + this.#retentions.length > 0) await this.#run()
  }

  async #expire(key: string, table: Table, days: number): Promise<void> {
    const { store, now } = this.#options
    await expireTable(store, key, table, days, now())
    // A table that nobody writes to any more has no commits that would call for it.
    await vacuumTable(store, key, now(), REMOVED_RETENTION_MS)
  }

  async #maintain(key: string, { table, since, last }: Due): Promise<void> {
    const { store, now } = this.#options
    if (reached(since, last, COMPACT_COMMITS)) await compactTable(store, key, table, now())
    // Compaction commits too, and its version may be the one a checkpoint is due at.
    const state = await loadSnapshot(store, key)
    if (reached(since, state.version, CHECKPOINT_COMMITS)) {
      await writeCheckpoint(store, key, state, now() - REMOVED_RETENTION_MS)
    }
    if (reached(since, state.version, VACUUM_COMMITS)) await vacuumTable(store, key, now(), REMOVED_RETENTION_MS)
  }
}

/** True where the versions `since` to `last` have one that ends a round of `commits`. */
function reached(since: number, last: number, commits: number): boolean {
  return Math.floor((last + 1) / commits) > Math.floor(since / commits)
}
