/**
 * A store in memory that fails as networks do, from a seed: a write may be refused, may happen with its answer lost, or
 * may be refused and happen later, after the writer has gone on.
 */
import { TransientError } from '#pipeline/errors/errors.ts'
import type { ObjectStore, StoredObject } from '../object_store.ts'

export interface FaultyStore extends ObjectStore {
  readonly objects: ReadonlyMap<string, Uint8Array>
  /** From now on nothing fails; what was to happen later happens. */
  heal(): void
}

/** @param random from 0 to 1 @param rate the share of writes that go wrong, and half that of reads */
export function createFaultyStore(random: () => number, rate: number): FaultyStore {
  const objects = new Map<string, Uint8Array>()
  const modified = new Map<string, number>()
  const late: (() => void)[] = []
  let failing = rate
  const goesWrong = (share: number) => random() < failing * share
  /** Other writers get their turn at every call; late writes happen at any of them. */
  const turn = async () => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (late.length > 0 && random() < 0.3) late.shift()!()
  }
  const write = (key: string, bytes: Uint8Array) => {
    objects.set(key, bytes)
    modified.set(key, 0)
  }
  const faulty = async <T>(what: string, apply: () => T): Promise<T> => {
    await turn()
    if (goesWrong(1)) {
      const kind = random()
      if (kind < 0.4) apply()
      else if (kind < 0.7) late.push(apply)
      throw new TransientError(`${what}: no answer`)
    }
    return apply()
  }
  return {
    objects,
    heal() {
      failing = 0
      for (const apply of late.splice(0)) apply()
    },
    put: (key, bytes) => faulty(`put ${key}`, () => write(key, bytes)),
    putIfAbsent: (key, bytes) =>
      faulty(`put ${key}`, () => {
        if (objects.has(key)) return false
        write(key, bytes)
        return true
      }),
    async get(key, range) {
      await turn()
      if (goesWrong(0.5)) throw new TransientError(`get ${key}: no answer`)
      const object = objects.get(key) ?? null
      return range === undefined ? object : (object?.subarray(range.start, range.end) ?? null)
    },
    async list(prefix, { after = '' } = {}) {
      await turn()
      if (goesWrong(0.5)) throw new TransientError(`list ${prefix}: no answer`)
      return [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
        .map((key): StoredObject => ({ key, sizeBytes: objects.get(key)!.length, modifiedMs: modified.get(key)! }))
    },
    async delete(keys) {
      for (const key of keys) objects.delete(key)
    },
    localPath: () => null,
  }
}
