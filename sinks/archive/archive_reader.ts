/** Reads the archive of a log as the log itself would be read: by offset, in pages. */

import { OperatorError } from '#pipeline/errors/errors.ts'
import type { LogRecord, ReadOptions } from '#pipeline/log/log.ts'
import type { ObjectStore, StoredObject } from '#sinks/store/object_store.ts'
import { type ArchivedRecord, DamagedError } from './container.ts'
import { blocksOf, GoneError, type Read } from './object_blocks.ts'
import { firstIn, type PartitionPlace, prefixOf } from './place.ts'
import { damaged, readSummary } from './summary.ts'

export interface ArchiveReader {
  /** What there is of a partition; `null` where there is nothing. `end` is the offset after the last. @throws TransientError */
  bounds(place: PartitionPlace): Promise<{ readonly begin: number; readonly end: number } | null>
  /**
   * Reads on from `offset`, in order, as `EventLog.read` does. Empty at the end.
   * @throws RangeError where `offset` is before `begin` or past `end`
   * @throws OperatorError where an object is damaged, or records between two of them are missing
   * @throws TransientError where the store failed
   */
  read(place: PartitionPlace, offset: number, options: ReadOptions): Promise<readonly LogRecord[]>
  /** The first offset with a timestamp ≥ `timestamp`; `null` where there is none. @throws as `read` */
  offsetAt(place: PartitionPlace, timestamp: number): Promise<number | null>
}

/** Readers that stand somewhere and will go on there; each holds about 6 MB. The one unused for longest is closed. */
const MAX_CURSORS = 32

interface IndexedObject extends StoredObject {
  readonly first: number
}

/** Where a reader stands. */
interface Cursor {
  readonly blocks: AsyncGenerator<Read>
  /** Read from an object and not yet handed out. */
  records: readonly ArchivedRecord[]
}

export function createArchiveReader(store: ObjectStore): ArchiveReader {
  /** By prefix; grows with the archive, by a number an object. */
  const indexes = new Map<string, IndexedObject[]>()
  /** By prefix and next offset; the one unused for longest first. */
  const cursors = new Map<string, Cursor>()

  /** Adds what has come since; reads it all where the oldest may have gone. */
  const refreshed = async (place: PartitionPlace, whole = false): Promise<IndexedObject[]> => {
    const prefix = prefixOf(place)
    const known = whole ? [] : (indexes.get(prefix) ?? [])
    const found = await store.list(prefix, { after: known.at(-1)?.key })
    const added = found.flatMap((object): IndexedObject[] => {
      const first = firstIn(object.key)
      return first === null ? [] : [{ ...object, first }]
    })
    const objects = [...known, ...added]
    indexes.set(prefix, objects)
    return objects
  }

  /** Objects from the one that has `offset` on. */
  const objectsFrom = async (place: PartitionPlace, offset: number): Promise<IndexedObject[]> => {
    const known = indexes.get(prefixOf(place)) ?? []
    // The last object's end is known only from itself, and there may be more by now.
    const objects = offset < (known.at(-1)?.first ?? 0) ? known : await refreshed(place)
    const after = objects.findIndex(({ first }) => first > offset)
    const at = (after < 0 ? objects.length : after) - 1
    if (at < 0) throw outside(place, offset, objects)
    return objects.slice(at)
  }

  const taken = (place: PartitionPlace, offset: number): Cursor | undefined => {
    const key = `${prefixOf(place)}@${offset}`
    const cursor = cursors.get(key)
    cursors.delete(key)
    return cursor
  }
  const keep = (place: PartitionPlace, offset: number, cursor: Cursor) => {
    cursors.set(`${prefixOf(place)}@${offset}`, cursor)
    for (const [key, oldest] of cursors) {
      if (cursors.size <= MAX_CURSORS) return
      cursors.delete(key)
      oldest.blocks.return(undefined).catch(() => {})
    }
  }

  /** Moves on to records from `offset` on. @returns the end of what there is, where none follow */
  const advance = async (offset: number, cursor: Cursor): Promise<number | null> => {
    let end: number | null = null
    while (cursor.records.length === 0) {
      const { value, done } = await cursor.blocks.next()
      if (done) return end
      const { object, summary, records } = value
      if (end !== null && summary.first > end) throw missing(object.key, end, summary.first)
      if (records.length === 0) end = Math.max(end ?? 0, summary.last + 1)
      else {
        const from = records.findIndex((record) => record.offset >= offset)
        cursor.records = from < 0 ? [] : records.slice(from)
      }
    }
    return null
  }

  const readOn = async (
    place: PartitionPlace,
    offset: number,
    cursor: Cursor,
    { maxBytes, maxRecords = Number.MAX_SAFE_INTEGER }: ReadOptions,
  ): Promise<readonly LogRecord[]> => {
    const end = await advance(offset, cursor)
    if (end !== null && offset > end) throw outside(place, offset, indexes.get(prefixOf(place))!)
    const page: LogRecord[] = []
    let size = 0
    for (const record of cursor.records) {
      size += record.value.length
      if (page.length > 0 && (size > maxBytes || page.length >= maxRecords)) break
      page.push({ topic: place.topic, partition: place.partition, ...record })
    }
    cursor.records = cursor.records.slice(page.length)
    if (page.length > 0) keep(place, page.at(-1)!.offset + 1, cursor)
    return page
  }

  return {
    async bounds(place) {
      const objects = await refreshed(place, true)
      const last = objects.at(-1)
      if (last === undefined) return null
      const summary = await readSummary(store, last.key)
      // Deleted since it was listed: it was the oldest, too.
      return summary === null ? null : { begin: objects[0].first, end: summary.last + 1 }
    },

    async read(place, offset, options) {
      try {
        const standing = taken(place, offset)
        const page = standing === undefined ? [] : await readOn(place, offset, standing, options)
        if (page.length > 0) return page
        // A reader that stood here has come to the end of what there was when it began.
        const blocks = blocksOf(store, await objectsFrom(place, offset))
        return await readOn(place, offset, { blocks, records: [] }, options)
      } catch (error) {
        if (!(error instanceof GoneError)) throw error
        const objects = await refreshed(place, true)
        if (offset < (objects[0]?.first ?? Number.POSITIVE_INFINITY)) throw outside(place, offset, objects)
        throw damaged(error.key, new DamagedError('it is gone'))
      }
    },

    async offsetAt(place, timestamp) {
      const objects = await refreshed(place)
      let [low, high] = [0, objects.length]
      while (low < high) {
        const middle = (low + high) >> 1
        const summary = await readSummary(store, objects[middle].key)
        if (summary !== null && summary.latest < timestamp) low = middle + 1
        else high = middle
      }
      for await (const { records } of blocksOf(store, objects.slice(low))) {
        const found = records.find((record) => record.timestamp >= timestamp)
        if (found !== undefined) return found.offset
      }
      return null
    },
  }
}

function outside({ topic, partition }: PartitionPlace, offset: number, objects: readonly IndexedObject[]): RangeError {
  const begin = objects.length === 0 ? 'is empty' : `begins at ${objects[0].first}`
  return new RangeError(`the archive of ${topic}/${partition} ${begin} and has no offset ${offset}`)
}

function missing(key: string, from: number, to: number): OperatorError {
  return new OperatorError(
    `the archive has nothing from offset ${from} to ${to - 1}, before ${key}: an object is missing, or these records were never ` +
      `archived. Bring it back from a copy, or begin at ${to}`,
  )
}
