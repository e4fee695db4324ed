/**
 * The files of the cache. An object is fetched into a file aside, which then gets its name: the key and a checksum of what
 * was fetched. So there is no half of an object under a name, and what the folder holds at a start is believed only where
 * it is, to the byte, what was put there: a power failure, or a person, may have changed it.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'

export interface CachedObject {
  readonly key: string
  readonly sizeBytes: number
}

export interface FoundObject extends CachedObject {
  readonly path: string
  /** Milliseconds since 1970. */
  readonly modifiedMs: number
}

const PART_BYTES = 4 * 2 ** 20
const NAME = /^(.+)\.([0-9a-f]{8})$/

let temporaries = 0

/**
 * Fetches an object, in parts that are on their way together.
 * @param path where it goes, without the checksum
 * @param isWanted asked before each part: nobody may wait for the object any more
 * @returns the path with the checksum
 * @throws TransientError where the store or the folder failed, or the object is not as large as it should be
 */
export async function fetchObject(
  store: ObjectStore,
  { key, sizeBytes }: CachedObject,
  path: string,
  turns: Turns,
  isWanted: () => boolean,
): Promise<string> {
  const temporary = `${path}.${++temporaries}.fetching`
  const sums: number[] = []
  let failed = false
  const fetchPart = async (file: FileHandle, start: number) => {
    if (failed || !isWanted()) throw new TransientError(`${key} is not waited for any more`)
    const bytes = await store.get(key, { start, end: start + PART_BYTES })
    if (bytes === null) throw new TransientError(`${key} is gone`)
    if (bytes.length !== Math.min(PART_BYTES, sizeBytes - start)) {
      throw new TransientError(`${key} has not the ${sizeBytes} bytes that its table says`)
    }
    await file.write(bytes, 0, bytes.length, start)
    sums[start / PART_BYTES] = crc32(bytes)
  }
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'w')
    try {
      const starts = Array.from({ length: Math.ceil(sizeBytes / PART_BYTES) }, (_, part) => part * PART_BYTES)
      const inTurn = (start: number) =>
        turns
          .take(() => fetchPart(file, start))
          .catch((error) => {
            failed = true
            throw error
          })
      const fetched = await Promise.allSettled(starts.map(inTurn))
      const failure = fetched.find((part) => part.status === 'rejected')
      if (failure !== undefined) throw failure.reason
    } finally {
      await file.close()
    }
    const named = `${path}.${sumOf(sums)}`
    await rename(temporary, named)
    return named
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    if (cause instanceof TransientError) throw cause
    throw new TransientError(`cannot keep ${key} in the cache: ${(cause as Error).message}`, { cause })
  }
}

/** True where a file is, to the byte, what was fetched. */
export async function isIntact(path: string): Promise<boolean> {
  const found = await checksum(path).catch(() => null)
  return NAME.exec(path)?.[2] === found
}

async function checksum(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const sums: number[] = []
    const part = Buffer.allocUnsafe(PART_BYTES)
    for (let start = 0; ; start += PART_BYTES) {
      const { bytesRead } = await file.read(part, 0, PART_BYTES, start)
      if (bytesRead === 0) return sumOf(sums)
      sums.push(crc32(part.subarray(0, bytesRead)))
    }
  } finally {
    await file.close()
  }
}

/** Parts come in any order, so each has a sum of its own. */
function sumOf(sums: readonly number[]): string {
  return crc32(sums.join()).toString(16).padStart(8, '0')
}

/** Objects that a folder has by name, the one fetched first before the others; everything else in it is removed. */
export async function cachedObjects(directory: string): Promise<FoundObject[]> {
  await mkdir(directory, { recursive: true })
  const found: FoundObject[] = []
  for (const file of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (file.isDirectory()) continue
    const path = join(file.parentPath, file.name)
    const [, key] = NAME.exec(path.slice(directory.length + 1)) ?? []
    if (!file.isFile() || key === undefined) await rm(path, { force: true })
    else {
      const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(path)
      found.push({ key, path, sizeBytes, modifiedMs })
    }
  }
  found.sort((a, b) => a.modifiedMs - b.modifiedMs)
  const newest = new Map(found.map((object) => [object.key, object]))
  for (const object of found) if (newest.get(object.key) !== object) await rm(object.path, { force: true })
  return [...newest.values()]
}

/** Work that a bounded number of callers do at a time. */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async take(work) {
      if (taken >= most) await new Promise<void>((turn) => waiting.push(turn))
      else taken++
      try {
        return await work()
      } finally {
        // Handed on, so the number falls only when nobody waits.
        const next = waiting.shift()
        if (next === undefined) taken--
        else next()
      }
    },
  }
}
