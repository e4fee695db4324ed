/**
 * A simulated world: every answer of the log and of a sink's storage waits for a seeded scheduler, which decides the
 * order of events, loses answers, fails calls and kills processes. The same seed gives the same run.
 */

import type { Batch } from '../batch/batch.ts'
import { TransientError } from '../errors/errors.ts'
import type { GroupListener, Membership, NewRecord, ReadOptions } from '../log/log.ts'
import type { Sink, SinkWriter } from '../stage/sink.ts'
import type { Topic } from '../stage/topic.ts'
import { MemoryLog } from './memory_log.ts'

/** A random number generator with a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Lets what waits go on one at a time, in an order drawn by the seed. */
export class Scheduler {
  readonly random: () => number
  readonly #waiting: { readonly process: SimProcess; readonly resolve: () => void }[] = []
  steps = 0

  constructor(seed: number) {
    this.random = seeded(seed)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  /** Resolves when it is this caller's turn; never, once its process is dead. */
  turn(process: SimProcess): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push({ process, resolve }))
  }

  /** Runs until `done`, or until nothing waits any more. @returns whether it was done */
  async run(done: () => boolean, maxSteps: number): Promise<boolean> {
    for (; this.steps < maxSteps; this.steps++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (done()) return true
      const alive = this.#waiting.filter(({ process }) => !process.dead)
      if (alive.length === 0) return done()
      const chosen = alive[Math.floor(this.random() * alive.length)]
      this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
      chosen.resolve()
    }
    return false
  }
}

/** A process that can die: from then on nothing it asked for is answered, nothing it asks for is done. */
export interface SimProcess {
  dead: boolean
}

export interface Faults {
  /** Calls that fail before anything is done. */
  readonly failure: number
  /** Calls that are done and whose answer is lost. */
  readonly lostAnswer: number
  /** Appends of which only the first records are stored. */
  readonly partialAppend: number
}

/** One process's view of a log that all processes share. */
export class SimLog extends MemoryLog {
  readonly #shared: MemoryLog
  readonly #process: SimProcess
  readonly #scheduler: Scheduler
  readonly #faults: Faults

  constructor(shared: MemoryLog, process: SimProcess, scheduler: Scheduler, faults: Faults) {
    super(shared.id)
    this.#shared = shared
    this.#process = process
    this.#scheduler = scheduler
    this.#faults = faults
  }

  override createTopics = (...args: Parameters<MemoryLog['createTopics']>) => this.#shared.createTopics(...args)
  override register = (...args: Parameters<MemoryLog['register']>) => this.#shared.register(...args)
  override bounds = (topic: string, partition: number) => this.#call(() => this.#shared.bounds(topic, partition), false)
  override positions = (group: string) => this.#call(() => this.#shared.positions(group), false)
  override offsetAt = (topic: string, partition: number, at: number) =>
    this.#call(() => this.#shared.offsetAt(topic, partition, at), false)
  override read = (topic: string, partition: number, offset: number, options: ReadOptions) =>
    this.#call(() => this.#shared.read(topic, partition, offset, options), true)

  override async append(records: readonly NewRecord[]) {
    return this.#call(() => {
      if (records.length > 1 && this.#scheduler.chance(this.#faults.partialAppend)) {
        const stored = 1 + Math.floor(this.#scheduler.random() * (records.length - 1))
        return this.#shared.append(records.slice(0, stored)).then(() => {
          throw new TransientError('only some of the records were stored')
        })
      }
      return this.#shared.append(records)
    }, true)
  }

  override async waitFor(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    await this.#shared.waitFor(topic, partition, offset, signal)
    await this.#scheduler.turn(this.#process)
  }

  override async join(group: string, topics: readonly string[], listener: GroupListener): Promise<Membership> {
    const process = this.#process
    const membership = await this.#shared.join(group, topics, {
      // A zombie hears late, or never, that it lost its partitions.
      revoked: () => {},
      assigned: (assignments, joined) => {
        if (process.dead) return
        listener.assigned(assignments, {
          ...joined,
          commit: (positions) => this.#call(() => joined.commit(positions), true),
        })
      },
    })
    return membership
  }

  async #call<T>(work: () => Promise<T>, faulty: boolean): Promise<T> {
    await this.#scheduler.turn(this.#process)
    if (faulty && this.#scheduler.chance(this.#faults.failure)) throw new TransientError('the log is away')
    const answer = await work()
    await this.#scheduler.turn(this.#process)
    if (faulty && this.#scheduler.chance(this.#faults.lostAnswer)) throw new TransientError('the answer was lost')
    return answer
  }
}

/** What a simulated sink has stored: rows and, in the same step, the origin reached per partition. */
export class SimStorage {
  readonly rows: { readonly partition: number; readonly value: string }[] = []
  readonly reached = new Map<number, number>()
}

/** A sink with storage that fails, loses answers, and stores atomically with a compare-and-set on the origin. */
export function simSink(
  consumes: Topic<Batch>,
  storage: SimStorage,
  process: SimProcess,
  scheduler: Scheduler,
  faults: Faults,
  textOf: (batch: Batch, row: number) => string,
  check?: (batch: Batch) => void,
): Sink {
  return { name: 'sim_sink', consumes, check, open: async () => openWriter() }

  function openWriter(): SinkWriter {
    let pending: Batch[] = []
    const stored = new Map(storage.reached)
    let progressed = nextProgress()
    let flushing: Promise<void> = Promise.resolve()

    /** One flush at a time: their order is the order of the data. */
    function flush(): Promise<void> {
      flushing = flushing.then(store)
      flushing.catch(progressed.reject)
      return flushing
    }

    async function store(): Promise<void> {
      const batches = pending
      pending = []
      await scheduler.turn(process)
      if (scheduler.chance(faults.failure)) throw new TransientError('the storage is away')
      for (const partition of new Set(batches.map((batch) => batch.origin.partition))) {
        const own = batches.filter((batch) => batch.origin.partition === partition)
        const before = storage.reached.get(partition) ?? -1
        // A zombie was quicker: begin again from what is stored.
        if (before !== (stored.get(partition) ?? -1)) throw new TransientError('another writer has stored since')
        storage.reached.set(partition, own[own.length - 1].origin.offset)
        for (const batch of own) {
          for (let row = 0; row < batch.eventCount; row++) storage.rows.push({ partition, value: textOf(batch, row) })
        }
        stored.set(partition, storage.reached.get(partition)!)
      }
      await scheduler.turn(process)
      if (scheduler.chance(faults.lostAnswer)) throw new TransientError('the answer of the storage was lost')
      progressed.resolve()
    }

    return {
      async write(batch) {
        const { partition, offset } = batch.origin
        if (offset <= (stored.get(partition) ?? -1)) {
          progressed.resolve()
          return
        }
        pending.push(batch)
        if (scheduler.chance(0.3)) await flush()
        // What is not flushed for its size is flushed by time.
        else
          scheduler
            .turn(process)
            .then(flush)
            .catch(() => {})
      },
      storedUpTo: (partition) => stored.get(partition) ?? -1,
      async progress() {
        await progressed.promise
        progressed = nextProgress()
        // A flush that has failed meanwhile fails all that follow: the writer is done for.
        flushing.catch(progressed.reject)
      },
      flush,
      close: async () => {},
    }
  }
}

/** A failure that nobody waits for any more (the writer was closed) is nobody's. */
function nextProgress(): PromiseWithResolvers<void> {
  const progress = Promise.withResolvers<void>()
  progress.promise.catch(() => {})
  return progress
}
