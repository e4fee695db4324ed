/** The rows of a lake in a folder, read as any Parquet reader would. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { createFileStore } from '#sinks/store/file_store.ts'
import { loadSnapshot } from '../delta/snapshot.ts'

/** The answer to a query, 64-bit integers as text. */
export async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** `SELECT <select> FROM` the files of a table's last version. */
export async function rowsOf(directory: string, key: string, select: string): Promise<Record<string, unknown>[]> {
  const state = await loadSnapshot(createFileStore(directory), key)
  const files = [...state.files.keys()].map((path) => `'${join(directory, key, path)}'`)
  return query(`SELECT ${select} FROM read_parquet([${files.join(', ')}], hive_partitioning = true)`)
}
