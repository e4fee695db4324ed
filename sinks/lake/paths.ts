/** Where things are in the lake: `<project>/<table>/date=YYYY-MM-DD/part-….parquet`, beside the table's `_delta_log/`. */
import { randomUUID } from 'node:crypto'
import type { Table } from '#schemas/tables/tables.ts'
import { below, type StoreSettings } from '#sinks/store/open_store.ts'

const PROJECT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/
const DAY_MS = 86_400_000

/**
 * The key of a project's table.
 * @throws RangeError where the project's id is not one: it becomes the name of a folder
 */
export function tableKey(projectId: string, table: Table['name']): string {
  if (!PROJECT_ID.test(projectId)) throw new RangeError(`not a project id: ${JSON.stringify(projectId)}`)
  return `${projectId}/${table}`
}

/** `YYYY-MM-DD`. @param day days since 1970-01-01 */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** A new file's path within its table. */
export function newFilePath(date: string): string {
  return `date=${date}/part-${randomUUID()}.parquet`
}

/**
 * Where a generation of the lake is: the first is the lake itself, later ones have a folder in it. Projects' ids are
 * UUIDs, so none is called like that.
 */
export function generationStore(lake: StoreSettings, generation: number): StoreSettings {
  return generation === 1 ? lake : below(lake, generationFolder(generation))
}

/** Of a later one. */
export function generationFolder(generation: number): string {
  return `g${generation}`
}

/** The consumer group that writes a generation of the lake. Each has its own: what it stands for is in that generation. */
export function lakeGroup(generation: number): string {
  return generation === 1 ? 'lake' : `lake_g${generation}`
}
