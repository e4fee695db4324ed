/** Reads the state of a table: the newest checkpoint, then the commits after it. */

import { InvariantError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { type Action, decodeActions, logPrefix } from './actions.ts'
import { readCheckpoint } from './checkpoint_reader.ts'
import { MutableTableState } from './table_state.ts'

const COMMIT = /\/(\d{20})\.json$/
/** Commits read together: in a bucket each is a way over the network. */
const READ_AT_ONCE = 8
const CHECKPOINT = /\/(\d{20})\.checkpoint\.parquet$/

/**
 * The state of a table as of its last commit; version -1 where there is none.
 * @param table its key prefix, `<project>/<table name>`
 * @throws TransientError where the store failed
 * @throws InvariantError where commits are missing from the log
 */
export async function loadSnapshot(store: ObjectStore, table: string): Promise<MutableTableState> {
  const state = new MutableTableState()
  const prefix = logPrefix(table)
  const hint = await lastCheckpoint(store, prefix)
  // Listing from the checkpoint on finds it and every later commit; without one the whole log is listed.
  const after = hint === null ? undefined : `${prefix}${String(hint).padStart(20, '0')}`
  const keys = (await store.list(prefix, { after })).map((object) => object.key)
  const checkpoints = keys.flatMap((key) => versionIn(key, CHECKPOINT)).sort((a, b) => b - a)
  for (const version of checkpoints) {
    const bytes = await store.get(`${prefix}${String(version).padStart(20, '0')}.checkpoint.parquet`)
    if (bytes === null) continue
    state.apply(version, await readCheckpoint(bytes))
    break
  }
  const since = keys.filter((key) => versionIn(key, COMMIT).some((version) => version > state.version))
  for (let from = 0; from < since.length; from += READ_AT_ONCE) {
    const some = since.slice(from, from + READ_AT_ONCE)
    const commits = await Promise.all(some.map((key) => commitActions(store, key)))
    for (const [at, actions] of commits.entries()) {
      const [version] = versionIn(some[at], COMMIT)
      if (version !== state.version + 1) {
        throw new InvariantError(`${table}: version ${version} follows ${state.version}, the log has a gap`)
      }
      if (actions !== null) state.apply(version, actions)
    }
  }
  return state
}

/** The actions of a commit; `null` where there is none. */
export async function commitActions(store: ObjectStore, key: string): Promise<readonly Action[] | null> {
  const bytes = await store.get(key)
  return bytes === null ? null : decodeActions(bytes, key)
}

function versionIn(key: string, pattern: RegExp): number[] {
  const match = pattern.exec(key)
  return match === null ? [] : [Number(match[1])]
}

/** The version `_last_checkpoint` points at. It is a hint: where it is missing or broken, listing finds the truth. */
async function lastCheckpoint(store: ObjectStore, prefix: string): Promise<number | null> {
  const bytes = await store.get(`${prefix}_last_checkpoint`)
  if (bytes === null) return null
  try {
    const { version } = JSON.parse(new TextDecoder().decode(bytes)) as { version: unknown }
    return Number.isSafeInteger(version) ? (version as number) : null
  } catch {
    return null
  }
}
