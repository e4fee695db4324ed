/** Reads checkpoints, ours and other writers': through DuckDB, which knows every encoding and codec. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Action } from './actions.ts'

/** @throws Error where the bytes are no Parquet file */
export async function readCheckpoint(bytes: Uint8Array): Promise<readonly Action[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-checkpoint-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  try {
    const path = join(folder, 'checkpoint.parquet')
    await writeFile(path, bytes)
    const connection = await instance.connect()
    try {
      const rows = await connection.runAndReadAll(
        `SELECT to_json(action)::VARCHAR FROM read_parquet('${path.replaceAll("'", "''")}') action`,
      )
      return rows.getRows().map(([json]) => actionOf(JSON.parse(json as string)))
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A row has a column for each kind of action, all but one null; so have the fields of an action. */
function actionOf(row: Record<string, Record<string, unknown> | null>): Action {
  const [kind, action] = Object.entries(row).find(([, value]) => value !== null) ?? ['unknown', {}]
  const fields = Object.fromEntries(Object.entries(action ?? {}).filter(([, value]) => value !== null))
  return { [kind]: fields } as unknown as Action
}
