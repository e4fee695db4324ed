/**
 * The lake: every event of `telemetry.events.v1` in open Delta tables, one per project and table, each event exactly
 * once. This file is the sink as the runtime sees it; the work is done in a thread of its own (`writer/`).
 */
import { Worker } from 'node:worker_threads'
import type { Batch } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { Sink, SinkWriter } from '#pipeline/stage/sink.ts'
import { checkStorable } from '#schemas/tables/check_columns.ts'
import { tableOf } from '#schemas/tables/tables.ts'
import { telemetryEvents } from '#schemas/topics.ts'
import type { StoreSettings } from '#sinks/store/open_store.ts'
import type { Retention } from './compaction/retention.ts'
import { generationStore, lakeGroup, tableKey } from './paths.ts'
import type { LakeLimits } from './writer/lake_writer.ts'
import { type Question, type Reply, type Request, receivedError, type WriterSettings } from './writer/messages.ts'
import { toTransfer } from './writer/transfer.ts'

export interface LakeSettings {
  /** Where the tables are: a folder, made when first written to, or a bucket. */
  readonly store: StoreSettings
  /** Which generation of it is written; the first without. */
  readonly generation?: number
  readonly limits?: Partial<LakeLimits>
  /** Projects that do not keep everything; asked every hour. */
  readonly retentions?: () => readonly Retention[]
  /** Told of what failed and is being tried again. */
  readonly warn?: (message: string, error: Error) => void
}

export function defineLake(settings: LakeSettings): Sink {
  const { store, generation: live = 1 } = settings
  const within = (generation: number) => ({ ...settings, store: generationStore(store, generation) })
  return {
    name: 'lake',
    group: lakeGroup(live),
    consumes: telemetryEvents,
    check: checkLake,
    open: async (storing) => createLakeSink(within(live), storing),
    openGeneration: async (generation) => createLakeSink(within(generation)),
  }
}

/** One batch that cannot be stored would stop the flush it is in, and with it every project. */
function checkLake(batch: Batch): void {
  tableKey(batch.projectId, tableOf(batch.signal).name)
  checkStorable(batch)
}

const EXPIRE_EVERY_MS = 3_600_000

/** Bytes on their way to the thread before `write` waits: the thread must not run dry while it answers. */
const MAX_UNANSWERED_BYTES = 16 * 2 ** 20

/** @param storing as `Sink.open` */
export function createLakeSink(
  { store, limits = {}, retentions = () => [], warn = () => {} }: LakeSettings,
  storing: (failure: string | null) => void = () => {},
): SinkWriter {
  const workerData: WriterSettings = { store, limits }
  const worker = new Worker(new URL('./writer/writer_thread.ts', import.meta.url), { workerData })
  const answers = new Map<number, { done(): void; failed(error: Error): void }>()
  const reached = new Map<number, number>()
  const wakers = new Set<() => void>()
  let requests = 0
  let unansweredBytes = 0
  let failure: Error | null = null
  /** True where `reached` has grown since `progress` last resolved. */
  let grown = false
  let closed = false
  /** The thread is no more. */
  let ended = false
  let failing: string | null = null

  const wake = () => {
    for (const waker of wakers) waker()
    wakers.clear()
  }
  const fail = (error: Error) => {
    failure ??= error
    for (const answer of answers.values()) answer.failed(error)
    answers.clear()
    wake()
  }
  const changed = () => new Promise<void>((resolve) => wakers.add(resolve))
  const ask = (what: Question): Promise<void> => {
    const id = ++requests
    return new Promise((done, failed) => {
      answers.set(id, { done, failed })
      worker.postMessage({ id, ...what } satisfies Request, what.kind === 'add' ? [what.batch.buffer] : [])
    })
  }

  const started = Promise.withResolvers<void>()
  worker.on('message', (reply: Reply) => {
    started.resolve()
    switch (reply.kind) {
      case 'reached':
        for (const { partition, reached: offset } of reply.reached) {
          if (offset <= (reached.get(partition) ?? -1)) continue
          reached.set(partition, offset)
          grown = true
        }
        if (grown) wake()
        if (reply.failing !== failing) storing(reply.failing)
        failing = reply.failing
        break
      case 'warning':
        warn(reply.what, receivedError(reply.error))
        break
      default: {
        const answer = answers.get(reply.id)
        answers.delete(reply.id)
        if (reply.kind === 'done') answer?.done()
        else answer?.failed(receivedError(reply.error))
      }
    }
  })
  worker.on('exit', () => {
    ended = true
    started.resolve()
  })
  worker.on('error', (cause) => fail(new TransientError(`lake: the writer failed: ${cause}`, { cause })))
  worker.on('exit', () => fail(new TransientError('lake: the writer has ended')))
  const expire = () => worker.postMessage({ kind: 'expire', retentions: retentions() } satisfies Request)
  expire()
  const expiring = setInterval(expire, EXPIRE_EVERY_MS)

  return {
    async write(batch) {
      const transferred = toTransfer(batch)
      const bytes = transferred.buffer.byteLength
      while (failure === null && unansweredBytes > 0 && unansweredBytes + bytes > MAX_UNANSWERED_BYTES) await changed()
      if (failure !== null) throw failure
      unansweredBytes += bytes
      // A batch that is refused later stops the sink: batches after it must not be taken as if it were there.
      ask({ kind: 'add', batch: transferred })
        .catch(fail)
        .finally(() => {
          unansweredBytes -= bytes
          wake()
        })
    },

    storedUpTo: (partition) => reached.get(partition) ?? -1,

    async progress() {
      while (!grown && failure === null && !closed) await changed()
      grown = false
      if (failure !== null && !closed) throw failure
    },

    async flush() {
      if (failure !== null) throw failure
      await ask({ kind: 'flush' })
      if (failure !== null) throw failure
    },

    async close() {
      closed = true
      clearInterval(expiring)
      // Broken off while it loads native code or is in it, a thread takes the whole process with it.
      await started.promise
      if (!ended) await ask({ kind: 'rest' }).catch(() => {})
      await worker.terminate()
      wake()
    },
  }
}
