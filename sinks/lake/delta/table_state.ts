/** What a Delta table is at one version: the log's actions, applied in order. */
import type { Action, Add, Metadata, Protocol, Remove } from './actions.ts'

export interface TableState {
  /** -1 for a table that does not exist. */
  readonly version: number
  readonly protocol: Protocol | null
  readonly metadata: Metadata | null
  /** By path. */
  readonly files: ReadonlyMap<string, Add>
  /** Removed files that vacuum has not yet forgotten, by path. */
  readonly removed: ReadonlyMap<string, Remove>
  /** Version reached by each appId. */
  readonly txns: ReadonlyMap<string, number>
}

/** A state that grows with the log; only its owner may apply to it. */
export class MutableTableState implements TableState {
  version = -1
  protocol: Protocol | null = null
  metadata: Metadata | null = null
  readonly files = new Map<string, Add>()
  readonly removed = new Map<string, Remove>()
  readonly txns = new Map<string, number>()

  apply(version: number, actions: Iterable<Action>): void {
    for (const action of actions) this.#applyOne(action)
    this.version = version
  }

  #applyOne(action: Action): void {
    if ('add' in action) {
      this.files.set(action.add.path, action.add)
      this.removed.delete(action.add.path)
    } else if ('remove' in action) {
      this.files.delete(action.remove.path)
      this.removed.set(action.remove.path, action.remove)
    } else if ('txn' in action) this.txns.set(action.txn.appId, action.txn.version)
    else if ('protocol' in action) this.protocol = action.protocol
    else if ('metaData' in action) this.metadata = action.metaData
  }
}
