/** Reads Parquet bytes back through DuckDB: an independent judge of what we write. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance, DuckDBListValue, DuckDBTimestampTZValue } from '@duckdb/node-api'

export type ReadValue = string | number | bigint | boolean | null | readonly ReadValue[]

export interface ParquetReader {
  /** All rows, in the file's order; timestamps as bigint microseconds. */
  rows(bytes: Uint8Array): Promise<ReadValue[][]>
  /** The answer to a query in which `$file` stands for the file. */
  query(bytes: Uint8Array, sql: string): Promise<ReadValue[][]>
  close(): Promise<void>
}

export async function createParquetReader(): Promise<ParquetReader> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  let files = 0
  const query = async (bytes: Uint8Array, sql: string) => {
    const path = join(folder, `${++files}.parquet`)
    await writeFile(path, bytes)
    return run(connection, sql.replaceAll('$file', `'${path}'`))
  }
  return {
    query,
    rows: (bytes) => query(bytes, 'SELECT * FROM read_parquet($file)'),
    async close() {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function run(connection: DuckDBConnection, sql: string): Promise<ReadValue[][]> {
  const result = await connection.runAndReadAll(sql)
  return result.getRows().map((row) => row.map(plain))
}

function plain(value: unknown): ReadValue {
  if (value instanceof DuckDBListValue) return value.items.map(plain)
  if (value instanceof DuckDBTimestampTZValue) return value.micros
  return value as ReadValue
}
