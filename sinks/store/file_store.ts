/**
 * Objects in a folder. An object is written beside its place under a temporary name, synced, and then renamed
 * (`put`) or linked (`putIfAbsent`, since `link` fails where the name is taken); the folder is synced after that, so
 * that the name outlives a power failure as the bytes do.
 */
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import { type ByteRange, checkedKey, type ObjectStore, type StoredObject } from './object_store.ts'

const TEMPORARY = '.tmp'
let temporaries = 0

/** @param directory absolute; made when first written to */
export function createFileStore(directory: string): ObjectStore {
  if (!isAbsolute(directory)) throw new OperatorError(`a store's folder must be an absolute path, not ${directory}`)
  const pathOf = (key: string) => join(directory, checkedKey(key))
  const attempt = <T>(what: string, work: () => Promise<T>) => orTransient(directory, what, work)

  return {
    put: (key, bytes) =>
      attempt(`write ${key}`, async () => {
        const path = pathOf(key)
        const temporary = await writeTemporary(path, bytes)
        await orRemove(temporary, () => rename(temporary, path))
        await syncDirectory(dirname(path))
      }),

    putIfAbsent: (key, bytes) =>
      attempt(`write ${key}`, async () => {
        const path = pathOf(key)
        const temporary = await writeTemporary(path, bytes)
        const won = await orRemove(temporary, () => linked(temporary, path))
        await rm(temporary, { force: true })
        await syncDirectory(dirname(path))
        return won
      }),

    get: (key, range) =>
      attempt(`read ${key}`, () => orNull(range === undefined ? readFile(pathOf(key)) : readRange(pathOf(key), range))),

    list: (prefix, options = {}) =>
      attempt(`list ${prefix}`, async () => {
        const found: StoredObject[] = []
        await walk(join(directory, checkedKey(prefix)), prefix, found)
        const after = options.after ?? ''
        return found.filter(({ key }) => key > after).sort((a, b) => (a.key < b.key ? -1 : 1))
      }),

    delete: (keys) =>
      attempt('delete', async () => {
        for (const key of keys) await rm(pathOf(key), { force: true })
      }),

    localPath: pathOf,
  }
}

/** Whatever the file system refuses may go away: no space, too many open files, a disk that is remounted. */
async function orTransient<T>(directory: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof RangeError) throw cause
    throw new TransientError(`${directory}: cannot ${what}: ${(cause as Error).message}`, { cause })
  }
}

async function readRange(path: string, { start, end }: ByteRange): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.max(0, end - start)), { position: start })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  await makeDirectory(dirname(path))
  const temporary = `${path}.${process.pid}.${++temporaries}${TEMPORARY}`
  return orRemove(temporary, async () => {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.datasync()
    } finally {
      await file.close()
    }
    return temporary
  })
}

/** A new folder's name is durable once the folder it is in has been synced, up to the one that was there before. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

async function orRemove<T>(temporary: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

async function linked(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function walk(path: string, prefix: string, found: StoredObject[]): Promise<void> {
  for (const entry of (await orNull(readdir(path, { withFileTypes: true }))) ?? []) {
    if (entry.isDirectory()) await walk(join(path, entry.name), `${prefix}${entry.name}/`, found)
    else if (!entry.name.endsWith(TEMPORARY)) {
      const stats = await orNull(stat(join(path, entry.name)))
      if (stats !== null) found.push({ key: prefix + entry.name, sizeBytes: stats.size, modifiedMs: stats.mtimeMs })
    }
  }
}
