/** What the directory knew last, in a file: for a start while PostgreSQL is away. Hashes only, readable by its owner. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { Rows } from './snapshot.ts'

const schema = z.object({
  version: z.literal(1),
  scram_secret: z.base64(),
  projects: z.array(
    z.object({
      id: z.uuid(),
      name: z.string(),
      is_deleted: z.boolean(),
      scram_salt: z.base64(),
      retention_days: z.int().nullable(),
      events_per_day: z.int().nullable(),
      bytes_per_day: z.int().nullable(),
      version: z.int(),
    }),
  ),
  keys: z.array(
    z.object({
      id: z.string(),
      project_id: z.uuid(),
      scopes: z.array(z.enum(['ingest', 'read', 'admin'])),
      allowed_origins: z.array(z.string()),
      is_revoked: z.boolean(),
      sha256: z.base64(),
      scram_iterations: z.int(),
      scram_stored_key: z.base64(),
      scram_server_key: z.base64(),
      version: z.int(),
    }),
  ),
})

export type SnapshotFile = Rows & { readonly scram_secret: string }

/** `null` where there is none, or none we can read: it is only a copy. */
export function readSnapshotFile(file: string): SnapshotFile | null {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

/** All or nothing. Not flushed to the disk: what a power cut takes is read again from PostgreSQL. */
export function writeSnapshotFile(file: string, content: SnapshotFile): void {
  const next = `${file}.new`
  writeFileSync(next, JSON.stringify({ version: 1, ...content }), { mode: 0o600 })
  renameSync(next, file)
}
