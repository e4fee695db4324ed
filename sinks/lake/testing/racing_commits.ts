/**
 * Processes that think they own the same partitions and write the same origins to one table, through a store that loses
 * answers and lets refused writes happen later. Every origin must be in exactly one commit, in order.
 */
import assert from 'node:assert/strict'
import { TransientError } from '#pipeline/errors/errors.ts'
import { otelLogsAndSpans } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { createFaultyStore } from '#sinks/store/testing/faulty_store.ts'
import type { Add } from '../delta/actions.ts'
import { type CommitOutcome, type CommitRequest, commit, type TableHead } from '../delta/commit.ts'
import { loadSnapshot } from '../delta/snapshot.ts'
import { headOf } from '../delta/table_head.ts'
import { MutableTableState } from '../delta/table_state.ts'
import { mulberry32 } from './sample_logs.ts'

export const KEY = 'p/otel_logs_and_spans'

const addOf = (path: string): Add => ({
  path,
  partitionValues: { date: '2026-03-04' },
  size: 1,
  modificationTime: 0,
  dataChange: true,
})

export function requestOf(
  id: string,
  origins: Record<string, readonly [number, number]>,
  remove: string[] = [],
): CommitRequest {
  return {
    id,
    operation: 'WRITE',
    add: [addOf(id)],
    remove: remove.map((path) => {
      const { modificationTime: _, ...rest } = addOf(path)
      return { ...rest, deletionTimestamp: 0, extendedFileMetadata: true, dataChange: false }
    }),
    origins: new Map(Object.entries(origins).map(([appId, [first, last]]) => [appId, { first, last }])),
  }
}

export const emptyHead = () => headOf(new MutableTableState())
export const run = (store: ObjectStore, head: TableHead, request: CommitRequest) =>
  commit(store, KEY, otelLogsAndSpans, head, request, 0)

/** @param inner empty */
export async function racingCommits(inner: ObjectStore, seed: number): Promise<void> {
  const random = mulberry32(seed)
  const store = createFaultyStore(inner, random, 0.4)
  const last = 12
  const writers = ['one', 'two', 'three'].map((name) => writeAll(store, name, last, random))
  await Promise.all(writers)
  await store.heal()
  const state = await loadSnapshot(inner, KEY)
  const committed = [...state.files.keys()].flatMap((path) => originsIn(path))
  assert.deepEqual(
    committed.sort((a, b) => a - b),
    Array.from({ length: last + 1 }, (_, at) => at),
    `seed ${seed}: ${[...state.files.keys()].join(' ')}`,
  )
  assert.equal(state.txns.get('x'), last, `seed ${seed}`)
}

/** A path names its origins, `<writer>-<try>.<first>-<last>`. */
function originsIn(path: string): number[] {
  const [first, last] = path.split('.')[1].split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

async function writeAll(store: ObjectStore, name: string, last: number, random: () => number) {
  let head: TableHead | null = null
  let next = 0
  let pending: CommitRequest | null = null
  for (let tries = 0; next <= last; tries++) {
    assert.ok(tries < 2000, 'the writer gets on')
    try {
      // Now and then the process starts again and knows nothing but the log.
      if (random() < 0.1) {
        head = null
        pending = null
      }
      head ??= headOf(await loadSnapshot(store, KEY))
      if (pending === null) {
        next = Math.max(next, (head.txns.get('x') ?? -1) + 1)
        if (next > last) return
        const end = Math.min(last, next + Math.floor(random() * 4))
        pending = requestOf(`${name}-${tries}.${next}-${end}`, { x: [next, end] })
      }
      const outcome: CommitOutcome = await run(store, head, pending)
      if (outcome.kind === 'committed') next = pending.origins.get('x')!.last + 1
      pending = null
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
    }
  }
}
