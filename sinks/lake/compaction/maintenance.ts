/** What a table needs now and then besides commits: checkpoints, compaction, vacuum. One table at a time. */
import type { Table } from '#schemas/tables/tables.ts'
import { writeCheckpoint } from '../delta/checkpoint.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import type { ObjectStore } from '../store/object_store.ts'
import { compactTable } from './compaction.ts'
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
  readonly tasks: Set<'checkpoint' | 'compact' | 'vacuum'>
}

export class LakeMaintenance {
  readonly #options: MaintenanceOptions
  /** By key; as many at most as there are tables being written. */
  readonly #due = new Map<string, Due>()
  #running: Promise<void> | null = null

  constructor(options: MaintenanceOptions) {
    this.#options = options
  }

  /** To be told of every commit. */
  committed(key: string, table: Table, version: number): void {
    const tasks = this.#due.get(key)?.tasks ?? new Set()
    if (version > 0 && version % CHECKPOINT_COMMITS === 0) tasks.add('checkpoint')
    if (version % COMPACT_COMMITS === COMPACT_COMMITS - 1) tasks.add('compact')
    if (version % VACUUM_COMMITS === VACUUM_COMMITS - 1) tasks.add('vacuum')
    if (tasks.size === 0) return
    this.#due.set(key, { table, tasks })
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  /** Resolves when nothing is due. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    const { store, now, failed } = this.#options
    for (const [key, { table, tasks }] of this.#due) {
      this.#due.delete(key)
      try {
        if (tasks.has('compact')) await compactTable(store, key, table, now())
        if (tasks.has('checkpoint')) {
          await writeCheckpoint(store, key, await loadSnapshot(store, key), now() - REMOVED_RETENTION_MS)
        }
        if (tasks.has('vacuum')) await vacuumTable(store, key, now(), REMOVED_RETENTION_MS)
      } catch (error) {
        failed(key, error)
      }
    }
  }
}
