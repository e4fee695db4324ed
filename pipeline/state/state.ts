/** Where stages keep their state between runs. */
import type { Position } from '../log/log.ts'

export interface StoredState {
  /** The input position the state is for: everything before it is in the state, nothing after. */
  readonly position: Position
  readonly bytes: Uint8Array
  /** The topic its output went to. */
  readonly produces: string
}

export interface StateStore {
  load(stage: string, topic: string, partition: number): Promise<StoredState | null>
  /**
   * Replaces the state of a partition, with its position, atomically.
   * @param generation of the membership that owns the partition
   * @throws FencedError where a newer generation has saved already
   * @throws TransientError where it could not be stored
   */
  save(stage: string, state: StoredState, generation: number): Promise<void>
  /** Forgets the stage's state in all partitions. @returns how many partitions had one */
  forget(stage: string): Promise<number>
  close(): Promise<void>
}
