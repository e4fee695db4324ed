/** What commands that look into the log themselves are given: the same log and state as millrace on the data folder has. */
import type { EventLog, SchemaRegistry } from '#pipeline/log/log.ts'
import type { StateStore } from '#pipeline/state/state.ts'

export type Log = EventLog & SchemaRegistry

export interface Stores {
  /** Calls `work` with the log, to read, also while millrace runs on it. @throws OperatorError where there is none */
  reading<T>(work: (log: Log) => Promise<T>): Promise<T>
  /**
   * Calls `work` with the log and the state of stages, to change them.
   * @throws OperatorError where there is none, or millrace runs on it
   */
  alone<T>(work: (log: Log, states: StateStore) => Promise<T>): Promise<T>
}
