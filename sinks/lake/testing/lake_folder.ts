/** A lake in a temporary folder, and its rows read as any Parquet reader would. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { loadSnapshot } from '../delta/snapshot.ts'
import { createFileStore } from '../store/file_store.ts'

export async function withFolder(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-lake-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

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
