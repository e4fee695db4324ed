/** A sink: from a topic to somewhere durable outside of the log. A noun. */
import type { Batch } from '../batch/batch.ts'
import type { Carrier, Topic } from './topic.ts'

/** @template T what it takes; but for the archive, batches */
export interface Sink<T extends Carrier = Batch> {
  readonly name: string
  /** The consumer group that remembers how far it has come; the sink's name where it says nothing else. */
  readonly group?: string
  readonly consumes: Topic<T>
  /**
   * What the sink cannot take. The runtime asks before `write`: such a batch becomes dead letters, and an empty one is
   * written in its place, so that one project's fault does not hold up the others. @throws Error saying why
   */
  check?(batch: T): void
  /**
   * Starts writing; called again, after `close`, when the world failed in between.
   * @param storing to be told why storing fails while it is tried again, and `null` once it works
   */
  open(storing: (failure: string | null) => void): Promise<SinkWriter<T>>
  /**
   * Starts writing another generation of what it stores, empty at first, beside the live one: what a replay fills. A sink
   * without it takes no part in replays: what it sends leaves the system, and has been sent.
   */
  openGeneration?(generation: number): Promise<SinkWriter<T>>
}

/** The consumer group of a sink. */
export function groupOf({ name, group = name }: Pick<AnySink, 'name' | 'group'>): string {
  return group
}

// biome-ignore lint/suspicious/noExplicitAny: what a sink takes is checked where it is declared
export type AnySink = Sink<any>

/**
 * Takes batches in order of their origins. After a crash batches come again: the sink keeps the origin it reached in
 * the same atomic step as the data, and skips what it has.
 */
export interface SinkWriter<T extends Carrier = Batch> {
  /** Resolves when the batch is taken over, under the sink's bound on memory. @throws TransientError */
  write(batch: T): Promise<void>
  /** The highest origin offset of a partition up to which everything written is durable; -1 where nothing is. */
  storedUpTo(partition: number): number
  /** Resolves when `storedUpTo` has grown since the last call. @throws TransientError where storing failed */
  progress(): Promise<void>
  /** Makes everything taken over durable. @throws TransientError */
  flush(): Promise<void>
  /** Lets go without flushing. */
  close(): Promise<void>
}
