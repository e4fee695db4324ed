/**
 * Objects of a bucket, whole, in a folder of this machine, where DuckDB can read them. The folder holds a bounded number
 * of bytes; the object unused for longest goes first, and never one that a statement is reading.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { QueryError } from '#schemas/query.ts'
import { checkedKey, type ObjectStore } from '#sinks/store/object_store.ts'
import { type CachedObject, cachedObjects, createTurns, fetchObject, isIntact } from './cache_files.ts'
import type { HeldFiles } from './snapshot.ts'

export interface ObjectCacheOptions {
  readonly store: ObjectStore
  /** Belongs to the cache: whatever else is in it is removed. */
  readonly directory: string
  /** Bytes of objects, those on their way included. */
  readonly maxBytes: number
  /** An object unused for so long goes, however much room there is: its events may be past their retention. */
  readonly maxIdleMs?: number
  /** Milliseconds; for tests. */
  readonly now?: () => number
}

export interface ObjectCache {
  /** Bytes of objects in the folder and on their way. */
  readonly usedBytes: number
  /**
   * Fetches what is not there, waiting while other statements need the room.
   * @throws QueryError where so much never fits
   * @throws TransientError where the store failed, or the folder cannot be written to
   */
  hold(objects: readonly CachedObject[], signal: AbortSignal): Promise<HeldFiles>
  /** Removes what nobody has used for long; done now and then by itself. */
  dropIdle(): void
  close(): void
}

/** Parts of objects on their way at a time, of all objects together. */
const PARTS_IN_FLIGHT = 8
const MAX_IDLE_MS = 86_400_000
const DROP_EVERY_MS = 600_000

interface Entry {
  readonly key: string
  readonly sizeBytes: number
  /** Statements that read it or wait for it. */
  holders: number
  usedMs: number
  /** `null` while it is on its way. */
  path: string | null
  /** Resolves to its path once it is known to be whole. */
  ready: Promise<string> | null
  /** Among the bytes used; until its file is gone. */
  counted: boolean
}

export async function createObjectCache(options: ObjectCacheOptions): Promise<ObjectCache> {
  const { store, directory, maxBytes, maxIdleMs = MAX_IDLE_MS, now = Date.now } = options
  /** The one unused for longest first. */
  const entries = new Map<string, Entry>()
  const wakers = new Set<() => void>()
  const turns = createTurns(PARTS_IN_FLIGHT)
  let usedBytes = 0

  const wake = () => {
    for (const waker of wakers) waker()
    wakers.clear()
  }
  const isKnown = (entry: Entry) => entries.get(entry.key) === entry
  const add = (object: CachedObject, path: string | null): Entry => {
    const { key, sizeBytes } = object
    const entry: Entry = { key, sizeBytes, holders: 0, usedMs: now(), path, ready: null, counted: true }
    entries.set(key, entry)
    usedBytes += sizeBytes
    return entry
  }
  const forget = (entry: Entry) => {
    if (isKnown(entry)) entries.delete(entry.key)
  }
  const gone = (entry: Entry) => {
    forget(entry)
    if (entry.counted) usedBytes -= entry.sizeBytes
    entry.counted = false
    wake()
  }
  const isIdle = ({ holders, path }: Entry) => holders === 0 && path !== null
  const drop = (entry: Entry) => {
    rmSync(entry.path!, { force: true })
    gone(entry)
  }

  /** Makes objects a statement's, with room for those that are not there. @returns null where there is none yet */
  const reserve = (objects: readonly CachedObject[]): Entry[] | null => {
    const missing = objects.filter(({ key, sizeBytes }) => entries.get(key)?.sizeBytes !== sizeBytes)
    // Of another size than the table says: found in the folder at the start.
    const going = missing.flatMap(({ key }) => entries.get(key) ?? [])
    if (!going.every(isIdle)) return null
    const needed = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let room = going.reduce((sum, { sizeBytes }) => sum + sizeBytes, maxBytes - usedBytes)
    const wanted = new Set(objects.map(({ key }) => key))
    for (const entry of entries.values()) {
      if (room >= needed) break
      if (!isIdle(entry) || wanted.has(entry.key)) continue
      going.push(entry)
      room += entry.sizeBytes
    }
    if (room < needed) return null
    for (const entry of going) drop(entry)
    const held = objects.map((object) => entries.get(object.key) ?? add(object, null))
    for (const entry of held) entry.holders++
    return held
  }

  const release = (held: readonly Entry[]) => {
    for (const entry of held) {
      entry.holders--
      entry.usedMs = now()
      if (!isKnown(entry)) continue
      entries.delete(entry.key)
      entries.set(entry.key, entry)
    }
    wake()
  }

  const pathOf = (entry: Entry): Promise<string> => {
    entry.ready ??= whole(entry)
      .catch((error) => {
        gone(entry)
        throw error
      })
      .finally(wake)
    return entry.ready
  }
  const whole = async (entry: Entry): Promise<string> => {
    if (entry.path !== null && (await isIntact(entry.path))) return entry.path
    if (entry.path !== null) rmSync(entry.path, { force: true })
    entry.path = null
    const isWanted = () => {
      // Forgotten at once, so that who asks from now on does not wait for what is being given up.
      if (entry.holders === 0) forget(entry)
      return isKnown(entry)
    }
    entry.path = await fetchObject(store, entry, join(directory, entry.key), turns, isWanted)
    return entry.path
  }

  const dropIdle = () => {
    for (const entry of [...entries.values()]) if (isIdle(entry) && now() - entry.usedMs > maxIdleMs) drop(entry)
  }

  for (const object of await cachedObjects(directory)) add(object, object.path)
  for (const entry of [...entries.values()]) if (usedBytes > maxBytes) drop(entry)
  const dropping = setInterval(dropIdle, DROP_EVERY_MS).unref()

  return {
    get usedBytes() {
      return usedBytes
    },
    async hold(asked, signal) {
      const objects = [...new Map(asked.map((object) => [checkedKey(object.key), object])).values()]
      const total = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      if (total > maxBytes) throw tooLarge(objects.length, total, maxBytes)
      let held = reserve(objects)
      while (held === null) {
        await orAborted(new Promise<void>((resolve) => wakers.add(resolve)), signal)
        held = reserve(objects)
      }
      const mine = held
      try {
        const paths = await orAborted(Promise.all(mine.map(pathOf)), signal)
        const byKey = new Map(mine.map(({ key }, at) => [key, paths[at]]))
        return { paths: asked.map(({ key }) => byKey.get(key)!), release: once(() => release(mine)) }
      } catch (error) {
        release(mine)
        throw error
      }
    },
    dropIdle,
    close: () => clearInterval(dropping),
  }
}

function tooLarge(files: number, bytes: number, maxBytes: number): QueryError {
  const mib = (value: number) => Math.ceil(value / 2 ** 20)
  const message =
    `the statement reads ${files} files of ${mib(bytes)} MiB together, and the cache holds ${mib(maxBytes)} MiB: ` +
    'narrow it by time, or raise MILLRACE_CACHE_BYTES'
  return new QueryError({ fault: 'user', code: '53100', message })
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}
