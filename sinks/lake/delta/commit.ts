/**
 * Commits: the next version of a table, written only where nobody else has written it. The answer to such a write may
 * be lost, so before every try the log is read on: what it says is the truth, not what we remember.
 */
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { Table } from '#schemas/tables/tables.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import {
  type Action,
  type Add,
  commitKey,
  encodeActions,
  type Metadata,
  type Protocol,
  type Remove,
} from './actions.ts'
import { evolvedMetadata, newMetadata, PROTOCOL } from './schema.ts'
import { commitActions } from './snapshot.ts'

/** What a writer knows of a table: its version and what that version says about writing. */
export interface TableHead {
  version: number
  protocol: Protocol | null
  metadata: Metadata | null
  /** Version reached by each appId. */
  readonly txns: Map<string, number>
  apply(version: number, actions: Iterable<Action>): void
}

/** Origin offsets of one appId among the rows to commit. */
export interface OriginRange {
  readonly first: number
  readonly last: number
}

export interface CommitRequest {
  /** Unique; a request that is tried again keeps it. */
  readonly id: string
  readonly operation: 'WRITE' | 'OPTIMIZE' | 'DELETE'
  readonly add: readonly Add[]
  readonly remove: readonly Remove[]
  /** By appId. */
  readonly origins: ReadonlyMap<string, OriginRange>
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  /** The table has some of the rows already; `head.txns` says up to where. Nothing was committed. */
  | { readonly kind: 'superseded' }
  /** Another writer removed a file that this commit replaces. Nothing was committed. */
  | { readonly kind: 'conflict'; readonly path: string }

const MAX_FAILED_WRITES = 3
const ENGINE = 'millrace'

/**
 * Commits once, whatever the store answers.
 * @param key the table's key prefix
 * @param head what is known of the table; brought up to date
 * @param nowMs milliseconds since 1970
 * @throws TransientError where the store keeps failing. The commit may have happened or may yet: call again with the
 *   same request
 * @throws OperatorError where the table is of a form we cannot write
 */
export async function commit(
  store: ObjectStore,
  key: string,
  table: Table,
  head: TableHead,
  request: CommitRequest,
  nowMs: number,
): Promise<CommitOutcome> {
  const replaced = new Set(request.remove.map(({ path }) => path))
  for (let failed = 0; ; ) {
    for (;;) {
      const actions = await commitActions(store, commitKey(key, head.version + 1))
      if (actions === null) break
      head.apply(head.version + 1, actions)
      if (isOwn(actions, request.id)) return { kind: 'committed', version: head.version }
      for (const action of actions) {
        if ('remove' in action && replaced.has(action.remove.path))
          return { kind: 'conflict', path: action.remove.path }
      }
    }
    for (const [appId, { first }] of request.origins) {
      if ((head.txns.get(appId) ?? -1) >= first) return { kind: 'superseded' }
    }
    const actions = actionsOf(key, table, head, request, nowMs)
    try {
      if (await store.putIfAbsent(commitKey(key, head.version + 1), encodeActions(actions))) {
        head.apply(head.version + 1, actions)
        return { kind: 'committed', version: head.version }
      }
    } catch (error) {
      // It may be stored all the same: read on before the next try. Losing to another writer is no failure.
      if (!(error instanceof TransientError) || ++failed >= MAX_FAILED_WRITES) throw error
    }
  }
}

function isOwn(actions: readonly Action[], id: string): boolean {
  return actions.some((action) => 'commitInfo' in action && action.commitInfo.txnId === id)
}

function actionsOf(key: string, table: Table, head: TableHead, request: CommitRequest, nowMs: number): Action[] {
  const actions: Action[] = [
    { commitInfo: { timestamp: nowMs, operation: request.operation, engineInfo: ENGINE, txnId: request.id } },
  ]
  if (head.version < 0) actions.push({ protocol: PROTOCOL }, { metaData: newMetadata(table, nowMs) })
  else {
    requireWritable(key, head)
    const metadata = evolvedMetadata(key, table, head.metadata!)
    if (metadata !== null) actions.push({ metaData: metadata })
  }
  for (const [appId, { last }] of request.origins) actions.push({ txn: { appId, version: last, lastUpdated: nowMs } })
  for (const remove of request.remove) actions.push({ remove })
  for (const add of request.add) actions.push({ add })
  return actions
}

function requireWritable(key: string, { protocol, metadata }: TableHead): void {
  if (protocol === null || metadata === null) throw new OperatorError(`${key} is no Delta table: it has no metadata`)
  const { minReaderVersion, minWriterVersion } = protocol
  if (minReaderVersion > PROTOCOL.minReaderVersion || minWriterVersion > PROTOCOL.minWriterVersion) {
    throw new OperatorError(
      `${key} was raised to Delta protocol ${minReaderVersion}/${minWriterVersion} by another program; ` +
        `millrace writes ${PROTOCOL.minReaderVersion}/${PROTOCOL.minWriterVersion}. Move the table away to start a new one.`,
    )
  }
}
