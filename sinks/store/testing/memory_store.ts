/** A store in memory, for tests of what is above it. Passes the conformance suite. */
import { checkedKey, type ObjectStore, type StoredObject } from '../object_store.ts'

export interface MemoryStore extends ObjectStore {
  readonly objects: ReadonlyMap<string, Uint8Array>
}

export function createMemoryStore(): MemoryStore {
  const objects = new Map<string, Uint8Array>()
  const modified = new Map<string, number>()
  const write = (key: string, bytes: Uint8Array) => {
    objects.set(checkedKey(key), bytes)
    modified.set(key, Date.now())
  }
  return {
    objects,
    put: async (key, bytes) => write(key, bytes),
    async putIfAbsent(key, bytes) {
      if (objects.has(key)) return false
      write(key, bytes)
      return true
    },
    async get(key, range) {
      const object = objects.get(checkedKey(key)) ?? null
      return range === undefined ? object : (object?.subarray(range.start, range.end) ?? null)
    },
    async list(prefix, { after = '' } = {}) {
      checkedKey(prefix)
      return [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
        .map((key): StoredObject => ({ key, sizeBytes: objects.get(key)!.length, modifiedMs: modified.get(key)! }))
    },
    async delete(keys) {
      for (const key of keys) objects.delete(checkedKey(key))
    },
    localPath: () => null,
  }
}
