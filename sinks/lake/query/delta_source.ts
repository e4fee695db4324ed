/** Snapshots of Delta tables, kept and moved on by the commits made since. */
import { checkedKey, type ObjectStore } from '#sinks/store/object_store.ts'
import { type Add, commitKey } from '../delta/actions.ts'
import { commitActions, loadSnapshot } from '../delta/snapshot.ts'
import type { Stats } from '../delta/stats.ts'
import type { MutableTableState } from '../delta/table_state.ts'
import { tableKey } from '../paths.ts'
import type { LakeFile, LakeFiles, LakeSnapshot, LakeSource } from './snapshot.ts'

export interface DeltaSourceOptions {
  /** Tables whose state is kept; the one unused for longest is loaded anew when asked for again. */
  readonly maxTables?: number
  /** Milliseconds; for tests. */
  readonly now?: () => number
}

/**
 * A state older than this is loaded anew. Others may clean commits out of a log after some days (Delta's own default is
 * 30): then the commit after ours would be missing, and we would take an old version for the newest.
 */
const TRUSTED_MS = 3_600_000

interface KeptTable {
  state: MutableTableState
  snapshot: LakeSnapshot
  /** When the state was the newest. */
  seenMs: number
}

/** @param files where DuckDB finds the files of `store` */
export function createDeltaSource(store: ObjectStore, files: LakeFiles, options: DeltaSourceOptions = {}): LakeSource {
  const { maxTables = 64, now = () => performance.now() } = options
  /** Each the latest of its table's loads, which run one after another; the one unused for longest first. */
  const tables = new Map<string, Promise<KeptTable | null>>()
  const known = new WeakMap<Add, LakeFile>()

  const fileOf = (table: string, add: Add): LakeFile => {
    const file = known.get(add) ?? lakeFile(table, add)
    known.set(add, file)
    return file
  }
  const load = async (table: string): Promise<KeptTable> => {
    const seenMs = now()
    const state = await loadSnapshot(store, table)
    return { state, snapshot: snapshotOf(table, state), seenMs }
  }
  const snapshotOf = (table: string, state: MutableTableState): LakeSnapshot => ({
    version: state.version,
    files: [...state.files.values()].map((add) => fileOf(table, add)),
    positions: new Map(state.txns),
  })
  const refresh = async (table: string, kept: KeptTable): Promise<KeptTable> => {
    // Without a commit the table may have been made since, from a checkpoint even.
    if (kept.state.version < 0 || now() - kept.seenMs > TRUSTED_MS) return load(table)
    kept.seenMs = now()
    for (;;) {
      const version = kept.state.version + 1
      const actions = await commitActions(store, commitKey(table, version))
      if (actions === null) break
      kept.state.apply(version, actions)
    }
    if (kept.snapshot.version !== kept.state.version) kept.snapshot = snapshotOf(table, kept.state)
    return kept
  }

  return {
    directory: files.directory,
    hold: files.hold,
    close: files.close,
    async snapshot(projectId, tableName) {
      const table = tableKey(projectId, tableName)
      const before = tables.get(table) ?? Promise.resolve(null)
      const next = before.catch(() => null).then((kept) => (kept === null ? load(table) : refresh(table, kept)))
      tables.delete(table)
      tables.set(table, next)
      if (tables.size > maxTables) tables.delete(tables.keys().next().value!)
      return (await next).snapshot
    },
  }
}

/** @throws RangeError where the file is outside of the store */
function lakeFile(table: string, add: Add): LakeFile {
  const stats = (add.stats === undefined ? {} : JSON.parse(add.stats)) as Partial<Stats>
  return {
    key: checkedKey(`${table}/${decodeURIComponent(add.path)}`),
    sizeBytes: add.size,
    date: add.partitionValues.date,
    minTimestamp: micros(stats.minValues?.timestamp),
    maxTimestamp: micros(stats.maxValues?.timestamp),
    numRecords: stats.numRecords ?? 0,
    min: texts(stats.minValues),
    max: texts(stats.maxValues),
  }
}

function micros(bound: unknown): number | null {
  const ms = typeof bound === 'string' ? Date.parse(bound) : Number.NaN
  return Number.isNaN(ms) ? null : ms * 1000
}

function texts(bounds: Stats['minValues'] = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(bounds).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}
