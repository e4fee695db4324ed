/** What the directory knew last, in a file: for a start while PostgreSQL is away. Hashes only, readable by its owner. */
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Rows } from './snapshot.ts'

/** So many rows are made text at once: some milliseconds, and who waits for the thread has his turn in between. */
const ROWS_AT_ONCE = 1_000
/** Between two writes: many changes are one. */
const PAUSE_MS = 1_000

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

export interface SnapshotFileWriter {
  /** To be told of every change. */
  changed(): void
  /** Resolves when what has changed is written, or could not be. */
  close(): Promise<void>
}

/** @param content asked for when it is written @param failed told of what fails; the next change tries again */
export function createSnapshotFileWriter(
  file: string,
  content: () => SnapshotFile,
  failed: (error: Error) => void,
): SnapshotFileWriter {
  const closing = new AbortController()
  let isDue = false
  let writing: Promise<void> | null = null
  const write = async () => {
    while (isDue) {
      isDue = false
      await writeSnapshotFile(file, content()).catch(failed)
      await delay(PAUSE_MS, undefined, { signal: closing.signal, ref: false }).catch(() => {})
    }
    writing = null
  }
  return {
    changed() {
      isDue = true
      if (!closing.signal.aborted) writing ??= write()
    },
    async close() {
      closing.abort()
      await writing
    },
  }
}

/** All or nothing. Not flushed to the disk: what a power cut takes is read again from PostgreSQL. */
export async function writeSnapshotFile(file: string, content: SnapshotFile): Promise<void> {
  const next = `${file}.new`
  await writeFile(next, snapshotText(content), { mode: 0o600 })
  await rename(next, file)
}

/** In pieces: all keys at once take a quarter of a second. */
export function* snapshotText({ scram_secret, projects, keys }: SnapshotFile): Generator<string> {
  yield `{"version":1,"scram_secret":${JSON.stringify(scram_secret)},"projects":[`
  yield* rowsText(projects)
  yield '],"keys":['
  yield* rowsText(keys)
  yield ']}'
}

function* rowsText(rows: readonly object[]): Generator<string> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    yield `${at === 0 ? '' : ','}${JSON.stringify(rows.slice(at, at + ROWS_AT_ONCE)).slice(1, -1)}`
  }
}
