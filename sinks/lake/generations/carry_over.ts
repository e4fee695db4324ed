/**
 * What a generation that is not replayed from the beginning takes over from the live one: every row that came from raw
 * records before where it begins. Whole files as they are (linked, where the store is a folder), files on the border by
 * their rows. It is one commit for each table, which says at the same time where the replay goes on.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { logByte } from '#pipeline/batch/event_id.ts'
import { InvariantError, OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import type { Add } from '../delta/actions.ts'
import { commit, type OriginRange } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import type { Stats } from '../delta/stats.ts'
import { headOf } from '../delta/table_head.ts'
import { newFilePath } from '../paths.ts'
import { literal, quoted } from '../query/view.ts'
import { filesSql, receivedBeforeSql, type TableScanner } from './duckdb.ts'
import { keyOf, type LakeStorage, type StoredTable } from './storage.ts'

/** Where the replay begins. */
export interface Border {
  /** Id of the log, and the raw topic in it. */
  readonly log: string
  readonly topic: string
  /** By partition, the first offset that is replayed. */
  readonly begin: readonly number[]
}

const ROW_GROUP_ROWS = 131_072

/**
 * Carries a table over; nothing where it has been.
 * @param nowMs milliseconds since 1970
 * @throws OperatorError where ids do not tell this log from another whose events the table has
 * @throws TransientError where a store failed: again is right
 */
export async function carryOver(
  storage: LakeStorage,
  scanner: TableScanner,
  from: StoredTable,
  to: StoredTable,
  border: Border,
  nowMs: number,
): Promise<void> {
  const { store } = storage
  const head = headOf(await loadSnapshot(store, to.key))
  if (head.version >= 0) return
  const state = await loadSnapshot(store, from.key)
  if (state.version < 0) return
  const condition = receivedBeforeSql(logByte(border.log), border.begin)
  checkLogs(from, state.txns.keys(), border.log)
  const add: Add[] = []
  for (const file of state.files.values()) {
    const held = await storage.hold([{ key: from.key, files: [file] }])
    try {
      const [[path]] = held.paths
      const { rows, all } = await keptRows(scanner, path, condition)
      if (rows === 0) continue
      if (rows === all) {
        await copyObject(store, keyOf(from.key, file.path), keyOf(to.key, file.path))
        add.push(file)
      } else add.push(await copyRows(store, scanner, path, to, file, condition, nowMs))
    } finally {
      held.release()
    }
  }
  const request = {
    id: randomUUID(),
    operation: 'WRITE' as const,
    add,
    remove: [],
    origins: origins(state.txns, border),
  }
  const outcome = await commit(store, to.key, to.table, head, request, nowMs)
  if (outcome.kind !== 'committed') throw new InvariantError(`${to.key} was written before it was carried over`)
}

/** @throws OperatorError */
function checkLogs({ key }: StoredTable, appIds: Iterable<string>, log: string): void {
  for (const appId of appIds) {
    const [other] = appId.split('/')
    if (other === log || logByte(other) !== logByte(log)) continue
    throw new OperatorError(
      `${key} has events of the logs ${log} and ${other}, which their ids do not tell apart: replay from the beginning`,
    )
  }
}

/** Positions in other logs as they are, in this one the last before the border. */
function origins(txns: ReadonlyMap<string, number>, { log, topic, begin }: Border): ReadonlyMap<string, OriginRange> {
  const found = new Map<string, OriginRange>()
  for (const [appId, last] of txns) if (!appId.startsWith(`${log}/`)) found.set(appId, { first: last, last })
  for (const [partition, offset] of begin.entries()) {
    if (offset > 0) found.set(`${log}/${topic}/${partition}`, { first: offset - 1, last: offset - 1 })
  }
  return found
}

interface Kept {
  readonly rows: number
  readonly all: number
}

/** Only ids are read. */
async function keptRows(scanner: TableScanner, path: string, condition: string): Promise<Kept> {
  const [row] = await scanner.rows(
    `SELECT count(*) AS all_rows, count(*) FILTER (WHERE ${condition}) AS rows FROM ${filesSql([path])}`,
  )
  return { rows: Number(row.rows), all: Number(row.all_rows) }
}

async function copyRows(
  store: ObjectStore,
  scanner: TableScanner,
  source: string,
  to: StoredTable,
  file: Add,
  condition: string,
  nowMs: number,
): Promise<Add> {
  const { partitionValues } = file
  const path = newFilePath(partitionValues.date)
  const temporary = join(tmpdir(), `millrace-carry-${randomUUID()}.parquet`)
  try {
    await scanner.rows(
      `COPY (SELECT * FROM ${filesSql([source])} WHERE ${condition} ORDER BY timestamp) TO ${literal(temporary)}
      (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
    )
    const bytes = await readFile(temporary)
    await store.put(`${to.key}/${path}`, bytes)
    const stats = file.stats === undefined ? {} : { stats: await statsAfter(scanner, temporary, file.stats) }
    return { path, partitionValues, size: bytes.length, modificationTime: nowMs, dataChange: true, ...stats }
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Bounds of more rows bound fewer, too; counts are made anew. */
async function statsAfter(scanner: TableScanner, path: string, before: string): Promise<string> {
  const stats = JSON.parse(before) as Stats
  const names = Object.keys(stats.nullCount)
  const nulls = names.map((name, at) => `count(*) - count(${quoted(name)}) AS nulls${at}`)
  const [row] = await scanner.rows(`SELECT ${['count(*) AS rows', ...nulls].join(', ')} FROM ${filesSql([path])}`)
  const nullCount = Object.fromEntries(names.map((name, at) => [name, Number(row[`nulls${at}`])]))
  return JSON.stringify({ ...stats, numRecords: Number(row.rows), nullCount })
}

/** An object of the lake is never written to again: in a folder both names may stand for the same bytes. */
async function copyObject(store: ObjectStore, from: string, to: string): Promise<void> {
  const [source, target] = [store.localPath(from), store.localPath(to)]
  if (source !== null && target !== null && (await linked(source, target))) return
  const bytes = await store.get(from)
  if (bytes === null) throw new TransientError(`lake: ${from} is gone`)
  await store.put(to, bytes)
}

/** False where the file system has no links, or not there. */
async function linked(source: string, target: string): Promise<boolean> {
  const folder = dirname(target)
  let top: string | undefined
  try {
    top = await mkdir(folder, { recursive: true })
    await link(source, target)
  } catch (error) {
    // An earlier try that was cut short has done it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
  }
  // A name outlives a power failure once the folder it is in was synced.
  const highest = dirname(top ?? target)
  for (let at = folder; at.length >= highest.length; at = dirname(at)) await syncDirectory(at)
  return true
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
