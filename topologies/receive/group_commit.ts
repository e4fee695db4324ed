/**
 * Group commit: exports that arrive close together become one raw record for each project, signal and partition, and
 * all waiting records go to the log in one append. One append at a time, so the log never holds two answers open.
 */

import type { Signal } from '#pipeline/batch/batch.ts'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { EventLog, NewRecord } from '#pipeline/log/log.ts'
import { type Export, rawRecordCodec } from '#schemas/raw_record.ts'
import type { Clock } from './clock.ts'
import { Refusal } from './refusal.ts'
import type { ReceiverStats } from './stats.ts'

export interface GroupCommitLimits {
  /** Bodies in one raw record; an export larger than that has one of its own. */
  readonly maxRecordBytes: number
  /** Events in one raw record: a position has 16 bits. */
  readonly maxRecordEvents: number
  /** Bodies in one append. */
  readonly maxAppendBytes: number
  /** How long the first export of an append waits for company … */
  readonly lingerMs: number
  /** … unless so much is waiting already. */
  readonly flushBytes: number
  /** A partition without a record for so long gets a tick. */
  readonly tickMs: number
}

export const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  maxRecordBytes: 2 ** 20,
  maxRecordEvents: 2 ** 16,
  maxAppendBytes: 8 * 2 ** 20,
  lingerMs: 20,
  flushBytes: 256 * 1024,
  tickMs: 1000,
}

const RETRY_AFTER_MS = 1000

export interface GroupCommitOptions {
  readonly log: EventLog
  /** The raw topic, its partition count, and the id its schema is registered under. */
  readonly topic: string
  readonly partitions: number
  readonly schemaId: number
  /** Per partition the time of the newest record there is, in microseconds since 1970; time goes on from it. */
  readonly lastReceivedAt: readonly number[]
  readonly clock: Clock
  readonly limits: GroupCommitLimits
  readonly stats: ReceiverStats
  /** Told of every append that failed; the exports in it have been refused. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** A raw record to be. Without exports it is a tick. */
interface Group {
  readonly projectId: string
  readonly signal: Signal
  readonly partition: number
  readonly exports: Export[]
  sizeBytes: number
  eventCount: number
  readonly durable: PromiseWithResolvers<void>
}

export class GroupCommit {
  readonly #options: GroupCommitOptions
  /** In order of arrival; what is appended next is a prefix. */
  #waiting: Group[] = []
  #waitingBytes = 0
  /** Groups in `#waiting` that take more exports, by {@link groupKey}. */
  readonly #open = new Map<string, Group>()
  /** Per partition: the time of its newest record, and of the last one queued. */
  readonly #receivedAt: number[]
  readonly #queuedAt: number[]
  /** When the oldest waiting group came, and the timer that will append it. */
  #waitingSince = 0
  #cancelTimer: (() => void) | null = null
  #appending = false
  #draining: PromiseWithResolvers<void> | null = null

  constructor(options: GroupCommitOptions) {
    this.#options = options
    this.#receivedAt = [...options.lastReceivedAt]
    this.#queuedAt = options.lastReceivedAt.map(() => options.clock.now())
  }

  /**
   * Resolves when the export is durable.
   * @throws Refusal where it could not be stored; it may have been all the same
   */
  add(projectId: string, signal: Signal, part: Export): Promise<void> {
    const { partitions, limits } = this.#options
    const { key, body, eventCount } = part
    const partition = (((key[0] << 24) | (key[1] << 16) | (key[2] << 8) | key[3]) >>> 0) % partitions
    const name = groupKey(partition, signal, projectId)
    let group = this.#open.get(name)
    if (
      group === undefined ||
      group.sizeBytes + body.length > limits.maxRecordBytes ||
      group.eventCount + eventCount > limits.maxRecordEvents
    ) {
      group = this.#enqueue(projectId, signal, partition)
      this.#open.set(name, group)
    }
    group.exports.push(part)
    group.sizeBytes += body.length
    group.eventCount += eventCount
    this.#waitingBytes += body.length
    this.#schedule()
    return group.durable.promise
  }

  /** Queues a tick for each partition that has been silent. Returns milliseconds until the next one may be due. */
  tick(): number {
    const { clock, limits } = this.#options
    const now = clock.now()
    let next = limits.tickMs
    for (const [partition, queuedAt] of this.#queuedAt.entries()) {
      const silentMs = (now - queuedAt) / 1000
      // A clock set back must not stop time.
      if (silentMs >= limits.tickMs || silentMs < 0) this.#tick(partition)
      else next = Math.min(next, limits.tickMs - silentMs)
    }
    return next
  }

  /** Appends what is waiting without lingering; resolves when nothing waits any more. */
  drain(): Promise<void> {
    this.#draining ??= Promise.withResolvers()
    const { promise } = this.#draining
    this.#schedule()
    return promise
  }

  #tick(partition: number): void {
    const group = this.#enqueue('', 'logs', partition)
    // Nobody waits for a tick; where it fails, the next one is a second away.
    group.durable.promise.catch(() => {})
    this.#schedule()
  }

  #enqueue(projectId: string, signal: Signal, partition: number): Group {
    const now = this.#options.clock.now()
    if (this.#waiting.length === 0) this.#waitingSince = now
    this.#queuedAt[partition] = now
    const durable = Promise.withResolvers<void>()
    const group = { projectId, signal, partition, exports: [], sizeBytes: 0, eventCount: 0, durable }
    this.#waiting.push(group)
    return group
  }

  /** Appends now, later, or (while an append is under way) when it has ended. */
  #schedule(): void {
    const { clock, limits } = this.#options
    if (this.#appending) return
    if (this.#waiting.length === 0) {
      this.#draining?.resolve()
      this.#draining = null
      return
    }
    const waitedMs = (clock.now() - this.#waitingSince) / 1000
    const lingerMs = waitedMs < 0 ? 0 : limits.lingerMs - waitedMs
    if (this.#draining !== null || this.#waitingBytes >= limits.flushBytes || lingerMs <= 0) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
      void this.#append()
      return
    }
    this.#cancelTimer ??= clock.after(lingerMs, () => {
      this.#cancelTimer = null
      this.#waitingSince = Number.NEGATIVE_INFINITY
      this.#schedule()
    })
  }

  async #append(): Promise<void> {
    const { log, stats, onError } = this.#options
    const groups = this.#takeWaiting()
    this.#appending = true
    try {
      await log.append(groups.map((group) => this.#record(group)))
      stats.appends++
      for (const group of groups) {
        if (group.exports.length === 0) stats.ticks++
        else stats.records++
        group.durable.resolve()
      }
    } catch (error) {
      stats.failedAppends++
      onError?.(error)
      for (const group of groups) group.durable.reject(unavailable(error))
    }
    this.#appending = false
    this.#schedule()
  }

  /** The groups of the next append: at least one, more within the bound. They take no more exports. */
  #takeWaiting(): Group[] {
    const { maxAppendBytes } = this.#options.limits
    let taken = 0
    let size = 0
    for (const group of this.#waiting) {
      if (taken > 0 && size + group.sizeBytes > maxAppendBytes) break
      size += group.sizeBytes
      taken++
    }
    const groups = this.#waiting.splice(0, taken)
    this.#waitingBytes -= size
    for (const group of groups) {
      const name = groupKey(group.partition, group.signal, group.projectId)
      if (this.#open.get(name) === group) this.#open.delete(name)
    }
    return groups
  }

  #record({ projectId, signal, partition, exports }: Group): NewRecord {
    const { clock, topic, schemaId } = this.#options
    const receivedAt = Math.max(clock.now(), this.#receivedAt[partition])
    this.#receivedAt[partition] = receivedAt
    const value = rawRecordCodec.encode({ projectId, signal, receivedAt, exports }, schemaId)
    return { topic, partition, value, timestamp: Math.floor(receivedAt / 1000) }
  }
}

function groupKey(partition: number, signal: Signal, projectId: string): string {
  return `${partition} ${signal} ${projectId}`
}

function unavailable(cause: unknown): Refusal {
  const retryAfterMs = (cause instanceof TransientError ? cause.retryAfterMs : undefined) ?? RETRY_AFTER_MS
  return new Refusal('unavailable', 'the export could not be stored; try again', { retryAfterMs, cause })
}
