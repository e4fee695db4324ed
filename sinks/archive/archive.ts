/**
 * The archive: every record of a raw topic, its bytes as they are in the log, in objects that outlive the log's retention.
 * A sink with a consumer group of its own, so the log trims nothing that is not archived. README.md has the format.
 */
import type { Sink, SinkWriter } from '#pipeline/stage/sink.ts'
import type { Carrier, Topic } from '#pipeline/stage/topic.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { openStore, type StoreSettings } from '#sinks/store/open_store.ts'
import { expireArchive } from './expire_archive.ts'
import { PartitionArchive, type PartitionLimits } from './partition_archive.ts'
import type { PartitionPlace } from './place.ts'
import { type RawValue, recordsOf } from './raw_topic.ts'

export interface ArchiveLimits extends PartitionLimits {
  /** Records are stored when they are this old, however few there are. */
  readonly maxAgeMs: number
  /** Bytes in memory, all partitions together; at it the largest is stored. */
  readonly maxBytes: number
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  objectBytes: 32 * 2 ** 20,
  objectRecords: 100_000,
  blockBytes: 2 ** 20,
  maxAgeMs: 600_000,
  maxBytes: 128 * 2 ** 20,
}

export interface ArchiveSettings {
  readonly store: StoreSettings
  /** Days an object is kept after it was stored; without it, for ever. */
  readonly keepDays?: number | undefined
  readonly limits?: Partial<ArchiveLimits>
  /** Told of records that are missing, and of what failed and is being tried again. */
  readonly warn?: (message: string) => void
}

/** Name of the sink and of its consumer group. */
export const ARCHIVE = 'archive'

/** @param topic a source: receivers write it */
export function defineArchive(topic: Topic<Carrier>, settings: ArchiveSettings): Sink<RawValue> {
  const consumes = recordsOf(topic)
  return {
    name: ARCHIVE,
    consumes,
    open: async () => createArchiveSink(await openStore(settings.store), consumes, settings),
  }
}

export interface ArchiveSinkOptions extends Omit<ArchiveSettings, 'store'> {
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
}

const TICK_MS = 1_000
const DAY_MS = 86_400_000
const EXPIRE_EVERY_MS = 3_600_000

export function createArchiveSink(
  store: ObjectStore,
  topic: Pick<Topic<Carrier>, 'name' | 'codec'>,
  { keepDays, limits: given, warn = () => {}, now = Date.now }: ArchiveSinkOptions = {},
): SinkWriter<RawValue> {
  const limits: ArchiveLimits = { ...ARCHIVE_LIMITS, ...given }
  const partitions = new Map<number, PartitionArchive>()
  const opening = new Map<number, Promise<PartitionArchive>>()
  const wakers = new Set<() => void>()
  /** Offsets that `progress` has told of. */
  let told = 0
  let failure: Error | null = null
  let closed = false

  const wake = () => {
    for (const waker of wakers) waker()
    wakers.clear()
  }
  const expire = async ({ place }: PartitionArchive): Promise<void> => {
    if (keepDays === undefined) return
    await expireArchive(store, place, now() - keepDays * DAY_MS).catch((error: Error) =>
      warn(`cannot expire the archive: ${error.message}`),
    )
  }
  const open = async (place: PartitionPlace): Promise<PartitionArchive> => {
    const archive = await PartitionArchive.open(store, place, { limits, valueSchema: topic.codec.schema, warn })
    partitions.set(place.partition, archive)
    void expire(archive)
    wake()
    return archive
  }
  const archiveOf = ({ origin: { log, topic, partition } }: RawValue): Promise<PartitionArchive> => {
    let archive = opening.get(partition)
    if (archive === undefined) {
      archive = open({ log, topic, partition })
      opening.set(partition, archive)
    }
    return archive
  }

  const fail = (error: unknown): void => {
    failure ??= error as Error
    wake()
  }
  const flushAll = async (which: (archive: PartitionArchive) => boolean): Promise<void> => {
    const results = await Promise.allSettled([...partitions.values()].filter(which).map((archive) => archive.flush()))
    wake()
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  const inMemory = () => [...partitions.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  const storedOffsets = () => [...partitions.values()].reduce((sum, { storedUpTo }) => sum + storedUpTo + 1, 0)

  const ticking = setInterval(() => {
    const oldest = now() - limits.maxAgeMs
    flushAll(({ sinceMs }) => sinceMs !== null && sinceMs <= oldest).catch(fail)
  }, TICK_MS).unref()
  const expiring = setInterval(() => {
    for (const archive of partitions.values()) void expire(archive)
  }, EXPIRE_EVERY_MS).unref()

  return {
    async write(record) {
      if (failure !== null) throw failure
      const archive = await archiveOf(record)
      const before = archive.storedUpTo
      await archive.add(record, now())
      if (archive.storedUpTo !== before) wake()
      if (inMemory() < limits.maxBytes) return
      const largest = [...partitions.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a))
      await largest.flush()
      wake()
    },

    storedUpTo: (partition) => partitions.get(partition)?.storedUpTo ?? -1,

    async progress() {
      while (storedOffsets() === told && failure === null && !closed) {
        await new Promise<void>((resolve) => wakers.add(resolve))
      }
      told = storedOffsets()
      if (failure !== null && !closed) throw failure
    },

    async flush() {
      if (failure !== null) throw failure
      await flushAll(() => true)
    },

    async close() {
      closed = true
      clearInterval(ticking)
      clearInterval(expiring)
      wake()
    },
  }
}
