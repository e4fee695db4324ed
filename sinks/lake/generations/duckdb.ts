/** DuckDB over files of the lake, for work on whole tables: bounded memory, what does not fit goes to a folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { TransientError } from '#pipeline/errors/errors.ts'
import { literal } from '../query/view.ts'

export interface TableScanner {
  /** @throws TransientError where a file cannot be read */
  rows(sql: string): Promise<readonly Readonly<Record<string, DuckDBValue>>[]>
  close(): Promise<void>
}

const MEMORY_LIMIT = '512MB'

export async function createTableScanner(): Promise<TableScanner> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-scan-'))
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY_LIMIT,
    temp_directory: folder,
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return {
    async rows(sql) {
      try {
        return (await connection.runAndReadAll(sql)).getRowObjects()
      } catch (cause) {
        throw new TransientError(`lake: cannot read files: ${(cause as Error).message}`, { cause })
      }
    },
    async close() {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @param paths on this machine; a column that some of them lack is null in their rows */
export function filesSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false)`
}

/**
 * The condition for rows that came from raw records of a log before these offsets, one for each partition, or from another
 * log: read from their ids (`pipeline/batch/event_id.ts`).
 * @param log the eight bits of it that are in ids
 */
export function receivedBeforeSql(log: number, offsets: readonly number[]): string {
  // xxxxxxxx-xxxx-8LLp-Ppoo-oooooooo…: positions in the text count from 1.
  const middle = hexSql('substr(id, 16, 3)')
  const group = hexSql('substr(id, 20, 4)')
  const partition = `(((${middle} & 3) << 10) | ((${group} & 16383) >> 4))`
  const offset = `((${group} & 15) * 4294967296 + ${hexSql('substr(id, 25, 8)')})`
  // A partition beyond the list has no bound, and none of its rows is before it.
  const bound = `list_extract([${offsets.join(', ')}]::BIGINT[], ${partition} + 1)`
  return `((${middle} >> 4) <> ${log} OR coalesce(${offset} < ${bound}, false))`
}

function hexSql(text: string): string {
  return `CAST('0x' || ${text} AS BIGINT)`
}
