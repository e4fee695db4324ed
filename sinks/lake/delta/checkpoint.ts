/**
 * Checkpoints: the state of a table at a version as one Parquet file, so that readers need not read every commit.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints
 */

import type { ObjectStore } from '#sinks/store/object_store.ts'
import { ParquetFile } from '../parquet/parquet_file.ts'
import { type Field, listOf, optional } from '../parquet/schema.ts'
import { shred } from '../parquet/shred.ts'
import { logPrefix } from './actions.ts'
import type { TableState } from './table_state.ts'

const text = (name: string) => optional(name, 'bytes', 'string')
const long = (name: string) => optional(name, 'int64')
const flag = (name: string) => optional(name, 'boolean')
const struct = (name: string, children: readonly Field[]): Field => ({ name, repetition: 'optional', children })
const map = (name: string): Field => {
  const key: Field = { name: 'key', repetition: 'required', type: 'bytes', logical: 'string' }
  const entries: Field = { name: 'key_value', repetition: 'repeated', children: [key, text('value')] }
  return { name, repetition: 'optional', logical: 'map', children: [entries] }
}

/** One row an action, in the column of its kind. */
const FIELDS: readonly Field[] = [
  struct('txn', [text('appId'), long('version'), long('lastUpdated')]),
  struct('add', [
    text('path'),
    map('partitionValues'),
    long('size'),
    long('modificationTime'),
    flag('dataChange'),
    map('tags'),
    text('stats'),
  ]),
  struct('remove', [
    text('path'),
    long('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    map('partitionValues'),
    long('size'),
  ]),
  struct('metaData', [
    text('id'),
    text('name'),
    text('description'),
    struct('format', [text('provider'), map('options')]),
    text('schemaString'),
    listOf('partitionColumns', 'bytes', 'string'),
    map('configuration'),
    long('createdTime'),
  ]),
  struct('protocol', [optional('minReaderVersion', 'int32'), optional('minWriterVersion', 'int32')]),
]

/** The checkpoint of a state. Removed files are forgotten once they are older than `removedAfterMs` (since 1970). */
export function checkpointBytes(state: TableState, removedAfterMs: number): { bytes: Uint8Array; actions: number } {
  const rows: object[] = [
    { protocol: state.protocol },
    { metaData: state.metadata },
    ...Array.from(state.txns, ([appId, version]) => ({ txn: { appId, version } })),
    // In a checkpoint nothing changes data.
    ...Array.from(state.files.values(), (add) => ({ add: { ...add, dataChange: false } })),
    ...[...state.removed.values()]
      .filter((remove) => remove.deletionTimestamp > removedAfterMs)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ]
  const file = new ParquetFile(FIELDS)
  const columns = shred(FIELDS, rows)
  file.addRowGroup(rows.length, (leaf) => columns[leaf])
  return { bytes: file.finish(), actions: rows.length }
}

/** Writes the checkpoint of `state.version` and points `_last_checkpoint` at it. */
export async function writeCheckpoint(
  store: ObjectStore,
  table: string,
  state: TableState,
  removedAfterMs: number,
): Promise<void> {
  const { bytes, actions } = checkpointBytes(state, removedAfterMs)
  const prefix = logPrefix(table)
  await store.put(`${prefix}${String(state.version).padStart(20, '0')}.checkpoint.parquet`, bytes)
  const pointer = { version: state.version, size: actions, sizeInBytes: bytes.length, numOfAddFiles: state.files.size }
  await store.put(`${prefix}_last_checkpoint`, new TextEncoder().encode(JSON.stringify(pointer)))
}
