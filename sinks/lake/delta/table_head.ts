/** A table's head: its state without the files, which writers need not hold in memory. */
import type { Action } from './actions.ts'
import type { TableHead } from './commit.ts'
import type { TableState } from './table_state.ts'

export function headOf({ version, protocol, metadata, txns }: TableState): TableHead {
  const head: TableHead = {
    version,
    protocol,
    metadata,
    txns: new Map(txns),
    apply(next: number, actions: Iterable<Action>) {
      for (const action of actions) {
        if ('txn' in action) head.txns.set(action.txn.appId, action.txn.version)
        else if ('protocol' in action) head.protocol = action.protocol
        else if ('metaData' in action) head.metadata = action.metaData
      }
      head.version = next
    },
  }
  return head
}
